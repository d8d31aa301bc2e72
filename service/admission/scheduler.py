"""Starts a job when a core is free for it.

More computing threads than cores take turns at every bytecode, and all of them are late. So at most
as many jobs are computed at a time as there are cores, in all workers together where these can see
each other; each worker always computes one.

Short jobs do not wait for long ones: a long job that cannot be interrupted, such as decoding one
huge picture, shares its core instead. Long jobs are computed while cores are free; where short ones
take all, each worker still computes one long job, a piece at a time.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeGuard, TypeVar

from service.admission.backlog import Backlog
from service.admission.jobs import Client, ClientGone, Deadline, Job
from service.errors import Overloaded
from vitrine.errors import VitrineError

# Of short jobs, not more waits than is computed in this time. A closed loop of 64 clients, whose
# jobs take 10 ms each, stays below it on a core.
MAX_WAIT_SECONDS = 0.7
# Of long jobs, not more is begun or waits than is computed in this time.
MAX_LONG_SECONDS = 30.0
# How fast the measured pace follows.
_PACE_WEIGHT = 0.05
_LONG_PACE_WEIGHT = 0.1
_SLOWEST_PACE = 10.0
_MAX_BEGUN = 256


J = TypeVar("J", bound=Job)


class Others(Protocol):
    """What other workers compute, and what this one tells them."""

    def set(self, short: int, long: int) -> None:
        """Tell the others how many short and long jobs are computed here."""

    def others(self) -> tuple[int, int]:
        """Return how many short and long jobs the others compute."""


class _Alone:
    def set(self, short: int, long: int) -> None: ...

    def others(self) -> tuple[int, int]:
        return 0, 0


class Scheduler:
    """Starts the jobs of one worker.

    Args:
        cores: Number of cores of this machine.
        others: The other workers; by default there are none.
        clock: Returns the time.

    Attributes:
        cores: Number of cores of this machine.
        max_begun: Number of long jobs that may have begun; no other begins before one has ended.
    """

    def __init__(
        self,
        cores: int,
        *,
        others: Others | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cores = cores
        self._others = others or _Alone()
        self._clock = clock
        self._lock = threading.Lock()
        self._short: Backlog[Job] = Backlog(max_wait_seconds=MAX_WAIT_SECONDS)
        self._long: Backlog[Job] = Backlog()
        self._short_running = self._long_running = self._long_begun = 0
        self.max_begun = _MAX_BEGUN
        # Estimated time that is left of each long request, as far as it is known.
        self._left: dict[object, float] = {}
        self._pace = self._long_pace = 1.0

    def join(self, others: Others) -> None:
        """Share the cores with other workers."""
        self._others = others

    @property
    def waiting(self) -> int:
        """Number of jobs that wait."""
        return len(self._short) + len(self._long)

    @property
    def computing(self) -> int:
        """Number of jobs that are computed."""
        return self._short_running + self._long_running

    @property
    def waiting_seconds(self) -> float:
        """Estimated time until all is computed that waits now."""
        long_seconds = self._long_pace * sum(self._left.values())
        return (self._pace * self._short.cost_seconds + long_seconds) / self.cores

    # What waits.

    def submit(self, job: Job) -> None:
        """Start a job as soon as a core is free for it; `sweep` may refuse it before."""
        with self._lock:
            if job.is_short:
                self._short.add(job, cores=self._share() / self._pace)
            else:
                self._long.add(job)
            started = self._take()
        _start(started)

    def sweep(self) -> None:
        """Refuse what has waited for too long; to be called often while anything waits."""
        with self._lock:
            now = self._clock()
            refused = [*self._short.sweep(now, pace=self._pace), *self._long.sweep(now)]
        for job, error in refused:
            job.refuse(error)

    def take_alike(self, is_alike: Callable[[Job], TypeGuard[J]], count: int) -> list[J]:
        """Take short jobs that wait, to be computed together with one that was started.

        Args:
            is_alike: Tells whether a job can be.
            count: Largest number of jobs.
        """
        with self._lock:
            found: list[J] = []
            for job in self._short:
                if len(found) == count:
                    break
                if is_alike(job) and not job.client.is_gone:
                    found.append(job)
            for job in found:
                self._short.remove(job)
            return found

    def finish(
        self, *, is_short: bool, estimated_seconds: float = 0.0, seconds: float = 0.0
    ) -> None:
        """Give a core back.

        Args:
            is_short: Whether it was taken for a short job.
            estimated_seconds: What was estimated of the jobs that it was taken for; 0 if unknown.
            seconds: Time that they took.
        """
        with self._lock:
            if is_short:
                self._short_running -= 1
            else:
                self._long_running -= 1
            if estimated_seconds:
                self._pace = _nearer(self._pace, seconds / estimated_seconds, _PACE_WEIGHT)
            started = self._take()
        _start(started)

    # What a thread asks for.

    def acquire(
        self,
        cost_seconds: float,
        client: Client,
        deadline: Deadline,
        *,
        is_nearly_done: bool = False,
    ) -> bool:
        """Wait, in a thread, until a core is free; return whether it was taken for a short job.

        Args:
            cost_seconds: Estimated time that the thread will compute.
            client: Whoever waits for the answer.
            deadline: Moment after which the answer is of no use.
            is_nearly_done: Whether little is left of what the thread has begun.

        Raises:
            Overloaded, DeadlineExceeded: It waited for too long.
            ClientGone: Nobody waits for the answer any more.
        """
        job = _Waiter(cost_seconds, client, deadline, is_nearly_done=is_nearly_done)
        self.submit(job)
        job.wait()
        return job.is_short

    def try_acquire(self) -> bool:
        """Take a core for a second thread of a long job, if nobody waits for one."""
        with self._lock:
            is_free = not self.waiting and self._has_core()
            if is_free:
                self._long_running += 1
                self._tell()
            return is_free

    def begin_long(self, key: object, cost_seconds: float, deadline: Deadline) -> None:
        """Take note of what a long request will compute, before it does.

        Args:
            key: The request.
            cost_seconds: Estimated time that it will compute.
            deadline: Moment after which its answer is of no use.

        Raises:
            DeadlineExceeded: It could not be computed in its time, even if nothing else were.
            Overloaded: What other long requests will compute takes too long already.
        """
        with self._lock:
            deadline.check(self._clock() + cost_seconds * self._long_pace)
            others = sum(left for of, left in self._left.items() if of is not key)
            before = self._long_pace * others / self.cores
            if before > MAX_LONG_SECONDS:
                raise Overloaded(before - MAX_LONG_SECONDS / 2)
            self._left[key] = cost_seconds

    def go_on(self, key: object, left_seconds: float) -> None:
        """Take note of what is left of a long request."""
        with self._lock:
            if key in self._left:
                self._left[key] = left_seconds

    def forget(self, key: object, *, ratio: float | None = None) -> None:
        """Forget what is left of a long request.

        Args:
            key: The request.
            ratio: Time that it took, as a multiple of what was estimated; None if it did not end.
        """
        with self._lock:
            self._left.pop(key, None)
            if ratio is not None:
                self._long_pace = _nearer(self._long_pace, ratio, _LONG_PACE_WEIGHT)

    def end_long(self) -> None:
        """Take note that a long job that was started has ended."""
        with self._lock:
            self._long_begun -= 1
            started = self._take()
        _start(started)

    # All below are called with the lock held.

    def _take(self) -> list[Job]:
        """Take what can be started now."""
        started = [*self._take_short(), *self._take_long()]
        self._tell()
        return started

    def _take_short(self) -> Iterator[Job]:
        while self._short and self._short_running < self._share():
            job = self._short.take(self._clock())
            if job is None:
                return
            self._short_running += 1
            yield job

    def _take_long(self) -> Iterator[Job]:
        while self._long and (self._has_core() or self._is_long_due()):
            may_begin = self._long_begun < self.max_begun
            job = self._long.take(self._clock()) if may_begin else self._long.take_begun()
            if job is None:
                return
            self._long_running += 1
            self._long_begun += not job.has_begun
            yield job

    def _share(self) -> int:
        """Return how many short jobs may be computed here: what others leave, at least one."""
        return max(1, self.cores - self._others.others()[0])

    def _has_core(self) -> bool:
        own = self.computing
        return own == 0 or own + sum(self._others.others()) < self.cores

    def _is_long_due(self) -> bool:
        return self._long_running == 0 and self._long.is_due(self._clock())

    def _tell(self) -> None:
        self._others.set(self._short_running, self._long_running)


class _Waiter(Job):
    """A thread that waits."""

    __slots__ = ("_error", "_lock", "is_nearly_done")

    has_begun = True

    def __init__(
        self, cost_seconds: float, client: Client, deadline: Deadline, *, is_nearly_done: bool
    ) -> None:
        self.is_nearly_done = is_nearly_done
        super().__init__(cost_seconds, client, deadline)
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self._lock.acquire()

    def start(self) -> None:
        """Let the thread go on."""
        self._lock.release()

    def refuse(self, error: VitrineError | None) -> None:
        """Let the thread go on, with an error."""
        self._error = error or ClientGone()
        self._lock.release()

    def wait(self) -> None:
        """Wait until the thread may go on.

        Raises:
            Exception: It was refused.
        """
        self._lock.acquire()
        if self._error is not None:
            raise self._error


def _nearer(pace: float, ratio: float, weight: float) -> float:
    bounded = min(max(ratio, 1 / _SLOWEST_PACE), _SLOWEST_PACE)
    return pace + weight * (bounded - pace)


def _start(jobs: list[Job]) -> None:
    for job in jobs:
        job.start()
