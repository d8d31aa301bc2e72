"""One request that waits to compute: what it will take, and how long it may wait."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf
from typing import Protocol

from service.errors import DeadlineExceeded
from vitrine.errors import VitrineError

# What takes longer is computed in pieces, which give way to what takes less.
SHORT_SECONDS = 0.05
# A job lets those overtake it that arrive within this multiple of what it takes, up to the bound:
# however many small ones arrive, it is late by no more than that.
_OVERTAKEN_COSTS = 3
_MAX_OVERTAKEN_SECONDS = 0.25


class ClientGone(Exception):
    """Nobody waits for the answer any more: the client has closed the connection."""


class Client(Protocol):
    """Whoever waits for an answer."""

    @property
    def is_gone(self) -> bool:
        """Whether nobody will read the answer."""


class UnknownClient:
    """A client that cannot be seen; it is taken to wait for its answer."""

    is_gone = False


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment after which an answer is of no use.

    Attributes:
        at: The moment, by `time.monotonic`.
        timeout_seconds: Time from the arrival of the request to that moment.
    """

    at: float
    timeout_seconds: float

    @classmethod
    def after(cls, timeout_seconds: float) -> "Deadline":
        """Return the deadline of a request that has arrived now."""
        return cls(time.monotonic() + timeout_seconds, timeout_seconds)

    def check(self, now: float) -> None:
        """Check that the deadline has not passed.

        Raises:
            DeadlineExceeded: It has.
        """
        if now > self.at:
            raise DeadlineExceeded(self.timeout_seconds)


NEVER = Deadline(inf, inf)


class Job(ABC):
    """One request that waits to compute.

    Args:
        cost_seconds: Estimated time that it computes.
        client: Whoever waits for it.
        deadline: Moment after which its answer is of no use.

    Attributes:
        cost_seconds, client, deadline: As above.
        arrived: Moment at which it began to wait, by `time.monotonic`.
        overtaken_seconds: Those that arrive within this time and cost little overtake it.
        has_begun: Whether a part of it was computed already, so that it holds a thread and memory.
        is_nearly_done: Whether it has begun, and little is left of it.
    """

    __slots__ = ("arrived", "client", "cost_seconds", "deadline", "overtaken_seconds")

    has_begun = False
    is_nearly_done = False

    def __init__(self, cost_seconds: float, client: Client, deadline: Deadline) -> None:
        self.cost_seconds = cost_seconds
        self.client = client
        self.deadline = deadline
        self.arrived = time.monotonic()
        if self.is_nearly_done:
            self.overtaken_seconds = -_MAX_OVERTAKEN_SECONDS
        else:
            self.overtaken_seconds = min(_OVERTAKEN_COSTS * cost_seconds, _MAX_OVERTAKEN_SECONDS)

    @property
    def is_short(self) -> bool:
        """Whether it is computed in one piece."""
        return self.cost_seconds <= SHORT_SECONDS

    @abstractmethod
    def start(self) -> None:
        """Begin to compute, or have it begun; return at once. Called in any thread."""

    @abstractmethod
    def refuse(self, error: VitrineError | None) -> None:
        """Answer with an error instead; with none where the client is gone.

        Called in any thread.
        """
