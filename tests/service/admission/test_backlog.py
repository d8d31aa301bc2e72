"""What waits: small before large within a bound; under overload the newest, and refusals soon."""

import pytest

from service.admission.backlog import Backlog
from service.admission.jobs import NEVER, Client, Deadline, Job, UnknownClient
from service.errors import DeadlineExceeded, Overloaded
from vitrine.errors import VitrineError


class Recorded(Job):
    """A job that does nothing."""

    def __init__(
        self,
        name: str,
        *,
        arrived: float,
        cost: float = 0.01,
        deadline: Deadline = NEVER,
        client: Client | None = None,
        has_begun: bool = False,
        is_nearly_done: bool = False,
    ) -> None:
        self.has_begun, self.is_nearly_done = has_begun, is_nearly_done
        super().__init__(cost, client or UnknownClient(), deadline)
        self.name = name
        self.arrived = arrived

    def start(self) -> None:
        """Do nothing."""

    def refuse(self, error: VitrineError | None) -> None:
        """Do nothing."""


class Gone:
    """A client that has left."""

    is_gone = True


def names(backlog: Backlog[Recorded], now: float = 0.0) -> list[str]:
    """Take everything."""
    return [job.name for job in iter(lambda: backlog.take(now), None)]


def filled(*jobs: Recorded, most: float = 10.0) -> Backlog[Recorded]:
    """Return a backlog with some jobs."""
    backlog: Backlog[Recorded] = Backlog(max_wait_seconds=most)
    for job in jobs:
        backlog.add(job)
    return backlog


def test_first_to_arrive_is_taken_first() -> None:
    backlog = filled(*(Recorded(name, arrived=number) for number, name in enumerate("abc")))

    assert names(backlog) == ["a", "b", "c"]


def test_small_job_overtakes_a_large_one_within_a_bound() -> None:
    large = Recorded("large", arrived=0.0, cost=0.02)
    backlog = filled(
        large,
        Recorded("soon", arrived=0.04, cost=0.001),
        Recorded("later", arrived=0.08, cost=0.001),
    )

    assert names(backlog) == ["soon", "large", "later"]


def test_picture_is_overtaken_for_no_longer_than_it_may_take() -> None:
    backlog = filled(
        Recorded("picture", arrived=0.0, cost=0.016),
        *(Recorded(str(number), arrived=number / 1000, cost=0.001) for number in range(1, 100)),
    )

    assert names(backlog).index("picture") * 0.001 < 4 * 0.016


def test_no_job_is_overtaken_for_longer_than_the_bound() -> None:
    backlog = filled(
        Recorded("huge", arrived=0.0, cost=100.0), Recorded("small", arrived=0.3), most=1000.0
    )

    assert names(backlog) == ["huge", "small"]


def test_job_that_is_nearly_done_goes_first() -> None:
    begun = Recorded("begun", arrived=0.2, is_nearly_done=True)

    assert names(filled(Recorded("new", arrived=0.0), begun)) == ["begun", "new"]
    assert names(filled(begun, Recorded("new", arrived=0.3), most=0.01)) == ["begun", "new"]


def test_begun_job_is_taken_without_the_others() -> None:
    begun = Recorded("begun", arrived=1.0, cost=1.0, has_begun=True)
    backlog = filled(Recorded("new", arrived=0.0), begun)

    assert backlog.take_begun() is begun
    assert backlog.take_begun() is None


def test_newest_is_taken_first_under_overload() -> None:
    backlog = filled(
        *(Recorded(name, arrived=number, cost=0.01) for number, name in enumerate("abc")), most=0.02
    )

    assert backlog.is_overloaded
    assert names(backlog) == ["c", "b", "a"]


def test_what_waited_for_a_short_time_is_refused_under_overload() -> None:
    old = Recorded("old", arrived=0.0)
    backlog = filled(old, Recorded("new", arrived=1.0), most=0.01)

    ((refused, error),) = backlog.sweep(1.01)

    assert (refused, type(error)) == (old, Overloaded)
    assert names(backlog) == ["new"]


def test_a_large_job_waits_for_longer_under_overload() -> None:
    backlog = filled(Recorded("large", arrived=0.0, cost=0.05), most=0.01)

    assert not backlog.sweep(0.09)
    assert backlog.sweep(0.11)


def test_nothing_is_refused_while_there_is_no_overload() -> None:
    backlog = filled(Recorded("old", arrived=0.0))

    assert not backlog.sweep(100.0)


@pytest.mark.parametrize(("then", "is_over"), [(1.1, False), (1.5, True)])
def test_overload_is_over_some_time_after_the_last_refusal(then: float, is_over: bool) -> None:
    backlog = filled(Recorded("old", arrived=0.0), Recorded("new", arrived=0.99), most=0.01)
    backlog.sweep(1.0)

    names(backlog, then)

    assert backlog.is_overloaded is not is_over


def test_deadline_that_has_passed_is_refused() -> None:
    backlog = filled(Recorded("late", arrived=0.0, deadline=Deadline(1.0, 1.0)))

    assert not backlog.sweep(0.9)
    ((_, error),) = backlog.sweep(1.1)

    assert isinstance(error, DeadlineExceeded)


def test_job_of_a_client_that_has_gone_is_forgotten() -> None:
    backlog = filled(Recorded("left", arrived=0.0, client=Gone()), Recorded("stays", arrived=1.0))

    ((job, error),) = backlog.sweep(1.0)

    assert (job.name, error) == ("left", None)
    assert backlog.cost_seconds == pytest.approx(0.01)
