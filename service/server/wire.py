"""The head of an answer as bytes."""

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

_STATUS_LINES = {
    (version, int(status)): f"HTTP/{version} {int(status)} {status.phrase}\r\n".encode()
    for version in ("1.0", "1.1")
    for status in HTTPStatus
}
# The server decides on these; an application that sends them is not heard.
_OWN_HEADERS = frozenset(("connection", "date", "server", "transfer-encoding"))

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()


def write_head(
    status: int,
    headers: Iterable[tuple[str, str]],
    *,
    version: str,
    keeps_alive: bool,
    is_chunked: bool = False,
) -> bytes:
    """Write the status line and the headers of an answer.

    Args:
        status: HTTP status.
        headers: Name and value of each header, in order.
        version: HTTP version of the request.
        keeps_alive: Whether the connection is kept after the answer.
        is_chunked: Whether the body is sent in chunks.
    """
    lines = [
        _STATUS_LINES.get((version, status)) or f"HTTP/{version} {status} \r\n".encode(),
        b"Server: vitrine\r\n",
        _date_line(int(time.time())),
        b"Connection: keep-alive\r\n" if keeps_alive else b"Connection: close\r\n",
    ]
    if is_chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    text = "".join(
        [f"{name}: {value}\r\n" for name, value in headers if name.lower() not in _OWN_HEADERS]
    )
    lines += (text.encode("latin-1"), b"\r\n")
    return b"".join(lines)


def write_chunk(piece: bytes) -> bytes:
    """Write a piece of a body as a chunk."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK = b"0\r\n\r\n"
