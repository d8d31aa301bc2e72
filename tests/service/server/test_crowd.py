"""Which connection a full worker closes for the sake of a new one."""

import pytest

from service.server.crowd import Crowd, Phase


class Connection:
    """A connection that nothing is asked of."""

    def check(self, now: float) -> None:
        """Do nothing."""

    def make_room(self) -> None:
        """Do nothing."""

    def go_on(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Do nothing."""


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def crowd(clock: Clock) -> Crowd:
    """A worker without connections."""
    return Crowd(clock)


def test_nobody_is_closed_who_is_being_served(crowd: Crowd) -> None:
    crowd.move(Connection(), None, Phase.SERVED)

    assert crowd.longest_waiting() is None


def test_silent_client_is_closed_before_one_that_sends(crowd: Crowd, clock: Clock) -> None:
    sending, silent = Connection(), Connection()
    crowd.move(sending, None, Phase.SENDING)
    clock.now = 1.0
    crowd.move(silent, None, Phase.SILENT)
    clock.now = 5.0

    assert crowd.longest_waiting() is silent


def test_client_that_has_just_come_is_kept_where_others_send_for_long(
    crowd: Crowd, clock: Clock
) -> None:
    sending, new = Connection(), Connection()
    crowd.move(sending, None, Phase.SENDING)
    clock.now = 5.0
    crowd.move(new, None, Phase.SILENT)

    assert crowd.longest_waiting() is sending


def test_first_comer_is_closed_where_all_have_just_come(crowd: Crowd, clock: Clock) -> None:
    first, second = Connection(), Connection()
    crowd.move(first, None, Phase.SENDING)
    clock.now = 0.1
    crowd.move(second, None, Phase.SILENT)

    assert crowd.longest_waiting() is first


def test_time_is_counted_anew_in_each_phase(crowd: Crowd, clock: Clock) -> None:
    one, other = Connection(), Connection()
    crowd.move(one, None, Phase.SILENT)
    crowd.move(other, None, Phase.SILENT)
    clock.now = 5.0
    crowd.move(one, Phase.SILENT, Phase.SERVED)
    crowd.move(one, Phase.SERVED, Phase.SILENT)

    assert crowd.longest_waiting() is other
