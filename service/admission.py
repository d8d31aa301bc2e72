"""Who may compute now: a few requests at a time, in the order in which they came.

More threads than cores that all compute take turns at every bytecode, and all of them are late. A
thread that only waits for its client needs no turn, so there may be many of those.
"""

import threading
from collections import deque


class Scheduler:
    """Hands out turns.

    Args:
        places: How many compute at a time.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def turn(self) -> "ComputeSlot":
        """Return the turn of one request, not yet taken."""
        return ComputeSlot(self)

    def acquire(self) -> None:
        """Wait for a place; whoever came first gets it first."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def release(self) -> None:
        """Give a place to the next who waits."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


class ComputeSlot:
    """One request's right to compute, for as long as it neither waits nor writes."""

    __slots__ = ("_is_taken", "_scheduler")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._is_taken = False

    def take(self) -> None:
        """Wait until there is a place, unless it has one."""
        if not self._is_taken:
            self._scheduler.acquire()
            self._is_taken = True

    def give(self) -> None:
        """Let another one compute, if it has a place."""
        if self._is_taken:
            self._is_taken = False
            self._scheduler.release()
