"""The connections of a worker by what each waits for: one is closed where there is no room."""

from collections.abc import Iterator
from enum import IntEnum
from itertools import chain
from typing import Protocol


class Member(Protocol):
    """A connection."""

    def check(self, now: float) -> None:
        """Do what the loop's time asks for."""

    def make_room(self) -> None:
        """Close at once for the sake of another connection."""

    def go_on(self) -> None:
        """Do what could not be done before."""

    def abort(self) -> None:
        """Close at once."""


class Phase(IntEnum):
    """What a connection waits for. The first are closed before the last.

    Attributes:
        LEAVING: Its client, to close it: the last answer was sent.
        SILENT: Its client, to send a request, or the rest of a head.
        SENDING: Its client, to send the rest of a body.
        READING: Its client, to read an answer.
        SERVED: This server, to answer.
    """

    LEAVING = 0
    SILENT = 1
    SENDING = 2
    READING = 3
    SERVED = 4


class Crowd:
    """The connections of one worker."""

    def __init__(self) -> None:
        # Those of each phase, in the order in which they came to it.
        self._phases: tuple[dict[Member, None], ...] = tuple({} for _ in Phase)

    def __iter__(self) -> Iterator[Member]:
        return iter([*chain(*self._phases)])

    def move(self, member: Member, before: Phase | None, now: Phase | None) -> None:
        """Take note of a connection's next phase; None stands for none."""
        if before is not None:
            self._phases[before].pop(member, None)
        if now is not None:
            self._phases[now][member] = None

    def longest_waiting(self) -> Member | None:
        """Return the connection that may be closed; None where all are being served."""
        waiting = chain(*self._phases[: Phase.SERVED])
        return next(waiting, None)
