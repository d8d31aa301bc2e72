"""The body of a request, which the event loop fills while a thread reads it."""

import threading
from collections.abc import Callable

import pytest

from service.server.request import MAX_WAITING_BYTES, Body
from tests.spaces import space

PATIENCE_SECONDS = 30.0


def shared(body: Body, *, seconds: float = PATIENCE_SECONDS) -> list[str]:
    """Share a body with a thread; return the list of what the loop is told."""
    told: list[str] = []
    body.share(timeout_seconds=seconds, on_room=lambda: told.append("room"))
    return told


def in_thread(action: Callable[[], object]) -> "Callable[[], object]":
    """Begin an action in a thread; return a function that waits for its result."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(action()))
    thread.start()

    def result() -> object:
        thread.join()
        return results[0]

    return result


def test_body_that_is_there_is_read_in_pieces_and_whole() -> None:
    body = Body(space())
    for piece in (b"abc", b"def"):
        body.add(piece)
    body.end()

    assert body.whole() == b"abcdef"
    assert (body.read(4), body.read(4), body.read(4)) == (b"abcd", b"ef", b"")
    assert (body.arrived_bytes, body.waiting_bytes) == (6, 0)


def test_lines_are_read_as_from_a_file() -> None:
    body = Body(space())
    body.add(b"a\nbc")
    body.end()

    assert (body.readline(), body.readline(), body.read()) == (b"a\n", b"bc", b"")


def test_thread_gets_what_arrives_while_it_waits() -> None:
    body = Body(space())
    shared(body)
    read = in_thread(lambda: [body.read(10), body.read(10), body.read(10)])

    body.add(b"abc")
    body.add(b"d")
    body.end()

    pieces = read()
    assert isinstance(pieces, list)
    assert (b"".join(pieces), pieces[-1]) == (b"abcd", b"")


def test_silence_ends_the_reading() -> None:
    body = Body(space())
    shared(body, seconds=0.01)

    with pytest.raises(TimeoutError):
        body.read(1)
    assert (body.has_failed, body.is_arriving) == (True, False)


def test_failure_is_raised_behind_what_did_arrive() -> None:
    body = Body(space())
    shared(body)
    body.add(b"abc")
    body.fail(ConnectionResetError())

    assert body.read(10) == b"abc"
    with pytest.raises(ConnectionResetError):
        body.read(10)


def test_failure_wakes_the_thread_that_waits() -> None:
    body = Body(space())
    shared(body)

    def read() -> str:
        with pytest.raises(OSError, match="broken"):
            body.read(10)
        return "raised"

    result = in_thread(read)
    body.fail(OSError("broken"))

    assert result() == "raised"


def test_loop_is_told_once_when_a_full_body_has_room_again() -> None:
    body = Body(space())
    told = shared(body)
    body.add(b"x" * MAX_WAITING_BYTES)
    assert body.is_full

    body.read(1)
    body.read(1)

    assert (body.is_full, told) == (False, ["room"])


def test_body_tells_what_can_be_read_without_waiting() -> None:
    body = Body(space())
    body.add(b"abc")
    assert (body.has_arrived(3), body.has_arrived(4)) == (True, False)

    body.add(b"x" * MAX_WAITING_BYTES)
    assert body.has_arrived(2 * MAX_WAITING_BYTES)  # more never waits
    body.read(4)
    body.end()

    assert body.has_arrived(2 * MAX_WAITING_BYTES)


def test_dropped_body_keeps_nothing() -> None:
    body = Body(space())
    body.add(b"abc")
    body.drop()
    body.add(b"def")

    assert body.waiting_bytes == 0
