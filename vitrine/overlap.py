"""One step of a stream in a second thread, while the first thread does the steps around it."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from vitrine.observer import Slot

T = TypeVar("T")
R = TypeVar("R")


def overlapped(
    items: Iterator[T], work: Callable[[T], R], *, slot: Slot, is_ready: Callable[[], bool]
) -> Generator[R]:
    """Yield `work(item)` for each item, in order, as `map` does.

    While a second thread works on an item, the caller's thread makes the next item and deals with
    the result of the one before. The second thread runs only where a compute slot can be spared for
    it, and holds that for a single item. Without one, the caller's thread does the work.

    An error of an item or of its work comes in its turn, after the results before it. The first
    item is finished before the second is asked for.

    Args:
        items: The items, which the caller's thread makes.
        work: What is done with each item; only one call of it runs at a time.
        slot: Compute slot of the caller, which holds it.
        is_ready: Tells whether the next item can be made at once. A result is not kept back for an
            item that first has to arrive.
    """
    for item in items:
        yield work(item)
        break
    else:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="overlap") as second:
        running: Future[R] | None = None
        while True:
            if running is not None and not is_ready():
                yield _finish(running, slot)
                running = None
                continue
            try:
                item = next(items)
            except StopIteration:
                break
            except Exception:
                if running is not None:
                    yield _finish(running, slot)
                raise
            results = [] if running is None else [_finish(running, slot)]
            running = _start(second, work, item, slot)
            yield from results
            if running is None:
                yield work(item)
        if running is not None:
            yield _finish(running, slot)


def _start(
    second: ThreadPoolExecutor, work: Callable[[T], R], item: T, slot: Slot
) -> Future[R] | None:
    """Begin to work on an item in the second thread, if a slot can be spared for it."""
    spare = slot.spare()
    if spare is None:
        return None

    def run() -> R:
        with spare:
            return work(item)

    try:
        return second.submit(run)
    except RuntimeError:  # the process ends, and starts no more threads
        with spare:
            return None


def _finish(running: Future[R], slot: Slot) -> R:
    """Return the result; let others compute while this thread waits for it."""
    if not running.done():
        with slot.released():
            wait([running])
    return running.result()
