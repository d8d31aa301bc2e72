"""Who may compute now: a few requests at a time, in the order in which they arrived.

More computing threads than cores take turns at every bytecode, and all of them are late. A thread
that only waits for its client holds no compute slot, so there may be many of those.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator


class Scheduler:
    """Hands out the compute slots of one process.

    Args:
        slots: Number of requests that may compute at the same time.
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._waiting: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def slot(self) -> "ComputeSlot":
        """Return the slot of one request, which does not hold it yet."""
        return ComputeSlot(self)

    def acquire(self) -> None:
        """Wait for a free slot; the first to arrive gets it first."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def try_acquire(self) -> bool:
        """Take a slot if one is free, without waiting; return whether one was."""
        with self._lock:
            is_free = self._free > 0
            self._free -= is_free
            return is_free

    def release(self) -> None:
        """Hand a slot to the next that waits for one."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


class ComputeSlot:
    """One request's right to compute: held inside `with`, which may be nested.

    The request's own thread alone may use it.
    """

    __slots__ = ("_depth", "_scheduler")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._depth = 0

    def __enter__(self) -> None:
        if self._depth == 0:
            self._scheduler.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._scheduler.release()

    @contextlib.contextmanager
    def released(self) -> Iterator[None]:
        """Let others compute inside this `with`, where the request waits for its client."""
        if self._depth == 0:
            yield
            return
        self._scheduler.release()
        try:
            yield
        finally:
            self._scheduler.acquire()

    def spare(self) -> contextlib.AbstractContextManager[None] | None:
        """Return a slot for one more thread of this request; None where none is free.

        A slot is free only while no other request waits for one.
        """
        return _Spare(self._scheduler) if self._scheduler.try_acquire() else None

    def give_way(self) -> None:
        """Let the others that wait compute first."""
        with self.released():
            pass


class _Spare(contextlib.AbstractContextManager[None]):
    """A slot that was taken and is given back at the end of `with`."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def __exit__(self, *_: object) -> None:
        self._scheduler.release()
