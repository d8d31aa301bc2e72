"""What the load makes of a server that answers rightly, refuses, answers twice, or breaks off."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from benchmarks.servers.client import ANSWERED, LOST, STATUS, WRONG, Lane
from benchmarks.servers.load import Answers, Load, post

REQUESTS = 5
LANE = Lane(name="a", request=post("/", "text/plain", b"body").decode(), is_numbered=True)
Script = Callable[[bytes], bytes]


def answer(number: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    """Write an answer to a request."""
    return b"HTTP/1.1 %b\r\n%bX-Request-Id: %b\r\nContent-Length: 2\r\n\r\nok" % (
        status,
        more,
        number,
    )


@contextmanager
def answering(script: Script) -> Iterator[tuple[int, threading.Event]]:
    """Answer on a port until the block ends; an event is set when some requests have come."""
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, script, enough), daemon=True).start()
        yield listener.getsockname()[1], enough
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, script: Script, enough: threading.Event) -> None:
    asked = iter(range(REQUESTS))
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            arguments = (connection, script, asked, enough)
            threading.Thread(target=_answer, args=arguments, daemon=True).start()


def _answer(
    connection: socket.socket, script: Script, asked: Iterator[int], enough: threading.Event
) -> None:
    with connection, suppress(OSError):
        while request := connection.recv(2**16):
            number = request.partition(b"X-Request-Id: ")[2].partition(b"\r\n")[0]
            if next(asked, None) is None:
                enough.set()
            sent = script(number)
            connection.sendall(sent)
            if not sent:
                return


def outcome(script: Script, lane: Lane = LANE) -> Answers:
    """Load a server that answers by a script, until some requests have come."""
    with answering(script) as (port, enough), Load(port, [lane]) as load:
        assert enough.wait(60)
        return load.stop()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param(answer, ANSWERED, id="answered"),
        pytest.param(lambda number: answer(number, b"503 Busy"), STATUS, id="refused"),
        pytest.param(lambda number: answer(b"0" + number[1:]), WRONG, id="to another request"),
        pytest.param(lambda number: answer(number) * 2, WRONG, id="twice"),
        pytest.param(lambda _: b"", LOST, id="broken off"),
    ],
)
def test_load_tells_what_became_of_requests(script: Script, expected: str) -> None:
    answers = outcome(script)

    assert answers.count(expected) >= REQUESTS
    assert set(answers.outcomes) <= {expected, "unanswered", LOST}


def test_load_tells_status_and_when_to_come_again() -> None:
    answers = outcome(lambda number: answer(number, b"429 Slowly", b"Retry-After: 7\r\n"))

    assert {(each.status, each.retry_after) for each in answers.with_outcome(STATUS)} == {(429, 7)}


@pytest.mark.parametrize("is_random", [False, True], ids=["even", "random"])
def test_open_loop_keeps_its_connections(is_random: bool) -> None:
    lane = Lane(name="a", request=LANE.request, rate=200, is_random=is_random, is_numbered=True)

    answers = outcome(answer, lane)

    assert answers.answered >= REQUESTS
    assert answers.on(reused=True).answered > 0
