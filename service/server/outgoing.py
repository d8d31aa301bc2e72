"""The bytes of an answer on their way from the thread that makes them to the event loop.

Most clients read no byte of the answer before they have sent their whole body. A server that stops
reading until the client takes the answer waits for such a client, and the client for the server, as
soon as the buffers between them are full. So a thread is never held up while the body still
arrives, nor by an answer that is there as a whole: what the client does not take waits in the
space that all connections share.
"""

import threading
from collections.abc import Callable

from service.server.buffers import ByteQueue, OutOfSpace, Space

_PIECE_BYTES = 2**16
_MAX_WAITING_BYTES = 2**20


class Outgoing:
    """The bytes of one answer: one thread appends, and the event loop takes.

    Args:
        space: Where they wait.
        on_append: Called in the thread when the loop should look for bytes, or for the end.
        is_receiving: Tells whether the body of the request still arrives.

    Attributes:
        is_ended: Whether nothing more will be appended.
        is_whole: Whether the answer is complete, once it has ended.
        keeps_alive: Whether the connection may be kept after the answer, once it has ended.
    """

    def __init__(
        self, space: Space, *, on_append: Callable[[], None], is_receiving: Callable[[], bool]
    ) -> None:
        self.is_ended = False
        self.is_whole = False
        self.keeps_alive = False
        self._on_append = on_append
        self._is_receiving = is_receiving
        self._is_broken = False
        self._is_announced = False
        self._queue = ByteQueue(space)
        self._change = threading.Condition()

    def append(self, piece: bytes, *, waits: bool = True) -> None:
        """Append bytes; wait where the client is slow and has nothing left to send.

        Args:
            piece: The bytes.
            waits: Whether the thread may be held up: it makes the answer while it is sent.

        Raises:
            ConnectionAbortedError: The client is gone, or there is no room for the bytes.
        """
        with self._change:
            self._check()
            self._keep(piece)
            self._announce()
            while waits and self._queue.size > _MAX_WAITING_BYTES and not self._is_receiving():
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
            piece = self._queue.take(_PIECE_BYTES)
            if not piece:
                return None if self.is_ended else b""
            if self._queue.size <= _MAX_WAITING_BYTES:
                self._change.notify()
            return piece

    def break_off(self) -> None:
        """Take nothing more: the client is gone."""
        with self._change:
            self._is_broken = True
            self._queue.clear()
            self._change.notify()

    def _keep(self, piece: bytes) -> None:
        try:
            self._queue.append(piece)
        except OutOfSpace:
            raise ConnectionAbortedError from None

    def _check(self) -> None:
        if self._is_broken:
            raise ConnectionAbortedError

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            self._on_append()
