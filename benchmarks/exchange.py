"""A long request and its long answer over one connection, both at the same time."""

import re
import select
import socket
import time

_PIECE_BYTES = 2**18
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def exchange(port: int, request: bytes, *, reads_meanwhile: bool = True, patience: float) -> bytes:
    """Send a request, and return what came until the answer's end.

    Args:
        port: Of the server, on 127.0.0.1.
        request: Its head and body.
        reads_meanwhile: Whether the answer is read while the request is still being sent.
        patience: Seconds after which what came until then is returned.
    """
    answer = _Answer()
    rest = memoryview(request)
    deadline = time.monotonic() + patience
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        connection.setblocking(False)
        poller = select.poll()
        while not answer.is_complete():
            reading = select.POLLIN if reads_meanwhile or not rest else 0
            poller.register(connection, reading | (select.POLLOUT if rest else 0))
            left = deadline - time.monotonic()
            if left <= 0 or not (events := poller.poll(left * 1000)):
                break
            try:
                if events[0][1] & select.POLLOUT:
                    rest = rest[connection.send(rest[:_PIECE_BYTES]) :]
                if events[0][1] & ~select.POLLOUT and not answer.receive(connection):
                    break
            except OSError:
                break
    return bytes(answer.received)


class _Answer:
    """What was received of an answer."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._has_head = False
        self._total: int | None = None  # number of bytes with the head, where the head tells it

    def receive(self, connection: socket.socket) -> bool:
        """Take what has come; tell whether more may come."""
        data = connection.recv(_PIECE_BYTES)
        self.received += data
        if not self._has_head and (head_end := self.received.find(_HEAD_END)) >= 0:
            self._has_head = True
            if length := _LENGTH.search(self.received, 0, head_end):
                self._total = head_end + len(_HEAD_END) + int(length[1])
        return bool(data)

    def is_complete(self) -> bool:
        """Tell whether its end has come."""
        if self._total is None:
            return self.received.endswith(_LAST_CHUNK)
        return len(self.received) >= self._total


def body_of(received: bytes) -> bytes:
    """Return the body of an answer, as far as it came."""
    head, _, rest = received.partition(_HEAD_END)
    if _LENGTH.search(head):
        return rest
    pieces = []
    start = 0
    while (line_end := rest.find(b"\r\n", start)) >= 0:
        length = int(rest[start:line_end], 16)
        pieces.append(rest[line_end + 2 : line_end + 2 + length])
        start = line_end + 2 + length + 2
    return b"".join(pieces)


def status_of(received: bytes) -> int:
    """Return the status of an answer; 0 where none came."""
    line = received[:12].split()
    return int(line[1]) if len(line) > 1 else 0
