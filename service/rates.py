"""How often each key may ask, over all workers together.

The generic cell rate algorithm keeps one number for each key: the time at which the next request
would be due if all came evenly. A request may come before that time by as much as its burst allows.

References:
    ITU-T (2004), Recommendation I.371: Traffic control and congestion control in B-ISDN, annex A.
"""

import mmap
import threading
import time

from service.keys import MAX_KEYS

_WORD_BYTES = 8
_SLOTS = 4 * MAX_KEYS
# With a quarter of the slots taken, fewer than one key in a billion finds none of so many free.
_TRIES = 16


class Rates:
    """The due times of the keys, in memory that several processes may share.

    A key whose due time has passed is in the state of a new one. Its slot needs no owner, and the
    next key that looks for one takes it; none must be given back, whatever becomes of a key or of a
    worker.

    No lock guards a slot: a worker that was killed or stopped while it held one would hold up all
    others. Two workers that change a due time within the same microsecond may count one request
    where there were two.

    Args:
        memory: Memory of at least `Rates.BYTES` bytes, which are 0 at first.
    """

    BYTES = 2 * _WORD_BYTES * _SLOTS

    def __init__(self, memory: memoryview) -> None:
        half = _WORD_BYTES * _SLOTS
        self._owners = memory[:half].cast("Q")
        self._due_times = memory[half : 2 * half].cast("d")
        # Between the threads of one process.
        self._lock = threading.Lock()

    def take(self, owner: int, rate: float, burst: int, *, now: float | None = None) -> float:
        """Take the right to one request.

        Args:
            owner: Number of the key, from 1 to 2^64 - 1.
            rate: Largest number of requests a second.
            burst: Number of requests that may come at once.
            now: Time in seconds of a clock that all workers share; by default, the monotonic one.

        Returns:
            0 if it was taken, else the number of seconds after which it can be.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            slot = self._find(owner, now)
            due = max(now, self._due_times[slot])
            wait = due - now - (burst - 1) / rate
            if wait > 1e-9:  # a due time is a sum of rounded numbers
                return wait
            self._due_times[slot] = due + 1 / rate
            return 0.0

    def give_back(self, owner: int, rate: float) -> None:
        """Give the right to one request back: the request was not answered."""
        with self._lock:
            slot = self._find(owner, time.monotonic())
            self._due_times[slot] -= 1 / rate

    def _find(self, owner: int, now: float) -> int:
        """Return the slot of a key; it takes a free one where it has none."""
        home = owner % _SLOTS
        if self._owners[home] == owner:
            return home
        slots = [(home + step) % _SLOTS for step in range(_TRIES)]
        own = (slot for slot in slots if self._owners[slot] == owner)
        free = (slot for slot in slots if self._due_times[slot] <= now)
        slot = next(own, None)
        if slot is None:
            slot = next(free, home)
            self._owners[slot], self._due_times[slot] = owner, 0.0
        return slot


# Made when the server imports this module, before it forks: all workers share it.
SHARED = Rates(memoryview(mmap.mmap(-1, Rates.BYTES)))
