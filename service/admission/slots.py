"""The right to compute of a request that runs in a thread of its own."""

import contextlib
import time
from collections.abc import Iterator

from service.admission.jobs import (
    NEVER,
    SHORT_SECONDS,
    Client,
    ClientGone,
    Deadline,
    UnknownClient,
)
from service.admission.scheduler import Scheduler

# What is taken for the time of a request until more is known.
UNKNOWN_SECONDS = 0.005
# A body that is read while it arrives does not tell what it will take. What has taken some time is
# expected to take this multiple of it, so that a long table soon gives way to small requests.
_UNKNOWN_TIMES = 10


class ComputeSlot:
    """One request's right to compute: held inside `with`, which may be nested.

    The request's own thread alone may use it. Whoever waits for its answer, and for how long, is
    looked at whenever it is taken.

    Args:
        scheduler: Where it is taken from.
        client: Whoever waits for the answer.
        deadline: Moment after which the answer is of no use.
        arrived: Moment at which the request had arrived, by `time.monotonic`; by default now.

    Attributes:
        arrived: Moment at which the request had arrived.
    """

    __slots__ = (
        "_client",
        "_cost_seconds",
        "_deadline",
        "_depth",
        "_has_begun_long",
        "_is_estimated",
        "_is_known",
        "_is_short",
        "_scheduler",
        "_taken_at",
        "_used_seconds",
        "arrived",
    )

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        client: Client | None = None,
        deadline: Deadline = NEVER,
        arrived: float | None = None,
    ) -> None:
        self.arrived = time.monotonic() if arrived is None else arrived
        self._scheduler = scheduler
        self._client = client or UnknownClient()
        self._deadline = deadline
        self._cost_seconds = UNKNOWN_SECONDS
        self._depth = 0
        # None while it is not held.
        self._is_short: bool | None = None
        self._is_estimated = self._is_known = self._has_begun_long = False
        # By the clock of the thread: what others compute meanwhile does not make a request longer.
        self._taken_at = 0.0
        self._used_seconds = 0.0

    def limit(self, deadline: Deadline) -> None:
        """Let the answer be of no use after a moment, if it is not before that already."""
        self._deadline = min(self._deadline, deadline, key=lambda each: each.at)

    def estimate(self, cost_seconds: float) -> None:
        """Take note of what the request will compute, as far as it was looked at.

        Raises:
            DeadlineExceeded: It cannot be computed in its time.
            Overloaded: The service has too much to compute already.
        """
        self._cost_seconds = cost_seconds
        self._is_estimated = True
        if cost_seconds > SHORT_SECONDS:
            self._scheduler.begin_long(self, cost_seconds, self._deadline)
            self._is_known = True
            if self._is_short and not self._depth:  # from now on it waits with the long ones
                self._give_back()
        elif self._is_known:
            self._scheduler.forget(self)
            self._is_known = False

    def grant(self, *, is_short: bool) -> None:
        """Take note that the scheduler has started the request, as a short job or a long one."""
        self._is_short = is_short
        self._has_begun_long = not is_short

    def close(self) -> None:
        """Give back what is still held: the request is answered."""
        self._give_back()
        if self._is_known:
            self._is_known = False
            self._scheduler.forget(self, ratio=self._ratio())
        if self._has_begun_long:
            self._has_begun_long = False
            self._scheduler.end_long()

    def __enter__(self) -> None:
        if self._depth == 0:
            self._take()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._give_back()

    @contextlib.contextmanager
    def released(self) -> Iterator[None]:
        """Let others compute inside this `with`, where the request waits for its client."""
        self._give_back()
        try:
            yield
        finally:
            if self._depth:
                self._take()

    def spare(self) -> contextlib.AbstractContextManager[None] | None:
        """Return a slot for one more thread of this request; None where none is free.

        A slot is free only while no other request waits for one.
        """
        return _Spare(self._scheduler) if self._scheduler.try_acquire() else None

    def give_way(self) -> None:
        """Let the others that wait compute first.

        Raises:
            ClientGone: Nobody waits for the answer any more.
            DeadlineExceeded: The time of the request is over.
        """
        if self._scheduler.waiting:
            with self.released():
                pass
        else:
            self._check()

    def _ratio(self) -> float | None:
        """Return what was used as a multiple of what was estimated; None if it was broken off."""
        is_whole = self._used_seconds and not self._client.is_gone
        return self._used_seconds / self._cost_seconds if is_whole else None

    def _take(self) -> None:
        if self._is_short is None:
            left = self._left_seconds()
            self._is_short = self._scheduler.acquire(
                left,
                self._client,
                self._deadline,
                is_nearly_done=self._is_estimated and left <= SHORT_SECONDS,
            )
        self._taken_at = time.thread_time()
        try:
            self._check()
        except BaseException:
            self._give_back()
            raise

    def _left_seconds(self) -> float:
        """Return the estimated time that is left of the request."""
        if not self._is_estimated:
            return max(UNKNOWN_SECONDS, _UNKNOWN_TIMES * self._used_seconds)
        # What takes longer than estimated is taken to take as long again.
        return max(self._cost_seconds - self._used_seconds, self._used_seconds)

    def _check(self) -> None:
        if self._client.is_gone:
            raise ClientGone
        self._deadline.check(time.monotonic())

    def _give_back(self) -> None:
        if self._is_short is None:
            return
        is_short, self._is_short = self._is_short, None
        if self._taken_at:
            self._used_seconds += time.thread_time() - self._taken_at
            self._taken_at = 0.0
        if self._is_known:
            self._scheduler.go_on(self, max(self._cost_seconds - self._used_seconds, 0.0))
        self._scheduler.finish(is_short=is_short)


class _Spare(contextlib.AbstractContextManager[None]):
    """A slot that was taken and is given back at the end of `with`."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def __exit__(self, *_: object) -> None:
        self._scheduler.finish(is_short=False)
