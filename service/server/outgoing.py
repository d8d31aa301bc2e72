"""The bytes of an answer on their way from the thread that makes them to the event loop.

Most clients read no byte of the answer before they have sent their whole body. A server that stops
reading until the client takes the answer waits for such a client, and the client for the server, as
soon as the buffers between them are full. So a thread is never held up while the body still
arrives: what the client does not take waits, beyond a megabyte in a file.
"""

import threading
from collections import deque
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO

_PIECE_BYTES = 2**16
_MAX_MEMORY_BYTES = 2**20


class Outgoing:
    """The bytes of one answer: one thread appends, and the event loop takes.

    Args:
        on_append: Called in the thread when the loop should look for bytes, or for the end.
        is_receiving: Tells whether the body of the request still arrives.

    Attributes:
        is_ended: Whether nothing more will be appended.
        is_whole: Whether the answer is complete, once it has ended.
        keeps_alive: Whether the connection may be kept after the answer, once it has ended.
    """

    def __init__(self, *, on_append: Callable[[], None], is_receiving: Callable[[], bool]) -> None:
        self.is_ended = False
        self.is_whole = False
        self.keeps_alive = False
        self._on_append = on_append
        self._is_receiving = is_receiving
        self._is_broken = False
        self._is_announced = False
        self._pieces: deque[bytes] = deque()
        self._file: IO[bytes] | None = None
        self._waiting = self._read = self._written = 0
        self._change = threading.Condition()

    def append(self, piece: bytes) -> None:
        """Append bytes; wait where the client is slow and has nothing left to send.

        Raises:
            ConnectionAbortedError: The client is gone.
        """
        with self._change:
            self._check()
            self._keep(piece)
            self._announce()
            while self._waiting > _MAX_MEMORY_BYTES and not self._is_receiving():
                self._change.wait()
                self._check()

    def end(self, *, is_whole: bool, keeps_alive: bool) -> None:
        """Append nothing more.

        Args:
            is_whole: Whether the answer is complete.
            keeps_alive: Whether the connection may be kept.
        """
        with self._change:
            self.is_ended, self.is_whole, self.keeps_alive = True, is_whole, keeps_alive
            self._announce()

    def take(self) -> bytes | None:
        """Return the next bytes, none where the thread is not so far; None after the last ones."""
        with self._change:
            self._is_announced = False
            piece = self._pieces.popleft() if self._pieces else self._take_from_file()
            if not piece:
                return None if self.is_ended else b""
            self._waiting -= len(piece)
            if self._waiting <= _MAX_MEMORY_BYTES:
                self._change.notify()
            return piece

    def break_off(self) -> None:
        """Take nothing more: the client is gone."""
        with self._change:
            self._is_broken = True
            self._pieces.clear()
            self._close_file()
            self._change.notify()

    def _keep(self, piece: bytes) -> None:
        """Keep a piece behind the others: in memory, or in a file once that is too much."""
        self._waiting += len(piece)
        if self._file is None and self._waiting <= 2 * _MAX_MEMORY_BYTES:
            self._pieces.append(piece)
            return
        if self._file is None:
            # Not `with`: it lives until it was read.
            self._file = TemporaryFile()  # noqa: SIM115
            self._read = self._written = 0
        self._file.seek(self._written)
        self._written += self._file.write(piece)

    def _take_from_file(self) -> bytes:
        if self._file is None:
            return b""
        self._file.seek(self._read)
        piece = self._file.read(_PIECE_BYTES)
        self._read += len(piece)
        if self._read == self._written:
            self._close_file()
        return piece

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _check(self) -> None:
        if self._is_broken:
            raise ConnectionAbortedError

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            self._on_append()
