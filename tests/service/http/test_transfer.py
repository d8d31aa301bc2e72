"""Bodies that come in while answers leave, over real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest
from gunicorn.http.errors import InvalidChunkSize

from service.errors import BodyTimeout, BodyTooLarge
from service.http.transfer import AnswerBroken, RequestBody, answer_while_receiving
from vitrine.errors import MalformedBody, VitrineError

PATIENCE_SECONDS = 30.0
LARGE = 20_000_000  # more than lies in all buffers between two sockets


class _Failing(BytesIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def read(self, _: int | None = -1, /) -> bytes:
        raise self.error


class _Incoming:
    """Reads from a socket as the server does: all that was asked for, or to the end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, size: int, /) -> bytes:
        data = b""
        while len(data) < size and (piece := self._connection.recv(size - len(data))):
            data += piece
        return data


def body_of(source: BytesIO, *, length: int | None = None, **environ: Any) -> RequestBody:
    """Make a body; without a length it is chunked."""
    framing = (
        {"HTTP_TRANSFER_ENCODING": "chunked"} if length is None else {"CONTENT_LENGTH": str(length)}
    )
    return RequestBody(
        {"wsgi.input": source, **framing, **environ}, timeout_seconds=PATIENCE_SECONDS
    )


def body_from(
    server: socket.socket, length: int, patience: float = PATIENCE_SECONDS
) -> RequestBody:
    """Make a body that comes over a socket."""
    environ = {
        "wsgi.input": _Incoming(server),
        "gunicorn.socket": server,
        "CONTENT_LENGTH": str(length),
    }
    return RequestBody(environ, timeout_seconds=patience)


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's end and the client's end of a connection."""
    server, client = socket.socketpair()
    with closing(server), closing(client):
        client.settimeout(PATIENCE_SECONDS)
        yield server, client


@pytest.mark.parametrize("length", [None, 100_000])
def test_first_bytes_are_seen_before_they_are_read(length: int | None) -> None:
    data = bytes(range(100)) * 1000
    body = body_of(BytesIO(data), length=length)

    head = body.peek()

    assert (len(head), body.peek()) == (2**15, head)
    assert body.received_bytes == 2**15
    assert (body.read(10), body.read(90_000), body.read(20_000), body.read(1)) == (
        *(data[:10], data[10:90_010], data[90_010:], b""),
    )


def test_short_body_is_seen_whole() -> None:
    body = body_of(BytesIO(b"abc"), length=3)

    assert (body.peek(), body.is_finished) == (b"abc", True)
    assert body.read_all() == b"abc"


def test_body_that_was_looked_at_may_not_be_larger_than_allowed() -> None:
    body = body_of(BytesIO(b"abcdef"))
    body.peek()
    body.limit(5)

    with pytest.raises(BodyTooLarge):
        body.read_all()


@pytest.mark.parametrize("length", [None, 6])
def test_body_is_read_to_its_end(length: int | None) -> None:
    body = body_of(BytesIO(b"abcdef"), length=length)

    assert (body.read(4), body.read(4), body.read(4)) == (b"abcd", b"ef", b"")
    assert body.is_finished
    assert body.received_bytes == 6


def test_request_without_a_body_has_none() -> None:
    body = RequestBody({"wsgi.input": BytesIO(b"next request")}, timeout_seconds=1)

    assert body.is_finished
    assert body.read_all() == b""


def test_body_is_not_read_beyond_its_end() -> None:
    body = body_of(BytesIO(b"abcnext request"), length=3)

    assert body.read_all() == b"abc"


def test_announced_body_is_refused_before_it_comes() -> None:
    body = body_of(BytesIO(), length=11)

    with pytest.raises(BodyTooLarge):
        body.limit(10)


def test_body_of_unknown_length_is_refused_where_it_grows_too_large() -> None:
    body = body_of(BytesIO(b"x" * 11))
    body.limit(10)

    with pytest.raises(BodyTooLarge):
        body.read_all()


def test_body_of_just_the_limit_is_read() -> None:
    body = body_of(BytesIO(b"x" * 10))
    body.limit(10)

    assert body.read_all() == b"x" * 10


def test_body_that_ends_early_is_not_complete() -> None:
    body = body_of(BytesIO(b"abc"), length=4)

    with pytest.raises(MalformedBody, match="after 3 bytes"):
        body.read(4)
    assert body.is_finished


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), BodyTimeout),
        (ConnectionResetError(), MalformedBody),
        (InvalidChunkSize(b"x"), MalformedBody),
    ],
)
def test_body_that_fails_to_come_is_an_error(
    error: Exception, expected: type[VitrineError]
) -> None:
    body = body_of(_Failing(error), length=4)

    with pytest.raises(expected):
        body.read(4)
    assert body.is_finished


def test_refused_body_is_read_on() -> None:
    source = BytesIO(b"x" * 100_000)
    body = body_of(source)

    body.discard()

    assert source.tell() == 100_000


def test_refused_body_that_fails_to_come_is_left() -> None:
    body = body_of(_Failing(TimeoutError()), length=4)

    body.discard()

    assert body.is_finished


def test_refused_body_beyond_all_measure_is_left() -> None:
    source = BytesIO(b"x")
    body = body_of(source, length=2**40)

    body.discard()

    assert source.tell() == 0


def test_refused_body_is_left_after_a_while() -> None:
    source = BytesIO(b"x" * 100_000)
    body = RequestBody({"wsgi.input": source, "CONTENT_LENGTH": "100000"}, timeout_seconds=-1.0)

    body.discard()

    assert source.tell() == 0


def echo_twice(body: RequestBody) -> Iterator[bytes]:
    """Answer each piece of a body with twice as much."""
    while piece := body.read(2**16):
        yield piece * 2


def test_client_that_reads_only_after_sending_gets_everything(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    server, client = sockets
    received = 0

    def send_then_read() -> None:
        nonlocal received
        client.sendall(b"x" * LARGE)
        while piece := client.recv(2**20):
            received += len(piece)

    thread = threading.Thread(target=send_then_read)
    thread.start()
    body = body_from(server, LARGE)
    for piece in answer_while_receiving(echo_twice(body), body):
        server.sendall(piece)
    server.shutdown(socket.SHUT_WR)
    thread.join()

    assert received == 2 * LARGE


def test_client_that_reads_while_sending_gets_answers_early(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    server, client = sockets
    body = body_from(server, 2**17)
    client.sendall(b"x" * 2**16)

    first = next(answer_while_receiving(echo_twice(body), body))

    assert first.strip(b"x") == b""
    assert not body.is_finished


def fill(server: socket.socket) -> None:
    """Write until no byte more is taken."""
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            server.send(b"?" * 2**16)
    server.settimeout(PATIENCE_SECONDS)


def test_answer_in_file_leaves_in_order(sockets: tuple[socket.socket, socket.socket]) -> None:
    server, client = sockets
    pieces = [bytes([number]) * 100_000 for number in range(50)]
    body = body_from(server, 1)

    def answer() -> Iterator[bytes]:
        fill(server)
        client.sendall(b"!")  # readable, not writable: the pieces have to wait
        yield from pieces
        body.read(1)

    received = b"".join(answer_while_receiving(answer(), body))

    assert received == b"".join(pieces)


def test_client_that_neither_reads_nor_sends_is_left(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    server, _ = sockets
    fill(server)
    body = body_from(server, LARGE, patience=0.01)

    with pytest.raises(AnswerBroken):
        list(answer_while_receiving([b"x"], body))


def test_broken_answer_breaks_after_all_that_was_said(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    server, client = sockets
    sender = threading.Thread(target=client.sendall, args=(b"x" * LARGE,))
    sender.start()
    body = body_from(server, LARGE)

    def answer() -> Iterator[bytes]:
        body.read(100)
        yield b"rows\n"
        yield b"#error\n"
        raise AnswerBroken

    received: list[bytes] = []
    with pytest.raises(AnswerBroken):
        received.extend(answer_while_receiving(answer(), body))
    body.discard()
    sender.join()

    assert b"".join(received) == b"rows\n#error\n"
    assert body.received_bytes == LARGE
