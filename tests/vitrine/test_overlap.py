"""One step of a stream in a second thread: the order, the errors and the slots stay as they are."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from vitrine.observer import Unlimited
from vitrine.overlap import overlapped

ALWAYS: Callable[[], bool] = lambda: True  # noqa: E731 - a name for a value


class CountedSlot(Unlimited):
    """A slot with so many others to spare, which counts how they are used.

    Attributes:
        free: Number of slots that are free.
        spared: Number of times that one was spared.
        waits: Number of times that the caller let others compute.
    """

    def __init__(self, free: int) -> None:
        self.free = free
        self.spared = 0
        self.waits = 0

    def released(self) -> AbstractContextManager[None]:
        """Count it."""
        self.waits += 1
        return super().released()

    def spare(self) -> AbstractContextManager[None] | None:
        """Spare one, if one is free."""
        if not self.free:
            return None
        self.free -= 1
        self.spared += 1
        return self._taken()

    @contextmanager
    def _taken(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.free += 1


def threads() -> int:
    return sum(each.name.startswith("overlap") for each in threading.enumerate())


@pytest.mark.parametrize("count", [0, 1, 2, 9])
@pytest.mark.parametrize("free", [0, 1, 2], ids=["no slot", "one slot", "two slots"])
@pytest.mark.parametrize("is_ready", [True, False], ids=["ready", "arriving"])
def test_results_come_in_order(count: int, free: int, is_ready: bool) -> None:
    slot = CountedSlot(free)

    results = overlapped(iter(range(count)), str, slot=slot, is_ready=lambda: is_ready)

    assert list(results) == [str(index) for index in range(count)]
    assert slot.free == free
    assert threads() == 0


def test_next_item_is_made_while_the_second_thread_works() -> None:
    is_made = threading.Event()

    def items() -> Iterator[int]:
        yield from (0, 1)
        is_made.set()
        yield 2

    def work(item: int) -> bool:
        return item != 1 or is_made.wait(20)

    results = overlapped(items(), work, slot=Unlimited(), is_ready=ALWAYS)

    assert list(results) == [True] * 3


def test_second_thread_works_while_the_result_before_is_dealt_with() -> None:
    has_begun = threading.Event()

    def work(item: int) -> int:
        if item == 2:
            has_begun.set()
        return item

    results = overlapped(iter(range(4)), work, slot=Unlimited(), is_ready=ALWAYS)

    assert [next(results), next(results)] == [0, 1]
    assert has_begun.wait(20)
    results.close()


def test_first_item_is_finished_before_the_second_is_asked_for() -> None:
    def items() -> Iterator[int]:
        yield 0
        pytest.fail("the second item was asked for")

    assert next(overlapped(items(), str, slot=Unlimited(), is_ready=ALWAYS)) == "0"


def test_result_is_not_kept_back_for_an_item_that_has_yet_to_arrive() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for item in range(3):
            made.append(item)
            yield item

    results = overlapped(items(), str, slot=Unlimited(), is_ready=lambda: False)

    for index, result in enumerate(results):
        assert result == str(index)
        assert made == list(range(index + 1))


@pytest.mark.parametrize("free", [0, 1], ids=["no slot", "one slot"])
def test_error_of_an_item_comes_after_the_results_before_it(free: int) -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise ZeroDivisionError

    slot = CountedSlot(free)
    results = overlapped(items(), str, slot=slot, is_ready=ALWAYS)

    assert [next(results), next(results), next(results)] == ["0", "1", "2"]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert (slot.free, threads()) == (free, 0)


@pytest.mark.parametrize("free", [0, 1], ids=["no slot", "one slot"])
def test_error_of_the_work_comes_in_its_turn_and_frees_the_slot(free: int) -> None:
    def work(item: int) -> float:
        return 1 / (item - 2)

    slot = CountedSlot(free)
    results = overlapped(iter(range(5)), work, slot=slot, is_ready=ALWAYS)

    assert [next(results), next(results)] == [-0.5, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert (slot.free, threads()) == (free, 0)


def test_thread_ends_and_frees_its_slot_where_the_consumer_stops() -> None:
    goes_on = threading.Event()

    def work(item: int) -> int:
        if item == 2:
            goes_on.wait(20)
        return item

    slot = CountedSlot(1)
    results = overlapped(iter(range(5)), work, slot=slot, is_ready=ALWAYS)
    assert [next(results), next(results)] == [0, 1]
    assert slot.free == 0
    goes_on.set()

    results.close()

    assert (slot.free, threads()) == (1, 0)


def test_caller_lets_others_compute_while_it_waits_for_the_second_thread() -> None:
    def work(item: int) -> int:
        threading.Event().wait(0.02)
        return item

    slot = CountedSlot(1)

    assert list(overlapped(iter(range(3)), work, slot=slot, is_ready=ALWAYS)) == [0, 1, 2]
    assert slot.spared == slot.waits == 2


AT_THE_END = """
import threading
from vitrine.observer import Unlimited
from vitrine.overlap import overlapped
def work():
    threading.main_thread().join()
    print(*overlapped(iter(range(5)), str, slot=Unlimited(), is_ready=lambda: True))
threading.Thread(target=work).start()
"""


def test_process_that_ends_finishes_in_the_thread_that_it_has() -> None:
    printed = subprocess.check_output([sys.executable, "-c", AT_THE_END], text=True)

    assert printed == "0 1 2 3 4\n"
