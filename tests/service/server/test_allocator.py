"""Memory that was used once goes back to the system."""

import ctypes
import threading
from pathlib import Path

import pytest

from service.server.allocator import Trimmer

MEGABYTE = 2**20


def resident_megabytes() -> float:
    """Return how much memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / MEGABYTE


def wait_for_trim() -> None:
    """Wait until no thread of a trimmer runs."""
    for thread in threading.enumerate():
        if thread.daemon and "_trim" in thread.name:
            thread.join()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_free_pages_below_used_ones_are_given_back() -> None:
    trimmer = Trimmer()
    before = resident_megabytes()
    blocks = [bytearray(50_000) for _ in range(4000)]  # too small to be mapped alone
    last = bytearray(50_000)
    grown = resident_megabytes()
    blocks.clear()
    kept = resident_megabytes()

    trimmer.tick(is_busy=False)
    wait_for_trim()

    assert len(last) == 50_000
    assert kept > before + 0.8 * (grown - before) > before + 100
    assert resident_megabytes() < before + 0.3 * (grown - before)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_what_only_the_collector_finds_is_given_back() -> None:
    trimmer = Trimmer()
    holder = [bytearray(50_000) for _ in range(1000)]
    blocks: list[object] = [*holder]
    blocks.append(blocks)
    grown = resident_megabytes()
    holder.clear()
    del blocks

    trimmer.tick(is_busy=False)
    wait_for_trim()

    assert resident_megabytes() < grown - 30


def test_busy_worker_is_left_alone_for_a_while() -> None:
    trimmer = Trimmer()
    much = [bytes(range(256)) * 4096 for _ in range(200)]

    for _ in range(9):
        trimmer.tick(is_busy=True)
    before = trimmer.thread
    trimmer.tick(is_busy=True)
    wait_for_trim()

    assert len(much) == 200
    assert before is None
    assert trimmer.thread is not None
