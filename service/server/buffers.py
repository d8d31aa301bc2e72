"""Bytes that wait for somebody slow: in memory as far as a budget goes, beyond it in a file.

All connections of a worker share the budget, and one file that has no name. What is read from the
file leaves room in it for others.
"""

import os
import threading
from collections import deque
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

BLOCK_BYTES = 2**16
# Each piece in memory costs some bytes beside its own. Smaller ones are joined to the one before.
_LEAST_PIECE_BYTES = 2**12


class OutOfSpace(OSError):
    """Neither memory nor the file may hold more."""


class Space:
    """What may wait in one worker.

    Args:
        memory_bytes: Number of bytes that may wait in memory.
        disk_bytes: Number of bytes that may wait in the file.
    """

    def __init__(self, *, memory_bytes: int, disk_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        # The collector may end a queue in the middle of what another one does in the same thread.
        self._lock = threading.RLock()
        self._memory_left = memory_bytes
        self._blocks_left = disk_bytes // BLOCK_BYTES
        self._file: IO[bytes] | None = None
        self._free: list[int] = []
        self._blocks = 0

    @property
    def taken_memory(self) -> int:
        """Number of bytes that wait in memory."""
        return self._memory_bytes - self._memory_left

    def take_memory(self, size: int) -> bool:
        """Take some of the memory; return whether there was enough."""
        with self._lock:
            is_enough = size <= self._memory_left
            self._memory_left -= size * is_enough
            return is_enough

    def give_memory(self, size: int) -> None:
        """Give memory back."""
        with self._lock:
            self._memory_left += size

    def take_block(self) -> int:
        """Take a block of the file, and return its number.

        Raises:
            OutOfSpace: All blocks are taken, or there is no disk.
        """
        with self._lock:
            if not self._free and not self._blocks_left:
                raise OutOfSpace
            if self._file is None:
                self._file = _open_file()
            if self._free:
                return self._free.pop()
            self._blocks += 1
            self._blocks_left -= 1
            return self._blocks - 1

    def give_blocks(self, numbers: list[int]) -> None:
        """Give blocks back; the last one gives the disk back."""
        with self._lock:
            self._free += numbers
            if self._file is not None and len(self._free) == self._blocks:
                self._blocks_left += self._blocks
                self._blocks = 0
                self._free.clear()
                self._file.close()
                self._file = None

    def write(self, data: bytes | memoryview, at: int) -> None:
        """Write to the file.

        Raises:
            OutOfSpace: The disk is full.
        """
        try:
            while data:
                written = os.pwrite(self._descriptor, data, at)
                data, at = data[written:], at + written
        except OSError as error:
            raise OutOfSpace from error

    def read(self, size: int, at: int) -> bytes:
        """Read from the file."""
        return os.pread(self._descriptor, size, at)

    @property
    def _descriptor(self) -> int:
        assert self._file is not None  # whoever has a block keeps it open  # noqa: S101
        return self._file.fileno()


def _open_file() -> IO[bytes]:
    try:
        return TemporaryFile()
    except OSError as error:
        raise OutOfSpace from error


class ByteQueue:
    """Bytes that are appended at one end and taken at the other, by one thread at a time.

    Args:
        space: Where they wait.

    Attributes:
        size: Number of bytes that wait.
    """

    __slots__ = ("_blocks", "_in_memory", "_pieces", "_read", "_space", "_written", "size")

    def __init__(self, space: Space) -> None:
        self.size = 0
        self._space = space
        # What waits in memory is older than what waits in blocks.
        self._pieces: deque[bytes | bytearray] = deque()
        self._in_memory = 0
        self._blocks: deque[int] = deque()
        # Bytes that were read of the first piece or block, and written of the last block.
        self._read = self._written = 0

    def __del__(self) -> None:
        # Whatever becomes of a request, its share of the budget ends with it.
        with suppress(AttributeError):  # it was never made
            self.clear()

    def append(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            OutOfSpace: There is no room for them.
        """
        if self._blocks or not self._space.take_memory(len(data)):
            self._append_to_file(data)
        else:
            self._append_to_memory(data)
        self.size += len(data)

    def take(self, size: int) -> bytes:
        """Take at most `size` bytes, as many as are at hand in one piece; none where none wait."""
        data = self._take_from_memory(size) if self._pieces else self._take_from_file(size)
        self.size -= len(data)
        return data

    def whole(self) -> bytes:
        """Return all bytes, which still wait, of a queue of which nothing was taken."""
        if not self._blocks and len(self._pieces) == 1 and isinstance(self._pieces[0], bytes):
            return self._pieces[0]
        data = b"".join([*self._pieces, *map(self._block, range(len(self._blocks)))])
        if self._pieces and not self._blocks:
            self._pieces = deque([data])
        return data

    def head(self, size: int) -> bytes:
        """Return the first bytes, which still wait, of a queue of which nothing was taken."""
        parts: list[bytes | bytearray] = []
        missing = size
        for piece in self._pieces:
            if missing <= 0:
                break
            parts.append(piece[:missing])
            missing -= len(piece)
        if missing > 0 and self._blocks:
            parts.append(self._block(0)[:missing])
        return b"".join(parts)

    def clear(self) -> None:
        """Drop all bytes."""
        if self._in_memory:
            self._space.give_memory(self._in_memory)
        if self._blocks:
            self._space.give_blocks([*self._blocks])
        self._pieces.clear()
        self._blocks.clear()
        self.size = self._in_memory = self._read = 0

    def _append_to_memory(self, data: bytes) -> None:
        self._in_memory += len(data)
        last = self._pieces[-1] if self._pieces else None
        if last is None or len(data) >= _LEAST_PIECE_BYTES or len(last) > BLOCK_BYTES:
            self._pieces.append(data)
        elif isinstance(last, bytearray):
            last += data
        else:
            self._pieces[-1] = bytearray(last + data)

    def _take_from_memory(self, size: int) -> bytes:
        piece, start = self._pieces[0], self._read
        data = piece if not start and len(piece) <= size else piece[start : start + size]
        self._read += len(data)
        if self._read == len(piece):
            self._pieces.popleft()
            self._read = 0
        self._in_memory -= len(data)
        self._space.give_memory(len(data))
        return bytes(data)

    def _append_to_file(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if not self._blocks or self._written == BLOCK_BYTES:
                self._blocks.append(self._space.take_block())
                self._written = 0
            fitting = rest[: BLOCK_BYTES - self._written]
            self._space.write(fitting, self._blocks[-1] * BLOCK_BYTES + self._written)
            self._written += len(fitting)
            rest = rest[len(fitting) :]

    def _take_from_file(self, size: int) -> bytes:
        if not self._blocks:
            return b""
        end = self._end(0)
        data = self._space.read(
            min(size, end - self._read), self._blocks[0] * BLOCK_BYTES + self._read
        )
        self._read += len(data)
        if self._read == end:
            self._space.give_blocks([self._blocks.popleft()])
            self._read = 0
        return data

    def _block(self, index: int) -> bytes:
        return self._space.read(self._end(index), self._blocks[index] * BLOCK_BYTES)

    def _end(self, index: int) -> int:
        """Return how many bytes were written to a block."""
        return self._written if index == len(self._blocks) - 1 else BLOCK_BYTES
