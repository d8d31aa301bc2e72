"""The connections of a worker by what each waits for: one is closed where there is no room."""

import time
from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import chain
from operator import itemgetter
from typing import Protocol

# Who waits for less is closed only if nobody waits for longer: the request of a new client is on
# its way, while thousands of others may be sending bodies that never end.
_LEAST_SECONDS = 1.0


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
    """The connections of one worker.

    Args:
        clock: Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Those of each phase, in the order in which they came to it, with the time.
        self._phases: tuple[dict[Member, float], ...] = tuple({} for _ in Phase)

    def __iter__(self) -> Iterator[Member]:
        return iter([*chain(*self._phases)])

    def move(self, member: Member, before: Phase | None, now: Phase | None) -> None:
        """Take note of a connection's next phase; None stands for none."""
        if before is not None:
            self._phases[before].pop(member, None)
        if now is not None:
            self._phases[now][member] = self._clock()

    def longest_waiting(self) -> Member | None:
        """Return the connection that may be closed; None where all are being served."""
        firsts = [next(iter(phase.items()), None) for phase in self._phases[: Phase.SERVED]]
        waiting = [first for first in firsts if first is not None]
        latest = self._clock() - _LEAST_SECONDS
        oldest = min(waiting, key=itemgetter(1), default=None)
        found = next((first for first in waiting if first[1] <= latest), oldest)
        return None if found is None else found[0]
