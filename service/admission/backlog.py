"""What waits to compute: in which order it is taken, and what is refused where too much waits.

Normally the first to arrive is the first to be taken, but for small jobs, which overtake larger
ones. If more arrives than can be computed, such a queue becomes a bad one: it is always full, and
everybody in it waits for as long as clients have patience, so that most answers come when nobody
wants them any more. Then the newest is taken first, whose client still waits, and what has waited
for longer than a short time is refused, so that its client knows at once.

References:
    Nichols, Jacobson (2012), Controlling Queue Delay, ACM Queue 10(5), doi:10.1145/2208917.2209336.
    Maurer (2015), Fail at Scale, ACM Queue 13(8), doi:10.1145/2838344.2839461: "adaptive LIFO".
"""

from bisect import insort
from collections.abc import Iterator
from math import inf
from typing import Generic, TypeVar

from service.admission.jobs import Job
from service.errors import DeadlineExceeded, Overloaded
from vitrine.errors import VitrineError

# Under overload, a job waits for twice what it takes, at least for this long.
_WAITED_COSTS = 2
_LEAST_WAIT_SECONDS = 0.02
# After so long without a refusal, the overload is over.
_CALM_SECONDS = 0.25
# However short the jobs are, each holds memory.
_MAX_JOBS = 4096

J = TypeVar("J", bound=Job)
Refused = tuple[J, VitrineError | None]


class Backlog(Generic[J]):
    """Jobs that wait. Its methods must not be called in two threads at once.

    Args:
        max_wait_seconds: Estimated time to compute all of it beyond which there is an overload.

    Attributes:
        is_overloaded: Whether the newest is taken first, and what waits is refused soon.
    """

    def __init__(self, *, max_wait_seconds: float = inf) -> None:
        self._max_wait_seconds = max_wait_seconds
        # In the order in which they are normally taken.
        self._jobs: list[J] = []
        self._cost_seconds = 0.0
        self._refused_at = -inf
        self.is_overloaded = False

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[J]:
        """Yield the jobs in the order in which they are taken now."""
        if self.is_overloaded:
            return iter(sorted(self._jobs, key=_newness, reverse=True))
        return iter(self._jobs)

    @property
    def cost_seconds(self) -> float:
        """Estimated time that all of it computes."""
        return self._cost_seconds

    def add(self, job: J, *, cores: float = 1.0) -> None:
        """Let a job wait.

        Args:
            job: The job.
            cores: Number of jobs that compute at a time, in terms of what is estimated.
        """
        if self._jobs and _due(job) < _due(self._jobs[-1]):
            insort(self._jobs, job, key=_due)
        else:
            self._jobs.append(job)
        self._cost_seconds += job.cost_seconds
        is_long = self._cost_seconds > cores * self._max_wait_seconds
        if is_long or len(self._jobs) > _MAX_JOBS:
            self.is_overloaded = True

    def take(self, now: float) -> J | None:
        """Take the next job; None where nothing waits.

        Args:
            now: The time, by `time.monotonic`.
        """
        if not self._jobs:
            return None
        job = self._remove(self._newest() if self.is_overloaded else 0)
        if not self._jobs and now - self._refused_at > _CALM_SECONDS:
            self.is_overloaded = False
        return job

    def take_begun(self) -> J | None:
        """Take the next job that has begun; None where none of these waits."""
        for index, job in enumerate(self._jobs):
            if job.has_begun:
                return self._remove(index)
        return None

    def is_due(self, now: float) -> bool:
        """Tell whether the next job has let others overtake it for long enough."""
        return bool(self._jobs) and _due(self._jobs[0]) <= now

    def remove(self, job: J) -> None:
        """Take a job that is not the next."""
        self._remove(self._jobs.index(job))

    def sweep(self, now: float, *, pace: float = 1.0) -> list[Refused[J]]:
        """Take the jobs that need not be computed any more, each with what its client is told.

        Args:
            now: The time, by `time.monotonic`.
            pace: Time that jobs take, as a multiple of what was estimated.
        """
        refused = [(job, error) for job in self._jobs for error in self._errors(job, now, pace)]
        if refused:
            gone = {id(job) for job, _ in refused}
            self._jobs = [job for job in self._jobs if id(job) not in gone]
            self._cost_seconds = sum(job.cost_seconds for job in self._jobs)
        if any(isinstance(error, Overloaded) for _, error in refused):
            self._refused_at = now
        return refused

    def _errors(self, job: J, now: float, pace: float) -> Iterator[VitrineError | None]:
        """Yield why a job need not be computed; nothing where it must be."""
        if job.client.is_gone:
            yield None
        elif now > job.deadline.at:
            yield DeadlineExceeded(job.deadline.timeout_seconds)
        elif self.is_overloaded and now - job.arrived > _longest_wait(job, pace):
            yield Overloaded(_CALM_SECONDS)

    def _newest(self) -> int:
        return max(range(len(self._jobs)), key=lambda index: _newness(self._jobs[index]))

    def _remove(self, index: int) -> J:
        job = self._jobs.pop(index)
        self._cost_seconds = self._cost_seconds - job.cost_seconds if self._jobs else 0.0
        return job


def _newness(job: Job) -> float:
    return job.arrived - job.overtaken_seconds


def _due(job: Job) -> float:
    return job.arrived + job.overtaken_seconds


def _longest_wait(job: Job, pace: float) -> float:
    return max(_LEAST_WAIT_SECONDS, _WAITED_COSTS * job.cost_seconds * pace)
