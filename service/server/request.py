"""One HTTP request while it arrives: its head, and a body that one thread may read meanwhile."""

import io
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from service.admission.slots import ComputeSlot
from service.server.buffers import ByteQueue, Space
from service.server.proxies import Origin
from vitrine.errors import VitrineError

# A body of which this much waits to be read is not received further until some of it was read.
MAX_WAITING_BYTES = 2**19

# As much of a body is looked at to guess what it costs.
HEAD_BYTES = 2**16

# Only a body that arrives while it is read needs a lock.
_NO_LOCK = nullcontext()


class Body(io.RawIOBase):
    """The body of a request: the event loop fills it, and one thread reads it as a WSGI input.

    Args:
        space: Where it waits to be read.

    Attributes:
        is_complete: Whether the whole body has arrived.
        has_failed: Whether it will not arrive whole.
        arrived_bytes: Number of bytes that have arrived.
    """

    def __init__(self, space: Space) -> None:
        self.is_complete = False
        self.has_failed = False
        self.arrived_bytes = 0
        self._queue = ByteQueue(space)
        self._error: Exception | None = None
        self._is_dropped = False
        self._arrival: threading.Condition | None = None
        self._on_room: Callable[[], None] | None = None
        self._timeout_seconds = 0.0

    @property
    def is_arriving(self) -> bool:
        """Whether more of the body is expected."""
        return not (self.is_complete or self.has_failed)

    @property
    def waiting_bytes(self) -> int:
        """Number of bytes that have arrived and were not read yet."""
        return self._queue.size

    @property
    def is_full(self) -> bool:
        """Whether as much waits to be read as may wait."""
        return self.waiting_bytes >= MAX_WAITING_BYTES

    def add(self, piece: bytes) -> None:
        """Take what has arrived.

        Raises:
            OutOfSpace: There is no room for it.
        """
        self.arrived_bytes += len(piece)
        with self._arrival or _NO_LOCK:
            if not (self._is_dropped or self.has_failed):
                self._queue.append(piece)
                self._tell_reader()

    def end(self) -> None:
        """Take note that the body is complete, unless some of it is missing."""
        with self._arrival or _NO_LOCK:
            self.is_complete = not self.has_failed
            self._tell_reader()

    def fail(self, error: Exception) -> None:
        """Take note that nothing more arrives.

        Args:
            error: Raised to the thread when it has read what did arrive.
        """
        with self._arrival or _NO_LOCK:
            self.has_failed = True
            self._error = error
            self._tell_reader()

    def drop(self) -> None:
        """Keep nothing of the body, and of what still arrives: nobody will read it."""
        with self._arrival or _NO_LOCK:
            self._is_dropped = True
            self._queue.clear()

    def whole(self) -> bytes:
        """Return a complete body of which nothing was read; it can still be read."""
        return self._queue.whole()

    def head(self) -> bytes:
        """Return the first bytes of a complete body of which nothing was read; they still wait."""
        return self._queue.head(HEAD_BYTES)

    def share(self, *, timeout_seconds: float, on_room: Callable[[], None]) -> None:
        """Let a thread read from now on.

        Args:
            timeout_seconds: Longest time that the thread waits for the next byte.
            on_room: Called in the thread when the body is no longer full.
        """
        if self.is_arriving:
            self._timeout_seconds = timeout_seconds
            self._on_room = on_room
            self._arrival = threading.Condition()

    def has_arrived(self, size: int) -> bool:
        """Tell whether so many bytes, or all that are left, can be read without waiting."""
        return not self.is_arriving or self.waiting_bytes >= min(size, MAX_WAITING_BYTES)

    def readable(self) -> bool:
        """Say that the body can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer, as `read` does."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1, /) -> bytes:
        """Return some of the next bytes, at least one; none at the end of the body.

        Raises:
            TimeoutError: No byte arrived for the time that `share` was given.
            Exception: The body will not arrive whole.
        """
        if size < 0:
            return self.readall()
        with self._arrival or _NO_LOCK:
            while not self._queue.size and not self.is_complete:
                if self._error is not None:
                    raise self._error
                if self._arrival is None or not self._arrival.wait(self._timeout_seconds):
                    self.has_failed = True
                    raise TimeoutError
            return self._take(size)

    def _take(self, size: int) -> bytes:
        was_full = self.is_full
        piece = self._queue.take(size)
        if was_full and not self.is_full and self._on_room is not None:
            self._on_room()
        return piece

    def _tell_reader(self) -> None:
        if self._arrival is not None:
            self._arrival.notify()


class Client:
    """The client at the other end of a connection.

    Args:
        remote: Its address.

    Attributes:
        remote: Its address.
        is_gone: Whether the connection is closed, so that nobody waits for an answer.
    """

    __slots__ = ("is_gone", "remote")

    def __init__(self, remote: str) -> None:
        self.remote = remote
        self.is_gone = False


class Request:
    """One request, as far as it has arrived.

    Args:
        client: Who sends it.
        space: Where its body waits.

    Attributes:
        method: Method, in capitals.
        target: Path and query as they were sent.
        version: HTTP version, "1.1" or "1.0".
        headers: Name in lower case and value of each header, in order.
        body: The body; empty where there is none.
        client: Who sends it.
        origin: How it has come; None where it came straight from the client.
        has_head: Whether the head is whole.
        keeps_alive: Whether the client may send further requests on the connection.
        announced_bytes: Length of the body; None where it was not announced.
        is_chunked: Whether the body comes in chunks.
        is_stream: Whether the body is read while it arrives, once there is enough of it.
        is_awaited: Whether the client waits to be asked for the body.
        error: Why the request is refused before any route sees it.
        slot: Its right to compute; None where it has none.
    """

    __slots__ = (
        "announced_bytes",
        "body",
        "client",
        "error",
        "has_head",
        "headers",
        "is_awaited",
        "is_chunked",
        "is_stream",
        "keeps_alive",
        "method",
        "origin",
        "slot",
        "target",
        "version",
    )

    def __init__(self, client: Client, space: Space) -> None:
        self.method = b""
        self.target = b""
        self.version = "1.1"
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = Body(space)
        self.client = client
        self.origin: Origin | None = None
        self.has_head = False
        self.keeps_alive = True
        self.announced_bytes: int | None = None
        self.is_chunked = self.is_stream = self.is_awaited = False
        self.error: VitrineError | None = None
        self.slot: ComputeSlot | None = None

    @property
    def remote(self) -> str:
        """Address of the client, or what a proxy that is believed says of it."""
        return self.client.remote if self.origin is None else self.origin.remote

    @property
    def has_body(self) -> bool:
        """Whether the head announces a body."""
        return self.is_chunked or bool(self.announced_bytes)
