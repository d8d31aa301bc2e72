"""Bytes that wait: in memory as far as a budget goes, then in a file, then not at all."""

import threading
from pathlib import Path

import pytest

from service.server.buffers import BLOCK_BYTES, ByteQueue, OutOfSpace, Space
from tests.spaces import space


def taken(queue: ByteQueue, size: int = 1000) -> bytes:
    """Take everything, in pieces of at most `size` bytes."""
    pieces = []
    while piece := queue.take(size):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces)


def settle(shared: Space) -> None:
    """Wait until all that was to be written is written."""
    done = threading.Event()
    shared.write_later(done.set)
    assert done.wait(30)


def open_files() -> int:
    """Return how many files without a name this process has open."""
    links = [*Path("/proc/self/fd").iterdir()]
    return sum("(deleted)" in str(link.readlink()) for link in links if link.is_symlink())


@pytest.mark.parametrize("memory_bytes", [0, 7, 100_000, 10**9])
def test_bytes_are_taken_in_their_order_wherever_they_wait(memory_bytes: int) -> None:
    queue = ByteQueue(space(memory_bytes=memory_bytes))
    pieces = [bytes([number]) * size for number, size in enumerate((1, 5, 70_000, 3, 200_000, 9))]
    for piece in pieces:
        queue.append(piece)

    assert queue.size == sum(map(len, pieces))
    assert queue.whole() == b"".join(pieces)
    assert taken(queue) == b"".join(pieces)
    assert (queue.size, queue.take(1)) == (0, b"")


def test_queues_share_the_memory_and_one_file() -> None:
    shared = space(memory_bytes=100)
    before = open_files()
    first, second = ByteQueue(shared), ByteQueue(shared)
    first.append(b"a" * 80)
    second.append(b"b" * 80)
    first.append(b"c" * 80)

    assert open_files() == before + 1
    assert (taken(first), taken(second)) == (b"a" * 80 + b"c" * 80, b"b" * 80)
    settle(shared)
    assert open_files() == before


def test_queue_beyond_memory_and_disk_is_refused_until_others_are_read() -> None:
    shared = space(memory_bytes=0, disk_bytes=2 * BLOCK_BYTES)
    first, second = ByteQueue(shared), ByteQueue(shared)
    first.append(b"a" * 2 * BLOCK_BYTES)
    with pytest.raises(OutOfSpace):
        second.append(b"b")

    settle(shared)
    first.take(BLOCK_BYTES)
    second.append(b"b")

    assert second.take(9) == b"b"


def test_queue_that_is_dropped_gives_its_share_back() -> None:
    shared = space(memory_bytes=100, disk_bytes=BLOCK_BYTES)
    queue = ByteQueue(shared)
    queue.append(b"a" * 100)
    queue.append(b"b")

    del queue

    assert shared.take_memory(100)
    ByteQueue(shared).append(b"a" * BLOCK_BYTES)


def test_bytes_in_tiny_pieces_need_little_more_memory_than_they_are() -> None:
    queue = ByteQueue(space())
    for _ in range(100_000):
        queue.append(b"a")

    assert len(queue._pieces) < 3
    assert taken(queue) == b"a" * 100_000


def test_disk_that_cannot_be_written_is_out_of_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")

    with pytest.raises(OutOfSpace):
        ByteQueue(Space(memory_bytes=0, disk_bytes=BLOCK_BYTES)).append(b"a")


def test_what_is_not_written_yet_is_read_from_memory() -> None:
    shared = space(memory_bytes=0)
    writing, go_on = threading.Event(), threading.Event()
    shared.write_later(writing.set)
    shared.write_later(lambda: go_on.wait(30))
    assert writing.wait(30)
    queue = ByteQueue(shared)
    queue.append(b"a" * 70_000)
    queue.append(b"b" * 70_000)

    assert queue.whole() == b"a" * 70_000 + b"b" * 70_000
    first = queue.take(10_000)
    go_on.set()
    settle(shared)

    assert first + taken(queue) == b"a" * 70_000 + b"b" * 70_000


def test_slow_disk_is_told_and_so_is_its_end() -> None:
    calm, go_on = threading.Event(), threading.Event()
    shared = Space(memory_bytes=0, disk_bytes=2**30, on_calm=calm.set)
    shared.write_later(lambda: go_on.wait(30))
    queue = ByteQueue(shared)
    for _ in range(17):
        assert not shared.is_congested
        queue.append(bytes(2**20))
    assert shared.is_congested
    go_on.set()

    assert calm.wait(30)
    settle(shared)
    assert len(taken(queue, 2**16)) == 17 * 2**20


def test_dropped_queue_gives_its_blocks_back_when_nothing_is_written_to_them() -> None:
    shared = space(memory_bytes=0, disk_bytes=2 * BLOCK_BYTES)
    for number in range(20):
        queue = ByteQueue(shared)
        queue.append(bytes([number]) * 2 * BLOCK_BYTES)
        if number % 2:
            settle(shared)
        queue.clear()
        settle(shared)


def test_half_of_the_memory_is_for_small_bodies() -> None:
    shared = space(memory_bytes=2**20)
    large, small = ByteQueue(shared), ByteQueue(shared)
    for _ in range(16):
        large.append(bytes(2**16))
    before = open_files()
    for _ in range(4):
        small.append(bytes(2**16))

    assert large._in_memory < 2**19 + 2**17
    assert small._in_memory == 4 * 2**16
    assert open_files() == before
