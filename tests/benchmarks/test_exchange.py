"""A long request and its answer over one connection."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.exchange import body_of, exchange, status_of

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
_SIZED = b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nabcde"


@contextmanager
def _answering(answer: bytes, *, length: int) -> Iterator[int]:
    """Answer one connection after so many bytes, and keep it open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                received = 0
                while received < length:
                    received += len(connection.recv(2**16))
                connection.sendall(answer)
                connection.recv(1)  # until the client hangs up

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("answer", [_CHUNKED, _SIZED], ids=["chunked", "with its length"])
def test_answer_is_read_to_its_end_on_a_connection_that_stays(answer: bytes) -> None:
    with _answering(answer, length=300_000) as port:
        received = exchange(port, b"x" * 300_000, patience=20)

    assert received == answer
    assert body_of(received) == b"abcde"


@pytest.mark.parametrize(
    ("received", "status"), [(_CHUNKED, 200), (_SIZED, 503), (b"", 0)], ids=["200", "503", "none"]
)
def test_status_is_that_of_the_first_line(received: bytes, status: int) -> None:
    assert status_of(received) == status
