"""How many jobs are computed in all workers of one server, in memory that the workers share."""

import mmap

# The memory is shared with the workers that are forked from this process. Each worker writes to
# cells of its own alone, so that no lock is needed.
_WORKERS = 256
_short = memoryview(mmap.mmap(-1, 4 * _WORKERS)).cast("i")
_long = memoryview(mmap.mmap(-1, 4 * _WORKERS)).cast("i")


class Computing:
    """How many jobs are computed in one worker, and in the others.

    Args:
        age: Number that gunicorn gave the worker; each worker has another one.
    """

    def __init__(self, age: int) -> None:
        self._cell = age % _WORKERS

    def set(self, short: int, long: int) -> None:
        """Tell the others how many short and long jobs are computed in this worker."""
        _short[self._cell] = short
        _long[self._cell] = long

    def others(self) -> tuple[int, int]:
        """Return how many short and long jobs are computed in the other workers."""
        return sum(_short) - _short[self._cell], sum(_long) - _long[self._cell]


def forget(age: int) -> None:
    """Count a worker that has ended no longer."""
    Computing(age).set(0, 0)
