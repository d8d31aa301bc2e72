"""Lines on their way to a file: written many at a time, so that nobody waits for the file."""

import atexit
import os
import select
import threading
import time
from collections.abc import Callable, Iterator

# Lines wait for others for so long, or until there are so many.
WAIT_SECONDS = 0.05
LINES_AT_ONCE = 64
# The end of a process waits no longer than this for a file that takes nothing.
_EXIT_SECONDS = 2.0
MAX_WAITING_BYTES = 2**22


class LineWriter:
    """Writes lines to a file descriptor from a thread of its own.

    While the file takes nothing, such as a pipe that nobody reads, lines wait in memory. Those
    beyond `MAX_WAITING_BYTES` are dropped and counted. What waits is written when the process ends.

    The thread starts with the first line: one that was started earlier would be missing in a forked
    process.

    Args:
        descriptor: Descriptor of the file.
        describe_drop: Makes the line that says how many lines were dropped.
        wait_seconds: Longest time that a line waits for others.

    Attributes:
        count_drop: Called with the number of lines whenever some were dropped.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        describe_drop: Callable[[int], bytes],
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._descriptor = descriptor
        self._wait_seconds = wait_seconds
        self.count_drop: Callable[[int], None] = lambda _: None
        self._describe_drop = describe_drop
        self._lines: list[bytes] = []
        self._waiting_bytes = 0
        self._dropped = 0
        self._adding = threading.Lock()
        self._writing = threading.Lock()
        self._has_lines = threading.Event()
        self._is_due = threading.Event()
        self._thread: threading.Thread | None = None
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, line: bytes, *, is_urgent: bool = False) -> None:
        """Have a line written soon, or drop it if too much is waiting.

        Args:
            line: The line with its line break.
            is_urgent: Whether it must not wait for others.
        """
        with self._adding:
            if self._waiting_bytes + len(line) > MAX_WAITING_BYTES:
                self._drop(1)
                return
            self._lines.append(line)
            self._waiting_bytes += len(line)
            if self._thread is None:
                self._start()
        if is_urgent or len(self._lines) >= LINES_AT_ONCE:
            self._is_due.set()
        if not self._has_lines.is_set():
            self._has_lines.set()

    def _drop(self, lines: int) -> None:
        self._dropped += lines
        self.count_drop(lines)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            self._has_lines.wait()
            self._is_due.wait(self._wait_seconds)
            self._has_lines.clear()
            self._is_due.clear()
            with self._writing:
                self._write_waiting(deadline=None)

    def flush(self) -> None:
        """Write what waits, as far as the file takes it within two seconds."""
        deadline = time.monotonic() + _EXIT_SECONDS
        if self._writing.acquire(timeout=_EXIT_SECONDS):
            try:
                self._write_waiting(deadline=deadline)
            finally:
                self._writing.release()

    def _write_waiting(self, *, deadline: float | None) -> None:
        with self._adding:
            lines, self._lines, self._waiting_bytes = self._lines, [], 0
        for piece in _pieces(lines):
            if not self._write_piece(piece, deadline):
                with self._adding:
                    self._drop(piece.count(b"\n"))
        with self._adding:
            dropped, self._dropped = self._dropped, 0
        if dropped and not self._write_piece(self._describe_drop(dropped), deadline):
            with self._adding:
                self._dropped += dropped

    def _write_piece(self, piece: bytes, deadline: float | None) -> bool:
        """Return whether all of a piece was written."""
        rest = memoryview(piece)
        while rest:
            # After the poll a write does not wait, so that a process which ends can give up. The
            # thread may wait in its write: each call takes the interpreter from the requests once.
            if deadline is not None:
                left = max(0.0, deadline - time.monotonic()) * 1000
                if not self._poll.poll(left):
                    return False
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # another process has filled it since
                continue
            except OSError:  # the disk is full, or the reader is gone
                return False
        return True


def _pieces(lines: list[bytes]) -> Iterator[bytes]:
    """Join lines to pieces that the kernel writes to a pipe as a whole.

    Several workers write to the same pipe. The parts of a longer piece could be mixed with theirs.
    """
    piece = bytearray()
    for line in lines:
        if piece and len(piece) + len(line) > select.PIPE_BUF:
            yield bytes(piece)
            piece.clear()
        piece += line
    if piece:
        yield bytes(piece)
