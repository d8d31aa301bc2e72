"""Rates of keys: how many requests pass, also where several workers share the memory."""

import mmap
import os
from collections.abc import Callable

import pytest

from service.rates import Rates


@pytest.fixture
def rates() -> Rates:
    """Rates of one process."""
    return Rates(memoryview(bytearray(Rates.BYTES)))


def taken(rates: Rates, seconds: float, *, each: float, rate: float = 10, burst: int = 5) -> int:
    """Count how many requests pass of those that come evenly from the time 100 on."""
    times = [100 + number * each for number in range(round(seconds / each))]
    return sum(rates.take(1, rate, burst, now=now) == 0 for now in times)


@pytest.mark.parametrize("burst", [2, 5])
@pytest.mark.parametrize("each", [0.001, 0.03, 0.09])
def test_rate_and_burst_pass_and_no_more(rates: Rates, burst: int, each: float) -> None:
    assert taken(rates, 20, each=each, burst=burst) == pytest.approx(200 + burst, abs=2)


def test_slower_requests_all_pass(rates: Rates) -> None:
    assert taken(rates, 20, each=0.1, burst=1) == 200


def test_wait_is_the_time_until_the_next_one_passes(rates: Rates) -> None:
    passes = [rates.take(7, 4, 2, now=50.0) for _ in range(3)]

    assert passes[:2] == [0, 0]
    assert passes[2] == pytest.approx(0.25)
    assert rates.take(7, 4, 2, now=50.24) > 0
    assert rates.take(7, 4, 2, now=50.2501) == 0


def test_refused_request_costs_nothing(rates: Rates) -> None:
    for _ in range(1000):
        rates.take(7, 1, 1, now=50.0)

    assert rates.take(7, 1, 1, now=51.0) == 0


def test_right_that_is_given_back_can_be_taken_again(rates: Rates) -> None:
    rates.take(7, 0.001, 1)
    assert rates.take(7, 0.001, 1) > 0

    rates.give_back(7, 0.001)

    assert rates.take(7, 0.001, 1) == 0


def test_keys_of_the_same_slot_do_not_share_a_rate(rates: Rates) -> None:
    slots = Rates.BYTES // 16
    keys = [3 + slots * number for number in range(16)]

    first = [rates.take(key, 1, 1, now=10.0) for key in keys]
    second = [rates.take(key, 1, 1, now=10.0) for key in keys]

    assert first == [0] * 16
    assert min(second) > 0


def test_slot_of_a_key_that_rests_is_taken_by_another(rates: Rates) -> None:
    slots = Rates.BYTES // 16
    for number in range(1000):
        assert rates.take(3 + slots * number, 1, 1, now=10.0 + 2 * number) == 0


def in_child(action: Callable[[], object]) -> None:
    """Do something in a process that shares this one's memory, and wait for its end."""
    child = os.fork()
    if child == 0:
        action()
        os._exit(0)
    os.waitpid(child, 0)


def test_what_one_process_takes_another_has_no_more() -> None:
    rates = Rates(memoryview(mmap.mmap(-1, Rates.BYTES)))

    in_child(lambda: rates.take(7, 0.001, 1))

    assert rates.take(7, 0.001, 1) > 0
