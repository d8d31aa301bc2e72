"""The gunicorn worker: a client takes a thread once its request is there, and none to leave.

One thread, the poller's, accepts connections, receives requests, waits for clients that say
nothing, and sees off those that are done; none of this ever blocks. The threads of the pool
answer. What is received here only decides *when* a request is handed over: what it is, gunicorn's
own parser decides, which is fed the same bytes.
"""

import ctypes
import errno
import math
import mmap
import os
import re
import resource
import selectors
import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from service.settings import Settings

_PIECE_BYTES = 2**16
_MAX_HEAD_BYTES = 2**15
# Of one request, and of all that a worker holds; a thread receives the rest.
_MAX_REQUEST_BYTES = 2**18
_MAX_HELD_BYTES = 2**26
# A client that sends its head byte by byte is done with after this many silences.
_HEAD_SILENCES = 3
# What a client still sends while it reads its last answer: unread, it would become a reset.
_CLOSING_SECONDS = 2.0
_MAX_DISCARDED_BYTES = 2**18
_ACCEPTED_AT_ONCE = 8
# A worker that has more connections than another leaves the next to it for so long.
_LEFT_SECONDS = 0.002
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_FULL_SECONDS = 0.5
# Files beside the connections: models, spools, libraries.
_SPARE_FILES = 1024

_SO_ATTACH_FILTER = 26  # of asm-generic/socket.h; read, it returns the filter
# Of linux/filter.h, on a TCP header: drop what has SYN and not ACK, keep everything else.
_NO_SYN = ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (6, 0, 0, 0), (6, 0, 0, 2**18))

# What is asked to find out whether the service lives must not wait behind what it is busy with.
_PROBE = re.compile(rb"(?:GET|HEAD) /(livez|readyz|metrics)/?[ ?]")
_PROBE_THREADS = 2

_FRAMING = re.compile(
    rb"\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)
_BARE_LF = re.compile(rb"(?<!\r)\n")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_MAX_CHUNK_LINE_BYTES = 4096


# Of each worker its connections and one more, 0 of none; shared with the workers forked from here.
_SLOTS = 256
_counts = memoryview(mmap.mmap(-1, 4 * _SLOTS)).cast("i")


def others_serve() -> bool:
    """Tell whether some worker of this server accepts connections."""
    return any(_counts)


def forget(worker: Any) -> None:
    """Count the connections of a worker no longer, which may have been killed."""
    _counts[worker.age % _SLOTS] = 0


def refuse_connections(listeners: Iterable[Any]) -> None:
    """Let no new connection begin, whereas those that clients know of can still be accepted.

    A listening socket that is merely closed resets what waits in it. A client that is not heard
    tries again, and finds who listens then.
    """
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in _NO_SYN))
    program = struct.pack("HP", len(_NO_SYN), ctypes.addressof(code))
    for listener in listeners:
        if listener.family in {socket.AF_INET, socket.AF_INET6}:
            with suppress(OSError):  # another kernel: what waits is lost, as it is without us
                listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _refuses(listener: Any) -> bool:
    try:
        return bool(listener.getsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, 1024))
    except OSError:
        return False


class Arrival:
    """What has arrived of a request.

    Attributes:
        data: Its bytes, and maybe those of the next one.
        has_head: Whether its head is whole.
        has_body: Whether its head speaks of a body.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.has_head = False
        self.has_body = False
        self._end = 0
        self._next_chunk: int | None = None

    def add(self, piece: bytes) -> bool:
        """Return whether, with these bytes, there is nothing more to wait for.

        That is so too where the parser has to judge: of a malformed request, or one that asks
        to be told to go on.
        """
        self.data += piece
        seen = len(self.data) - len(piece)
        if not self.has_head and not self._look_for_head(seen):
            return _BARE_LF.search(self.data, seen) is not None
        if self._next_chunk is not None:
            return self._has_last_chunk()
        return len(self.data) >= self._end

    def _look_for_head(self, seen: int) -> bool:
        found = self.data.find(b"\r\n\r\n", max(0, seen - 3))
        if found < 0:
            return False
        self.has_head = True
        fields = _FRAMING.findall(self.data[: found + 2])
        self.has_body = bool(fields)
        if not fields:
            self._end = found + 4
        elif len(fields) == 1:
            name, value = (part.lower().rstrip() for part in fields[0])
            if name == b"content-length" and value.isdigit():
                self._end = found + 4 + int(value[:19])
            elif name == b"transfer-encoding" and value == b"chunked":
                self._next_chunk = found + 4
        return True

    def _has_last_chunk(self) -> bool:
        while self._next_chunk is not None and self._next_chunk < len(self.data):
            end = self.data.find(b"\n", self._next_chunk) + 1
            if not end:
                return len(self.data) - self._next_chunk > _MAX_CHUNK_LINE_BYTES
            size = _CHUNK_SIZE.fullmatch(self.data[self._next_chunk : end])
            if not size:
                return True
            if not int(size[1], 16):
                trailers = self.data.find(b"\r\n\r\n", end - 2)
                return trailers >= 0 or len(self.data) - end > _MAX_CHUNK_LINE_BYTES
            self._next_chunk = end + int(size[1], 16) + 2
        return False


class _Ended:
    """In the place of a socket, of which no more is wanted."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def recv(self, size: int, /) -> bytes:  # noqa: ARG002 - a socket's signature
        raise self._error


class _Connection(TConn):  # type: ignore[misc]
    """A connection, in a thread or with the poller, never with both."""

    def __init__(
        self, cfg: Any, sock: socket.socket, client: Any, server: Any, *, timeout_seconds: float
    ) -> None:
        super().__init__(cfg, sock, client, server)
        self.data_ready = True
        self.arrival = Arrival()
        self.held_bytes = 0
        self.discarded_bytes = 0
        self.ended: Exception | None = None
        self._timeout_seconds = timeout_seconds

    def init(self) -> None:
        """Prepare for the next request, at its beginning in a thread."""
        super().init()
        # Gunicorn would wait for ever.
        self.sock.settimeout(self._timeout_seconds)
        if self.arrival.data:
            self.parser.unreader.unread(bytes(self.arrival.data))
            self.arrival.data.clear()
        if self.ended is not None:
            self.parser.unreader.sock = _Ended(self.ended)


class _Clock:
    """Connections in the order in which their time is up: each has the same, from its start."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: OrderedDict[_Connection, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def __iter__(self) -> Iterator[_Connection]:
        return iter([*self._due])

    def __contains__(self, connection: _Connection) -> bool:
        return connection in self._due

    def start(self, connection: _Connection) -> None:
        self._due[connection] = time.monotonic() + self._seconds
        self._due.move_to_end(connection)

    def stop(self, connection: _Connection) -> None:
        self._due.pop(connection, None)

    def shorten(self, seconds: float) -> None:
        self._seconds = min(self._seconds, seconds)
        latest = time.monotonic() + seconds
        for connection, due in self._due.items():
            self._due[connection] = min(due, latest)

    def next_due(self) -> float:
        return next(iter(self._due.values()), math.inf)

    def take_expired(self) -> Iterator[_Connection]:
        now = time.monotonic()
        while self.next_due() <= now:
            yield self._due.popitem(last=False)[0]


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's threaded worker, with slow clients kept away from its threads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held_bytes = 0
        self._accepts_from = 0.0
        self._is_asked = self._has_left = False
        # Encrypted and other languages' bytes say nothing to us.
        self._looks_ahead = (
            self.cfg.protocol == "http"
            and self.cfg.http2_cleartext == "off"
            and not self.cfg.is_ssl
        )

    def init_process(self) -> None:
        """Allow as many open files as there may be connections, before anything else."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = max(soft, self.worker_connections + _SPARE_FILES)
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        if soft != resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        super().init_process()

    def run(self) -> None:
        """Serve until told to stop, then until every connection is done with."""
        self._probes = ThreadPoolExecutor(_PROBE_THREADS, thread_name_prefix="probe")
        self._sums = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._timeout_seconds = Settings.from_environment(os.environ).body_timeout_seconds
        self._silent = _Clock(self._timeout_seconds)
        self._heads = _Clock(_HEAD_SILENCES * self._timeout_seconds)
        self._closing = _Clock(_CLOSING_SECONDS)
        # Under gunicorn's name, which refuses to keep more of them than it may.
        self.keepalived_conns = self._idle = _Clock(self.cfg.keepalive)
        self._clocks = (self._silent, self._heads, self._closing, self._idle)
        self.poller.register(
            self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks
        )
        self._count(0)
        while self.alive and self.is_parent_alive():
            self._turn(accepts=True)
        self._stop()

    def _turn(self, *, accepts: bool) -> None:
        self.notify()
        now = time.monotonic()
        has_room = self.nr_conns < self.worker_connections and now >= self._accepts_from
        self.set_accept_enabled(accepts and has_room)
        due = min(clock.next_due() for clock in self._clocks)
        if accepts and not has_room and self._accepts_from > now:
            due = min(due, self._accepts_from)
        self._is_asked = False
        self.wait_for_and_dispatch_events(timeout=max(0.0, min(1.0, due - now)))
        if has_room and not self._is_asked:
            self._has_left = False  # another one has taken it
        for connection in (*self._idle.take_expired(), *self._heads.take_expired()):
            self._close(connection)
        for connection in self._silent.take_expired():
            if connection.arrival.has_head:
                self._hand_over(connection, ended=TimeoutError())
            else:
                self._close(connection)
        for connection in self._closing.take_expired():
            self._close(connection)

    def _stop(self) -> None:
        """Answer what is under way, and what waits where the whole server stops.

        Told to stop for new workers' sake, leave what waits in the shared socket to them.
        """
        self.alive = False
        forget(self)
        accepts = any(_refuses(listener) for listener in self.sockets)
        deadline = time.monotonic() + self.cfg.graceful_timeout
        self._idle.shorten(STOP_KEEPALIVE_LINGER)
        for connection in self._silent:
            if not connection.arrival.data:
                self._silent.stop(connection)
                self._idle.start(connection)
        while accepts and self.nr_conns < self.worker_connections:
            before = self.nr_conns
            for listener in self.sockets:
                self.accept(listener)
            if self.nr_conns == before:
                break
        while self.nr_conns and time.monotonic() < deadline:
            self._turn(accepts=accepts)
        self.set_accept_enabled(False)
        self.tpool.shutdown(wait=False)
        for pool in (self._probes, self._sums):
            pool.shutdown(wait=False)
        self.poller.close()
        self.method_queue.close()
        for listener in self.sockets:
            listener.close()

    def _count(self, more: int) -> None:
        self.nr_conns += more
        if self.alive:
            _counts[self.age % _SLOTS] = self.nr_conns + 1

    def _leaves_it_to_another(self) -> bool:
        """Tell whether another worker has fewer connections; it was woken as well.

        Kept connections stay where they are: without this all may be with one worker, and one
        core. The other may be busy, so what has been left once is taken the next time.
        """
        fewest = min((count for count in _counts if count), default=0)
        self._has_left = not self._has_left and self.alive and self.nr_conns + 1 > fewest > 0
        if self._has_left:
            self._accepts_from = time.monotonic() + _LEFT_SECONDS
        return self._has_left

    def accept(self, listener: Any) -> None:
        """Accept what waits, a few at a time."""
        self._is_asked = True
        for _ in range(min(_ACCEPTED_AT_ONCE, self.worker_connections - self.nr_conns)):
            if self._leaves_it_to_another():
                return
            try:
                client, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                # It stays readable: without a pause, the loop would do nothing but try.
                self._accepts_from = time.monotonic() + _FULL_SECONDS
                self.log.warning("No connection can be accepted: %s.", error.strerror)
                return
            connection = _Connection(
                self.cfg,
                client,
                address,
                listener.getsockname(),
                timeout_seconds=self._timeout_seconds,
            )
            self._count(+1)
            if self.alive:
                self._heads.start(connection)
            self._wait(connection, self._silent if self.alive else self._idle)

    def _wait(self, connection: _Connection, clock: _Clock) -> None:
        connection.sock.setblocking(False)
        on_readable = partial(self._on_readable, connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, on_readable)
        clock.start(connection)

    def _on_readable(self, connection: _Connection, _: Any) -> None:
        if not self._looks_ahead:
            self._hand_over(connection)
            return
        try:
            piece = connection.sock.recv(_PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if piece:
            self._take(connection, piece)
        elif connection.arrival.has_head:
            self._hand_over(connection)
        else:
            self._close(connection)

    def _take(self, connection: _Connection, piece: bytes) -> None:
        arrival = connection.arrival
        connection.held_bytes += len(piece)
        self._held_bytes += len(piece)
        is_whole = arrival.add(piece) or not self._looks_ahead
        is_large = len(arrival.data) >= _MAX_REQUEST_BYTES or self._held_bytes > _MAX_HELD_BYTES
        if is_whole or (arrival.has_head and is_large):
            self._hand_over(connection)
        elif not arrival.has_head and len(arrival.data) > _MAX_HEAD_BYTES:
            self._hand_over(connection, ended=LimitRequestHeaders("The head is too long."))
        else:
            self._idle.stop(connection)
            self._silent.start(connection)
            if arrival.has_head:
                self._heads.stop(connection)
            elif connection not in self._heads:
                self._heads.start(connection)

    def _hand_over(self, connection: _Connection, *, ended: Exception | None = None) -> None:
        self._leave(connection)
        connection.ended = ended
        self._pool(connection.arrival).submit(self.handle, connection).add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, connection, done)
        )

    def _pool(self, arrival: Arrival) -> Any:
        asked = _PROBE.match(arrival.data)
        if asked is None or not arrival.has_head or arrival.has_body:
            return self.tpool
        # What all workers have counted takes milliseconds to add up.
        return self._sums if asked[1] == b"metrics" else self._probes

    def finish_request(self, conn: _Connection, fs: "Future[Any]") -> None:
        """Take a connection back from a thread: for its next request, or to see it off."""
        self._held_bytes -= conn.held_bytes
        conn.held_bytes = 0
        is_kept = not fs.cancelled() and fs.exception() is None and fs.result()
        try:
            if is_kept:
                conn.arrival = Arrival()
                self._wait(conn, self._idle)
                if early := conn.parser.unreader.take_buffered():
                    self._take(conn, early)
            else:
                conn.sock.setblocking(False)
                conn.sock.shutdown(socket.SHUT_WR)
                self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))
                self._closing.start(conn)
        except (OSError, ValueError):  # the client is gone, or the thread has closed it
            self._close(conn)

    def _discard(self, connection: _Connection, _: Any) -> None:
        try:
            piece = connection.sock.recv(_PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        connection.discarded_bytes += len(piece)
        if not piece or connection.discarded_bytes > _MAX_DISCARDED_BYTES:
            self._close(connection)

    def _close(self, connection: _Connection) -> None:
        self._leave(connection)
        self._held_bytes -= connection.held_bytes
        self._count(-1)
        util.close(connection.sock)

    def _leave(self, connection: _Connection) -> None:
        for clock in self._clocks:
            clock.stop(connection)
        with suppress(KeyError, ValueError):
            self.poller.unregister(connection.sock)
