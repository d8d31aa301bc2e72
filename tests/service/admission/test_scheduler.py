"""Jobs start when a core is free: short ones do not wait for long ones, and nobody starves."""

from typing import TypeGuard

import pytest

from service.admission.computing import Computing, forget
from service.admission.jobs import NEVER, Job, UnknownClient
from service.admission.scheduler import MAX_WAIT_SECONDS, Scheduler
from service.errors import Overloaded
from vitrine.errors import VitrineError

SHORT, LONG = 0.01, 1.0


class Recorded(Job):
    """A job that takes note of what becomes of it."""

    def __init__(self, name: str, cost: float = SHORT) -> None:
        super().__init__(cost, UnknownClient(), NEVER)
        self.name = name
        self.is_started = False
        self.error: VitrineError | None = None

    def start(self) -> None:
        """Take note."""
        self.is_started = True

    def refuse(self, error: VitrineError | None) -> None:
        """Take note."""
        self.error = error


class Clock:
    """A clock that stands still."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Busy:
    """Other workers that compute something."""

    def __init__(self, short: int, long: int = 0) -> None:
        self._others = short, long
        self.told = (0, 0)

    def set(self, short: int, long: int) -> None:
        """Take note."""
        self.told = short, long

    def others(self) -> tuple[int, int]:
        """Return what they compute."""
        return self._others


def submitted(scheduler: Scheduler, *costs: float) -> list[Recorded]:
    """Submit jobs."""
    jobs = [Recorded(str(number), cost) for number, cost in enumerate(costs)]
    for job in jobs:
        scheduler.submit(job)
    return jobs


def started(jobs: list[Recorded]) -> list[bool]:
    """Return which jobs have started."""
    return [job.is_started for job in jobs]


def test_as_many_jobs_start_as_there_are_cores() -> None:
    scheduler = Scheduler(2)
    jobs = submitted(scheduler, SHORT, SHORT, SHORT)
    assert started(jobs) == [True, True, False]

    scheduler.finish(is_short=True)

    assert started(jobs) == [True, True, True]
    assert (scheduler.computing, scheduler.waiting) == (2, 0)


def test_cores_are_shared_with_other_workers() -> None:
    others = Busy(short=1)
    scheduler = Scheduler(2, others=others)

    jobs = submitted(scheduler, SHORT, SHORT)

    assert started(jobs) == [True, False]
    assert others.told == (1, 0)


def test_each_worker_computes_one_job_however_busy_the_others_are() -> None:
    scheduler = Scheduler(2, others=Busy(short=2, long=2))

    assert started(submitted(scheduler, SHORT, LONG)) == [True, False]


def test_short_job_does_not_wait_for_long_ones() -> None:
    scheduler = Scheduler(2)

    assert started(submitted(scheduler, LONG, LONG, LONG, SHORT)) == [True, True, False, True]


def test_long_job_waits_for_short_ones_within_a_bound() -> None:
    clock = Clock(0.0)
    scheduler = Scheduler(1, clock=clock)
    jobs = submitted(scheduler, SHORT, LONG)
    clock.now = jobs[1].arrived

    submitted(scheduler, SHORT)
    assert started(jobs) == [True, False]
    clock.now += 0.3
    scheduler.finish(is_short=True)

    assert started(jobs) == [True, True]


def test_no_more_long_jobs_begin_than_may_have_begun() -> None:
    scheduler = Scheduler(2)
    scheduler.max_begun = 1

    jobs = submitted(scheduler, LONG, LONG)
    assert started(jobs) == [True, False]
    scheduler.finish(is_short=False)
    assert started(jobs) == [True, False]
    scheduler.end_long()

    assert started(jobs) == [True, True]


def test_what_waits_for_too_long_is_refused_under_overload() -> None:
    clock = Clock(0.0)
    scheduler = Scheduler(1, clock=clock)
    jobs = submitted(scheduler, *[SHORT] * (2 + int(MAX_WAIT_SECONDS / SHORT)))
    clock.now = jobs[-1].arrived + 0.05

    scheduler.sweep()

    assert {type(job.error) for job in jobs[1:]} == {Overloaded}
    assert jobs[0].error is None


def test_closed_loop_of_many_clients_is_no_overload() -> None:
    scheduler = Scheduler(1, clock=Clock(1e12))
    jobs = submitted(scheduler, *[SHORT] * 64)

    scheduler.sweep()

    assert all(job.error is None for job in jobs)


def test_alike_jobs_are_taken_together() -> None:
    scheduler = Scheduler(1)
    jobs = submitted(scheduler, *[SHORT] * 5)

    def is_even(job: Job) -> TypeGuard[Recorded]:
        return isinstance(job, Recorded) and int(job.name) % 2 == 0

    assert scheduler.take_alike(is_even, 1) == [jobs[2]]
    assert scheduler.take_alike(is_even, 10) == [jobs[4]]
    assert scheduler.waiting == 2
    assert scheduler.take_alike(is_even, 10) == []


def test_newest_are_taken_together_under_overload() -> None:
    scheduler = Scheduler(1)
    jobs = submitted(scheduler, *[SHORT] * (2 + int(MAX_WAIT_SECONDS / SHORT)))

    def is_any(job: Job) -> TypeGuard[Recorded]:
        return isinstance(job, Recorded)

    assert scheduler.take_alike(is_any, 2) == [jobs[-1], jobs[-2]]


def test_estimates_follow_what_was_measured() -> None:
    scheduler = Scheduler(1)
    for _ in range(200):
        submitted(scheduler, SHORT)
        scheduler.finish(is_short=True, estimated_seconds=SHORT, seconds=3 * SHORT)

    submitted(scheduler, SHORT, SHORT)

    assert scheduler.waiting_seconds == pytest.approx(3 * SHORT, rel=0.01)


def test_workers_see_what_the_others_compute() -> None:
    one, other = Computing(1001), Computing(1002)
    before = other.others()

    one.set(2, 3)
    seen = other.others()
    forget(1001)

    assert (seen[0] - before[0], seen[1] - before[1]) == (2, 3)
    assert other.others() == before
