"""The bytes of an answer on their way from the thread that makes them to the event loop.

Most clients read no byte of the answer before they have sent their whole body. A server that stops
reading until the client takes the answer waits for such a client, and the client for the server, as
soon as the buffers between them are full. So a thread is never held up while the body still
arrives: what the client does not take waits, beyond a megabyte in a file.
"""

import threading
from collections.abc import Callable
from tempfile import SpooledTemporaryFile

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
        self._spool: SpooledTemporaryFile[bytes] | None = None
        self._taken = 0
        self._appended = 0
        self._change = threading.Condition()

    def append(self, piece: bytes) -> None:
        """Append bytes; wait where the client is slow and has nothing left to send.

        Raises:
            ConnectionAbortedError: The client is gone.
        """
        with self._change:
            self._check()
            if self._spool is None:
                # Not `with`: it lives as long as the answer.
                self._spool = SpooledTemporaryFile(max_size=_MAX_MEMORY_BYTES)  # noqa: SIM115
            self._spool.seek(self._appended)
            self._appended += self._spool.write(piece)
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
            if self._spool is None or not self._waiting:
                if not self.is_ended:
                    return b""
                self._close()
                return None
            self._spool.seek(self._taken)
            piece = self._spool.read(_PIECE_BYTES)
            self._taken += len(piece)
            if not self._waiting:
                self._spool.seek(0)
                self._spool.truncate()
                self._taken = self._appended = 0
            if self._waiting <= _MAX_MEMORY_BYTES:
                self._change.notify()
            return piece

    def break_off(self) -> None:
        """Take nothing more: the client is gone."""
        with self._change:
            self._is_broken = True
            self._close()
            self._change.notify()

    def _check(self) -> None:
        if self._is_broken:
            raise ConnectionAbortedError

    def _close(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._taken = self._appended = 0

    @property
    def _waiting(self) -> int:
        return self._appended - self._taken

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            self._on_append()
