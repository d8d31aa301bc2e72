"""What a connection makes of the bytes of its client, without a socket and without a clock."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from service.errors import BodyTooSlow, OutOfMemory, Overloaded
from service.server.connection import Connection, Refusal
from service.server.crowd import Crowd
from service.server.outgoing import Outgoing
from service.server.request import MAX_WAITING_BYTES, Request
from service.server.streams import Streams
from tests.spaces import LIMITS, space
from vitrine.errors import VitrineError

REMOTE = "203.0.113.7"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"


ESTABLISHED, CLOSED = 1, 7  # of linux/tcp_states.h


class Socket:
    """Knows the state of a connection."""

    state = ESTABLISHED

    def getsockopt(self, *_: int) -> bytes:
        """Return the state."""
        return bytes([self.state])


class Wire(asyncio.Transport):
    """Keeps what a connection sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_read = True
        self.is_aborted = False
        self.unsent_bytes = 0
        self.socket = Socket()

    def write(self, data: Any) -> None:
        """Keep bytes."""
        self.sent += data

    def can_write_eof(self) -> bool:
        """Say that a client may be told that nothing follows."""
        return True

    def write_eof(self) -> None:
        """Do nothing."""

    def is_closing(self) -> bool:
        """Say that the connection is open."""
        return False

    def pause_reading(self) -> None:
        """Take note."""
        self.is_read = False

    def resume_reading(self) -> None:
        """Take note."""
        self.is_read = True

    def abort(self) -> None:
        """Take note."""
        self.is_aborted = True

    def get_write_buffer_size(self) -> int:
        """Say how much the client has not read."""
        return self.unsent_bytes

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the socket."""
        return self.socket if name == "socket" else default


class Host:
    """Takes note of the requests that a thread would answer."""

    limits = LIMITS
    is_draining = False

    def __init__(self, *, streams: int = 1, memory_bytes: int = 2**30) -> None:
        self.space = space(memory_bytes=memory_bytes, disk_bytes=0)
        self.crowd = Crowd()
        self.streams = Streams(streams)
        self.asked: list[tuple[Request, Outgoing]] = []
        self.errors: list[VitrineError] = []

    def closed(self, connection: Connection) -> None:
        """Do nothing."""

    def judge(self, _: Request) -> None:
        """Refuse nothing before its body arrives."""

    def locate(self, request: Request) -> None:
        """Leave a request as it came."""

    def takes(self, connection: Connection, request: Request) -> bool:  # noqa: ARG002 - as Host's
        """Leave every request to a thread."""
        return False

    def reads_while_it_arrives(self, content_type: bytes) -> bool:
        """Read a table while it arrives."""
        return content_type == b"text/csv"

    def most_body_bytes(self, request: Request, content_type: bytes) -> int | None:
        """Take what has no type for a table, and know nothing of other paths."""
        if not request.target.endswith(b"/predict"):
            return None
        return 2**30 if content_type in {b"text/csv", b""} else self.limits.max_body_bytes

    def answer_later(self, request: Request, outgoing: Outgoing, *, is_stream: bool) -> None:  # noqa: ARG002 - as Host's
        """Take note."""
        self.asked.append((request, outgoing))

    def refuse(self, refusal: Refusal, remote: str) -> bytes:  # noqa: ARG002 - as Host's
        """Answer with the status alone."""
        return b"HTTP/1.1 %d\r\n\r\n" % refusal.status

    def turn_away(self, request: Request, error: VitrineError, *, keeps_alive: bool) -> bytes:  # noqa: ARG002 - as Host's
        """Answer with the status alone."""
        self.errors.append(error)
        return b"HTTP/1.1 %d\r\n\r\n" % error.status


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that does not run."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def connect(loop: asyncio.AbstractEventLoop, host: Host) -> tuple[Connection, Wire]:
    """Open a connection."""
    connection, wire = Connection(host, loop, REMOTE), Wire()
    connection.connection_made(wire)
    return connection, wire


def test_thread_sees_that_its_client_is_gone(loop: asyncio.AbstractEventLoop) -> None:
    host = Host()
    connection, _ = connect(loop, host)
    connection.data_received(LIVEZ)
    ((request, _),) = host.asked
    before = request.client.is_gone

    connection.connection_lost(None)

    assert (before, request.client.is_gone, connection.is_gone) == (False, True, True)


def post(body: bytes, *lines: str, size: int | None = None) -> bytes:
    """Return a request with a body, which may be announced to be longer."""
    announced = f"Content-Length: {len(body) if size is None else size}"
    head = ["POST /models/rooms/predict HTTP/1.1", "Host: here", announced, *lines]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


CSV = "Content-Type: text/csv"
PNG = "Content-Type: image/png"
Loop = asyncio.AbstractEventLoop


def test_only_a_table_takes_a_thread_before_it_is_whole(loop: Loop) -> None:
    host = Host(streams=2)
    for line in (CSV, PNG):
        connection, _ = connect(loop, host)
        connection.data_received(post(bytes(MAX_WAITING_BYTES), line, size=2**20))

    assert [request.headers[-1][1] for request, _ in host.asked] == [b"text/csv"]


def test_table_beyond_the_free_threads_is_refused_in_the_end(loop: Loop) -> None:
    host = Host(streams=1)
    (first, _), (connection, wire) = connect(loop, host), connect(loop, host)
    for each in (first, connection):
        each.data_received(post(bytes(MAX_WAITING_BYTES), CSV, size=2**20))
    assert (len(host.asked), wire.sent, wire.is_read) == (1, b"", False)

    connection.check(loop.time() + 11)

    assert wire.sent.startswith(b"HTTP/1.1 503")
    assert wire.is_read


def test_table_gets_a_thread_that_falls_free(loop: Loop) -> None:
    host = Host(streams=1)
    for _ in range(2):
        connection, _ = connect(loop, host)
        connection.data_received(post(bytes(MAX_WAITING_BYTES), CSV, size=2**20))

    host.streams.leave()

    assert len(host.asked) == 2


def test_body_beyond_memory_and_disk_is_refused_and_received(loop: Loop) -> None:
    host = Host(memory_bytes=1000)
    connection, wire = connect(loop, host)
    connection.data_received(post(bytes(2000), PNG, size=5000))

    assert [type(error) for error in host.errors] == [OutOfMemory]
    connection.data_received(bytes(3000) + LIVEZ)
    assert [request.target for request, _ in host.asked] == [b"/livez"]
    assert wire.sent.count(b"HTTP/1.1") == 1


def test_pipelined_requests_are_not_even_parsed_before_their_turn(loop: Loop) -> None:
    host = Host()
    connection, wire = connect(loop, host)

    connection.data_received(LIVEZ * 2000)

    assert len(connection._requests) < 50
    assert not wire.is_read
    asked = 0
    while len(host.asked) > asked:
        asked = len(host.asked)
        _, outgoing = host.asked[-1]
        outgoing.end(is_whole=True, keeps_alive=True)
        connection._send()
    assert asked == 2000
    assert wire.is_read


@pytest.mark.parametrize(
    ("sent", "seconds", "expected"),
    [
        (post(b"", PNG, size=100_000), 31, [BodyTooSlow]),
        (post(bytes(5_000), PNG, size=100_000), 31, []),
        (post(bytes(5_000), PNG, size=100_000), 41, [BodyTooSlow]),
    ],
    ids=["nothing", "enough for now", "too little by then"],
)
def test_body_must_arrive_at_the_lowest_rate(
    loop: Loop, sent: bytes, seconds: float, expected: list[type[VitrineError]]
) -> None:
    host = Host()
    connection, _ = connect(loop, host)
    connection.data_received(sent)
    connection._heard_at += seconds  # it is never silent

    connection.check(loop.time() + seconds)

    assert [type(error) for error in host.errors] == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], b"400"),
        (["Host: a", "Host: a"], b"400"),
        (["Host: a b"], b"400"),
        (["Host: a/b"], b"400"),
        (["Host: [::1]:80"], b""),
        (["Host:"], b""),
    ],
    ids=["none", "two", "space", "slash", "address", "empty"],
)
def test_request_names_one_host(loop: Loop, lines: list[str], expected: bytes) -> None:
    connection, wire = connect(loop, Host())

    connection.data_received(("\r\n".join(["GET / HTTP/1.1", *lines]) + "\r\n\r\n").encode())

    assert wire.sent[9:12] == expected


@pytest.mark.parametrize(
    ("chunk", "is_taken"),
    [
        (b"1\r\na\r\n", False),
        (b"1;name=value\r\na\r\n", False),
        (b"10\r\n" + b"a" * 16 + b"\r\n", True),
    ],
    ids=["bytes", "extensions", "chunks"],
)
def test_body_of_more_framing_than_bytes_is_refused(
    loop: Loop, chunk: bytes, *, is_taken: bool
) -> None:
    host = Host()
    connection, _ = connect(loop, host)
    head = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.data_received(head)

    for _ in range(100):
        connection.data_received(chunk * 200)
        while connection._unparsed.size:
            connection.go_on()

    assert (host.errors == []) == is_taken


def test_client_is_asked_for_the_body_of_a_pipelined_request(loop: Loop) -> None:
    host = Host()
    connection, wire = connect(loop, host)
    connection.data_received(LIVEZ + post(b"", PNG, "Expect: 100-continue", size=9))
    assert wire.sent == b""

    host.asked[0][1].end(is_whole=True, keeps_alive=True)
    connection._send()

    assert wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_room_is_made_by_the_client_that_is_waited_for_longest(loop: Loop) -> None:
    host = Host()
    sent = (LIVEZ, post(b"", PNG, size=9), b"GET /livez", b"")
    served, sending, begun, silent = [connect(loop, host)[0] for _ in sent]
    for connection, data in zip((served, sending, begun, silent), sent, strict=True):
        connection.data_received(data)

    order = []
    while (waiting := host.crowd.longest_waiting()) is not None:
        order.append(waiting)
        waiting.make_room()

    assert order == [begun, silent, sending]


def test_large_body_is_not_received_faster_than_the_disk_takes_it(loop: Loop) -> None:
    host = Host()
    (large, wire), (small, other) = connect(loop, host), connect(loop, host)
    large.data_received(post(bytes(100_000), PNG, size=10**6))
    small.data_received(post(bytes(10), PNG, size=20))
    host.space.is_congested = True
    for connection in (large, small):
        connection.data_received(b"1")
    assert (wire.is_read, other.is_read) == (False, True)

    host.space.is_congested = False
    large.go_on()

    assert wire.is_read


@pytest.mark.parametrize(
    ("lines", "size", "is_refused"),
    [
        ([PNG], 2**20, False),
        ([PNG], 2**20 + 1, True),
        ([CSV], 2**20 + 1, False),
        ([], 2**30, False),
        ([], 2**30 + 1, True),
    ],
    ids=["picture", "large picture", "table", "anything", "too large for anything"],
)
def test_body_that_is_announced_to_be_too_large_is_not_asked_for(
    loop: Loop, lines: list[str], size: int, *, is_refused: bool
) -> None:
    host = Host()
    connection, wire = connect(loop, host)

    connection.data_received(post(b"", *lines, "Expect: 100-continue", size=size))

    assert wire.sent[9:12] == (b"413" if is_refused else b"100")


def test_table_of_a_slow_client_gives_way_to_another(loop: Loop) -> None:
    host = Host(streams=1)
    (slow, _), (waiting, _) = connect(loop, host), connect(loop, host)
    for each in (slow, waiting):
        each.data_received(post(bytes(MAX_WAITING_BYTES), CSV, size=2**20))
    ((request, _),) = host.asked
    request.body.read(10)
    slow._advance()
    assert slow.slowness(loop.time() + 1) == 0  # it has had no time yet

    waiting.check(loop.time() + 3)

    while request.body.waiting_bytes:
        request.body.read(2**20)
    with pytest.raises(Overloaded):
        request.body.read(1)


def test_client_that_has_left_unheard_is_noticed(loop: Loop) -> None:
    host = Host()
    connection, wire = connect(loop, host)
    connection.data_received(LIVEZ * 100)  # more than is listened to
    connection.check(loop.time())
    assert not wire.is_aborted

    wire.socket.state = CLOSED
    connection.check(loop.time())

    assert wire.is_aborted


def test_client_that_sends_nothing_more_is_asked_once_whether_it_is_there(loop: Loop) -> None:
    host = Host()
    connection, wire = connect(loop, host)
    connection.data_received(LIVEZ)
    connection.eof_received()
    for _ in range(3):
        connection.check(loop.time())
    assert wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"

    wire.socket.state = CLOSED
    connection.check(loop.time())

    assert wire.is_aborted


@pytest.mark.parametrize(
    ("read_bytes", "is_enough"), [(1_000, False), (20_000, True)], ids=["too slow", "slow"]
)
def test_answer_must_be_read_at_the_lowest_rate(
    loop: Loop, read_bytes: int, *, is_enough: bool
) -> None:
    host = Host()
    connection, wire = connect(loop, host)
    connection.data_received(LIVEZ)
    outgoing = host.asked[0][1]
    outgoing.append(bytes(60_000), waits=False)
    connection._send()
    connection.pause_writing()
    now = loop.time()
    for step in range(41):  # it reads something every second
        wire.unsent_bytes = 60_000 - read_bytes * step // 40
        connection.check(now + step)

    assert wire.is_aborted == (not is_enough)
