"""The bytes of an answer between the thread that makes them and the loop that sends them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.server.outgoing import Outgoing
from tests.spaces import space

MEGABYTE = 2**20


@contextmanager
def outgoing(*, is_receiving: bool = False) -> Iterator[tuple[Outgoing, list[str]]]:
    """Give an answer on its way, and the list of what the loop is told."""
    told: list[str] = []
    answer = Outgoing(
        space(), on_append=lambda: told.append("look"), is_receiving=lambda: is_receiving
    )
    yield answer, told
    answer.break_off()


def taken(answer: Outgoing) -> bytes:
    """Take all that is there."""
    pieces = b""
    while piece := answer.take():
        pieces += piece
    return pieces


def test_bytes_leave_in_order_and_the_end_is_told() -> None:
    with outgoing() as (answer, _):
        assert answer.take() == b""

        answer.append(b"ab")
        answer.append(b"c")

        assert taken(answer) == b"abc"
        answer.end(is_whole=True, keeps_alive=True)
        assert answer.take() is None
        assert (answer.is_whole, answer.keeps_alive) == (True, True)


def test_loop_is_told_once_until_it_has_looked() -> None:
    with outgoing() as (answer, told):
        answer.append(b"a")
        answer.append(b"b")
        assert told == ["look"]
        taken(answer)
        answer.end(is_whole=True, keeps_alive=True)

        assert told == ["look", "look"]
        assert answer.take() is None


def test_thread_waits_for_a_client_that_does_not_read() -> None:
    with outgoing() as (answer, _):
        appended = [0]

        def append() -> None:
            for _ in range(5):
                answer.append(b"x" * MEGABYTE)
                appended[0] += 1

        thread = threading.Thread(target=append)
        thread.start()
        received = 0
        while received < 5 * MEGABYTE:
            # At most a megabyte that waits, and one that is being appended.
            assert appended[0] * MEGABYTE <= received + 2 * MEGABYTE
            received += len(answer.take() or b"")
        thread.join()

        assert received == 5 * MEGABYTE


def test_thread_never_waits_while_the_body_arrives() -> None:
    with outgoing(is_receiving=True) as (answer, _):
        pieces = [bytes([number]) * MEGABYTE for number in range(5)]

        for piece in pieces:
            answer.append(piece)

        assert taken(answer) == b"".join(pieces)


def test_client_that_is_gone_ends_the_thread() -> None:
    with outgoing() as (answer, _):
        raised = threading.Event()

        def append() -> None:
            with pytest.raises(ConnectionAbortedError):
                while True:
                    answer.append(b"x" * MEGABYTE)
            raised.set()

        thread = threading.Thread(target=append)
        thread.start()
        answer.break_off()
        thread.join()

        assert raised.is_set()
