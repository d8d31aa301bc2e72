"""Bytes that wait for somebody slow: in memory as far as a budget goes, beyond it in a file.

All connections of a worker share the budget, and one file that has no name. A thread writes the
file, because a busy disk holds up whoever writes to it; what it has not written yet is in memory,
and can be read from there. What is read from the file leaves room in it for others.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from tempfile import TemporaryFile
from typing import IO

BLOCK_BYTES = 2**16
# Each piece in memory costs some bytes beside its own. Smaller ones are joined to the one before.
_LEAST_PIECE_BYTES = 2**12
# What has this much in memory already leaves the second half of the budget to others.
_SMALL_BYTES = 2**18
# So much may wait to be written before nothing more should be received, and so much afterwards.
_MOST_UNWRITTEN_BYTES = 2**24
_FEW_UNWRITTEN_BYTES = 2**22


class OutOfSpace(OSError):
    """Neither memory nor the file may hold more."""


class Space:
    """What may wait in one worker.

    Args:
        memory_bytes: Number of bytes that may wait in memory.
        disk_bytes: Number of bytes that may wait in the file.
        on_calm: Called in a thread when bytes may be received again after `is_congested`.

    Attributes:
        is_congested: Whether more waits to be written than should.
        lock: Held by whoever reads or changes what is in the file, or waits to be written.
    """

    def __init__(
        self, *, memory_bytes: int, disk_bytes: int, on_calm: Callable[[], None] = lambda: None
    ) -> None:
        self.is_congested = False
        # The collector may end a queue in the middle of what another one does in the same thread.
        self.lock = threading.RLock()
        self._on_calm = on_calm
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._memory_bytes = memory_bytes
        self._memory_left = memory_bytes
        self._blocks_left = disk_bytes // BLOCK_BYTES
        self._unwritten_bytes = 0
        self._file: IO[bytes] | None = None
        self._free: list[int] = []
        self._blocks = 0

    @property
    def taken_memory(self) -> int:
        """Number of bytes that wait in memory, those that are to be written among them."""
        return self._memory_bytes - self._memory_left + self._unwritten_bytes

    def take_memory(self, size: int, *, held_bytes: int = 0) -> bool:
        """Take some of the memory; return whether there was enough.

        Args:
            size: Number of bytes.
            held_bytes: Number of bytes that the same queue has taken already.
        """
        with self.lock:
            kept = self._memory_bytes // 2 if held_bytes > _SMALL_BYTES else 0
            is_enough = size <= self._memory_left - kept
            self._memory_left -= size * is_enough
            return is_enough

    def give_memory(self, size: int) -> None:
        """Give memory back."""
        with self.lock:
            self._memory_left += size

    def take_block(self) -> int:
        """Take a block of the file, and return its number.

        Raises:
            OutOfSpace: All blocks are taken, or there is no disk.
        """
        with self.lock:
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
        with self.lock:
            self._free += numbers
            if self._file is not None and len(self._free) == self._blocks:
                self._blocks_left += self._blocks
                self._blocks = 0
                self._free.clear()
                self.write_later(self._file.close)  # a large file takes a while to vanish
                self._file = None

    def write_later(self, write: Callable[[], object]) -> None:
        """Let the thread of the file call back."""
        with self.lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
                self._thread.start()
        self._jobs.put(write)

    def count_unwritten(self, more_bytes: int) -> None:
        """Take note that more, or less, waits to be written."""
        with self.lock:
            self._unwritten_bytes += more_bytes
            was_congested = self.is_congested
            limit = _FEW_UNWRITTEN_BYTES if was_congested else _MOST_UNWRITTEN_BYTES
            self.is_congested = self._unwritten_bytes > limit
        if was_congested and not self.is_congested:
            self._on_calm()

    def write(self, data: bytes, at: int) -> None:
        """Write to the file, in its thread.

        Raises:
            OSError: The disk is full.
        """
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._descriptor, rest, at)
            rest, at = rest[written:], at + written

    def read(self, size: int, at: int) -> bytes:
        """Read from the file."""
        return os.pread(self._descriptor, size, at)

    def close(self) -> None:
        """End the thread of the file."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

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

    __slots__ = ("_in_memory", "_pieces", "_read", "_space", "_spooled", "size")

    def __init__(self, space: Space) -> None:
        self.size = 0
        self._space = space
        # What waits in memory is older than what waits in the file. Most requests have no body, and
        # a deque takes as much memory as all else of a request.
        self._pieces: deque[bytes | bytearray] | tuple[()] = ()
        self._in_memory = 0
        # Number of bytes that were read of the first piece.
        self._read = 0
        self._spooled: _Spooled | None = None

    def __del__(self) -> None:
        # Whatever becomes of a request, its share of the budget ends with it.
        with suppress(AttributeError):  # it was never made
            self.clear()

    def append(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            OutOfSpace: There is no room for them.
        """
        spooled = self._spooled
        if spooled is None and self._space.take_memory(len(data), held_bytes=self._in_memory):
            self._append_to_memory(data)
        else:
            if spooled is None:
                spooled = self._spooled = _Spooled(self._space)
            spooled.append(data)
        self.size += len(data)

    def take(self, size: int) -> bytes:
        """Take at most `size` bytes, as many as are at hand in one piece; none where none wait.

        Raises:
            OSError: The file could not be written, or not be read.
        """
        if self._pieces:
            data = self._take_from_memory(size)
        elif self._spooled is not None:
            data = self._spooled.take(size)
        else:
            return b""
        self.size -= len(data)
        if not self.size and self._spooled is not None:
            self._spooled.clear()
            self._spooled = None
        return data

    def whole(self) -> bytes:
        """Return all bytes, which still wait, of a queue of which nothing was taken.

        Raises:
            OSError: As `take` does.
        """
        pieces = self._pieces
        if self._spooled is not None:
            return b"".join([*pieces, *self._spooled.peek()])
        if not pieces:
            return b""
        if len(pieces) > 1 or not isinstance(pieces[0], bytes):
            pieces = self._pieces = deque([b"".join(pieces)])
        return bytes(pieces[0])

    def head(self, size: int) -> bytes:
        """Return the first bytes, which still wait, of a queue of which nothing was taken."""
        parts: list[bytes | bytearray] = []
        for piece in self._pieces:
            if size <= 0:
                break
            parts.append(piece[:size])
            size -= len(piece)
        if size > 0 and self._spooled is not None:
            parts.append(self._spooled.head(size))
        return b"".join(parts)

    def clear(self) -> None:
        """Drop all bytes."""
        if self._in_memory:
            self._space.give_memory(self._in_memory)
        if self._spooled is not None:
            self._spooled.clear()
        self._pieces = ()
        self._spooled = None
        self.size = self._in_memory = self._read = 0

    def _append_to_memory(self, data: bytes) -> None:
        self._in_memory += len(data)
        if not self._pieces:
            self._pieces = deque((data,))
            return
        last = self._pieces[-1]
        if len(data) >= _LEAST_PIECE_BYTES or len(last) > BLOCK_BYTES:
            self._pieces.append(data)
        elif isinstance(last, bytearray):
            last += data
        else:
            self._pieces[-1] = bytearray(last + data)

    def _take_from_memory(self, size: int) -> bytes:
        pieces = self._pieces
        assert pieces  # noqa: S101 - whoever calls this has looked
        piece, start = pieces[0], self._read
        data = piece if not start and len(piece) <= size else piece[start : start + size]
        self._read += len(data)
        if self._read == len(piece):
            pieces.popleft()
            self._read = 0
        self._in_memory -= len(data)
        self._space.give_memory(len(data))
        return bytes(data)


class _Spooled:
    """The part of a queue that is in the file, or will be.

    Positions count the bytes from the first one that was appended. Those before `_start` were
    taken, those before `_written` are in the file; then come `_writing` and `_tail`, in memory.

    Args:
        space: Where the bytes wait.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        # The blocks of the file, and how many were given back before the first of them.
        self._blocks: deque[int] = deque()
        self._given = 0
        self._start = self._written = 0
        self._writing = b""
        self._tail = bytearray()
        self._is_due = self._is_busy = self._is_dropped = False
        self._error: OSError | None = None

    def append(self, data: bytes) -> None:
        """Append bytes; they are written by the thread of the file.

        Raises:
            OutOfSpace: All blocks are taken, or the disk is full.
        """
        with self._space.lock:
            if self._error is not None:
                raise OutOfSpace from self._error
            end = self._written + len(self._writing) + len(self._tail) + len(data)
            while (self._given + len(self._blocks)) * BLOCK_BYTES < end:
                self._blocks.append(self._space.take_block())
            self._tail += data
            was_due, self._is_due = self._is_due, True
        self._space.count_unwritten(len(data))
        if not was_due:
            self._space.write_later(self._write)

    def take(self, size: int) -> bytes:
        """Take at most `size` bytes."""
        data = self._look(self._start, size)
        with self._space.lock:
            self._start += len(data)
            self._give_read_blocks()
        return data

    def head(self, size: int) -> bytes:
        """Return some of the first bytes, which still wait."""
        return self._look(self._start, size)

    def peek(self) -> list[bytes]:
        """Return all bytes, which still wait, in pieces."""
        pieces, at = [], self._start
        while piece := self._look(at, BLOCK_BYTES):
            pieces.append(piece)
            at += len(piece)
        return pieces

    def clear(self) -> None:
        """Drop all bytes, and give the blocks back once nothing is written to them any more."""
        with self._space.lock:
            self._is_dropped = True
            dropped = len(self._tail)
            self._tail.clear()
            if not self._is_busy:
                dropped += len(self._writing)
                self._writing = b""
                self._give_all_blocks()
        self._space.count_unwritten(-dropped)

    def _look(self, at: int, size: int) -> bytes:
        """Return at most `size` bytes from a position on."""
        with self._space.lock:
            offset = at - self._written
            if offset >= len(self._writing):
                offset -= len(self._writing)
                return bytes(self._tail[offset : offset + size])
            if offset >= 0:
                return self._writing[offset : offset + size]
            within = at % BLOCK_BYTES
            place = self._place(at)
        return self._space.read(min(size, -offset, BLOCK_BYTES - within), place)

    def _place(self, at: int) -> int:
        """Return where in the file a position is."""
        number = self._blocks[at // BLOCK_BYTES - self._given]
        return number * BLOCK_BYTES + at % BLOCK_BYTES

    def _write(self) -> None:
        """Write what is there, and what is appended meanwhile; called in the thread of the file."""
        while pieces := self._next_pieces():
            try:
                for piece, place in pieces:
                    self._space.write(piece, place)
            except OSError as error:
                self._fail(error)
                return
            self._end_writing()

    def _next_pieces(self) -> list[tuple[bytes, int]]:
        """Return what is to be written, with its place; nothing where all is written."""
        with self._space.lock:
            self._is_busy = self._is_due = bool(self._tail) and not self._is_dropped
            if not self._is_busy:
                return []
            self._writing = bytes(self._tail)
            self._tail.clear()
            pieces, done = [], 0
            while done < len(self._writing):
                at = self._written + done
                piece = self._writing[done : done + BLOCK_BYTES - at % BLOCK_BYTES]
                pieces.append((piece, self._place(at)))
                done += len(piece)
            return pieces

    def _end_writing(self) -> None:
        with self._space.lock:
            size, self._writing = len(self._writing), b""
            self._written += size
            self._is_busy = False
            if self._is_dropped:
                self._give_all_blocks()
            else:
                self._give_read_blocks()
        self._space.count_unwritten(-size)

    def _fail(self, error: OSError) -> None:
        """Keep what could not be written in memory, and take nothing more."""
        with self._space.lock:
            self._error, self._is_busy = error, False
            if self._is_dropped:
                self.clear()

    def _give_read_blocks(self) -> None:
        read = min(self._start, self._written) // BLOCK_BYTES
        while self._given < read:
            self._space.give_blocks([self._blocks.popleft()])
            self._given += 1

    def _give_all_blocks(self) -> None:
        if self._blocks:
            self._space.give_blocks([*self._blocks])
            self._blocks.clear()
