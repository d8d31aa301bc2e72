"""Memory that was used once goes back to the system."""

import ctypes
import gc
import os
import threading
from contextlib import suppress
from pathlib import Path

_M_ARENA_MAX = -8  # constant of malloc.h
# Growth after which pages that are free are looked for. Looking takes some milliseconds.
_GROWTH_BYTES = 2**24
_LEAST_GAIN_BYTES = 2**20
_MOST_TICKS = 16
# Where requests compute, they cannot allocate until all is looked at, which may take a tenth of a
# second: more is waited for.
_BUSY_GROWTH_BYTES = 2**27
_BUSY_TICKS = 10

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")


def prepare() -> None:
    """Let all threads of the server and its workers allocate from one arena.

    By default glibc gives each thread an arena, and an arena keeps the memory that it once held.
    Measured: a tenth more memory a worker, and no gain in speed.
    """
    with suppress(AttributeError, OSError):  # another C library has no arenas
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


class Trimmer:
    """Gives free pages of this process back to the system, once it has grown.

    A page in the middle of the heap stays where it is until it is looked for. Thresholds by which
    glibc maps and unmaps large blocks at once would give back less, and cost more: a JPEG of two
    megapixels would take a third more time to decode.

    Attributes:
        thread: The last one that has looked; None where none has.
    """

    def __init__(self) -> None:
        self._least_bytes = _resident_bytes()
        self.thread: threading.Thread | None = None
        self._ticks = self._ticks_between = 1

    def tick(self, *, is_busy: bool) -> None:
        """Look whether the process has grown; called once a second.

        Args:
            is_busy: Whether requests compute.
        """
        self._ticks -= 1
        least_ticks = _BUSY_TICKS - 1 if is_busy else 0
        if self._ticks + least_ticks > 0 or self._is_running():
            return
        resident = _resident_bytes()
        self._least_bytes = min(self._least_bytes, resident)
        growth = _BUSY_GROWTH_BYTES if is_busy else _GROWTH_BYTES
        if resident > self._least_bytes + growth:
            self.thread = threading.Thread(target=self._trim, args=(resident,), daemon=True)
            self.thread.start()

    def _is_running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def _trim(self, before: int) -> None:
        # Connections and their requests refer to each other. A worker that has grown idle makes too
        # few objects for the collector to look at them, and at the answers that they hold.
        gc.collect()
        with suppress(AttributeError, OSError):  # another C library cannot
            ctypes.CDLL(None).malloc_trim(0)
        # What is in use is not worth looking at each time.
        is_worth_it = before - _resident_bytes() > _LEAST_GAIN_BYTES
        self._ticks_between = 1 if is_worth_it else min(2 * self._ticks_between, _MOST_TICKS)
        self._ticks = self._ticks_between


def _resident_bytes() -> int:
    """Return how much memory the process holds; 0 where the system does not say."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
