"""The gunicorn worker: one event loop that serves every connection, and threads that compute.

gunicorn forks the workers, replaces those that end, and tells them to stop. What is between a
client and the application is here: who is received, how long, and in which thread.
"""

import asyncio
import errno
import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import uvloop
from gunicorn import sock
from gunicorn.workers.base import Worker as BaseWorker

from service.admission.computing import Computing
from service.server.allocator import Trimmer
from service.server.buffers import Space
from service.server.connection import Connection, Limits, Refusal
from service.server.crowd import Crowd
from service.server.gateway import Gateway
from service.server.outgoing import Outgoing
from service.server.proxies import Proxies
from service.server.request import Request
from service.server.sharing import Share, has_served, refuses_connections
from service.server.streams import Streams
from service.settings import Settings
from vitrine.errors import VitrineError

if TYPE_CHECKING:
    from service.server.dispatch import Dispatcher

_ACCEPTED_AT_ONCE = 8
# A worker that has more connections than another leaves the next to it for so long.
_LEFT_SECONDS = 0.002
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_FULL_SECONDS = 0.5
# Files beside the connections: models, spools, libraries.
_SPARE_FILES = 1024
_HEARTBEAT_SECONDS = 1.0
# Time between two tries to start a worker of a server that has served.
_RETRY_SECONDS = 1.0
# A client that is gone says no goodbye.
_TLS_GOODBYE_SECONDS = 2.0
# Four looks in the shortest time that a client is given, and not more often than is useful.
_LOOKS = 4
_MOST_SECONDS_BETWEEN_LOOKS = 0.5


class Worker(BaseWorker):  # type: ignore[misc]
    """Serves the connections of one process.

    Attributes:
        limits, is_draining, space, crowd, streams: As `connection.Host` has them.
    """

    def init_process(self) -> None:
        """Load the application, with as many open files as there may be connections."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = max(soft, self.cfg.worker_connections + _SPARE_FILES)
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        if soft != resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        try:
            super().init_process()
        except (Exception, SystemExit) as error:
            # gunicorn would end the server. One that has served goes on trying.
            if self.booted or not has_served():
                raise
            if not isinstance(error, SystemExit):
                self.log.error("The worker cannot start: %s", error)  # noqa: TRY400 - that says it
            time.sleep(_RETRY_SECONDS)
            sys.exit(1)

    def run(self) -> None:
        """Serve until told to stop, then until every connection is done with."""
        settings = Settings.from_environment(os.environ)
        self._proxies = Proxies(settings.trusted_proxies, settings.path_prefix)
        self.limits = _limits(settings, idle_seconds=self.cfg.keepalive)
        self._max_csv_bytes = settings.max_csv_bytes
        self.is_draining = False
        self.space = Space(
            memory_bytes=settings.body_memory_bytes,
            disk_bytes=settings.body_disk_bytes,
            on_calm=self._read_on_later,
        )
        self.crowd = Crowd()
        self._trimmer = Trimmer()
        self.streams = Streams(settings.streams)
        # Connections that are not open yet: their clients may take long to encrypt them.
        self._openings: dict[asyncio.Task[None], None] = {}
        self._count = 0
        self._share = Share(self.age)
        self._tls_options = self._encryption() if self.cfg.is_ssl else {}
        # The signals of gunicorn stay: uvloop runs their handlers between two events.
        uvloop.run(self._serve())

    def _encryption(self) -> dict[str, Any]:
        """Return what a connection needs to be encrypted, and how long a client may take for it."""
        return {
            "ssl": sock.ssl_context(self.cfg),
            "ssl_handshake_timeout": self.limits.timeout_seconds,
            "ssl_shutdown_timeout": _TLS_GOODBYE_SECONDS,
        }

    def _open_dispatcher(self) -> "Dispatcher":
        # gunicorn imports this module before the server says where the metrics are kept.
        from service.http.admission import ADMISSION  # noqa: PLC0415
        from service.http.content import is_streamed, may_be_streamed  # noqa: PLC0415
        from service.http.fast_path import FAST_PATH  # noqa: PLC0415
        from service.http.languages import LANGUAGES  # noqa: PLC0415
        from service.http.refusals import REFUSALS  # noqa: PLC0415
        from service.server.dispatch import Dispatcher, Parts, Threads  # noqa: PLC0415

        extensions = self.wsgi.extensions
        self._is_streamed, self._may_be_streamed = is_streamed, may_be_streamed
        self._match = extensions[LANGUAGES].match
        parts = Parts(
            extensions[ADMISSION],
            extensions[REFUSALS],
            extensions.get(FAST_PATH),
            self._open_gateway(),
        )
        parts.admission.scheduler.join(Computing(self.age))
        return Dispatcher(
            parts,
            self._loop,
            threads=Threads(large=self.cfg.threads, streams=self.streams.most),
            is_encrypted=self.cfg.is_ssl,
            keeps_alive=lambda: not self.is_draining,
            count=self._count_request,
        )

    def _open_gateway(self) -> Gateway:
        name = self.sockets[0].getsockname()
        return Gateway(
            self.wsgi,
            address=name[:2] if isinstance(name, tuple) else None,
            scheme="https" if self.cfg.is_ssl else "http",
            is_multiprocess=self.cfg.workers > 1,
        )

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._dispatcher = self._open_dispatcher()
        self._stopping, self._left = asyncio.Event(), asyncio.Event()
        beats = [
            self._loop.create_task(self._repeat(self._beat, _HEARTBEAT_SECONDS)),
            self._loop.create_task(self._repeat(self._look, self._seconds_between_looks())),
        ]
        self._share.set(0)
        for listener in self.sockets:
            listener.setblocking(False)
            self._accept_from(listener)
        await self._stopping.wait()
        await self._drain()
        for beat in beats:
            beat.cancel()
        self._dispatcher.close()
        self.space.close()

    async def _repeat(self, action: Callable[[], None], seconds: float) -> None:
        while True:
            action()
            await asyncio.sleep(seconds)

    def _beat(self) -> None:
        """Tell gunicorn that this worker is alive; end with gunicorn."""
        self.notify()
        self._trimmer.tick(is_busy=self._dispatcher.is_busy)
        if self.ppid != os.getppid():
            self.log.info("The parent of this worker has changed: it ends.")
            self.alive = False
        if not self.alive:
            self._stopping.set()

    def _look(self) -> None:
        """Let every connection see whether its client takes too long."""
        now = self._loop.time()
        for connection in self.crowd:
            connection.check(now)
        self._dispatcher.report(
            connections=self._count,
            max_connections=self.cfg.worker_connections,
            body_memory_bytes=self.space.taken_memory,
        )

    def _seconds_between_looks(self) -> float:
        return min(_MOST_SECONDS_BETWEEN_LOOKS, self.limits.timeout_seconds / _LOOKS)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop, at a signal of gunicorn's."""
        super().handle_exit(sig, frame)
        if hasattr(self, "_stopping"):  # else it is still loading
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def _drain(self) -> None:
        """Answer what is under way, and what waits where the whole server stops.

        Told to stop for new workers' sake, leave what waits in the shared socket to them.
        """
        self.alive = False
        self.is_draining = True
        self._share.withdraw()
        if any(refuses_connections(listener) for listener in self.sockets):
            self._accept_all()
        else:
            for listener in self.sockets:
                self._loop.remove_reader(listener.fileno())
        with suppress(TimeoutError):
            async with asyncio.timeout(self.cfg.graceful_timeout):
                while self._count:
                    self._left.clear()
                    await self._left.wait()
        for connection in self.crowd:
            connection.abort()

    def _accept_all(self) -> None:
        """Accept every connection that waits."""
        before = -1
        while self._count != before:
            before = self._count
            for listener in self.sockets:
                self._accept(listener)

    # How connections come and go.

    def _accept_from(self, listener: Any) -> None:
        self._loop.add_reader(listener.fileno(), self._accept, listener)

    def _accept(self, listener: Any) -> None:
        """Accept what waits, a few at a time."""
        for _ in range(_ACCEPTED_AT_ONCE):
            if self._count >= self.cfg.worker_connections and not self._make_room():
                self._pause(listener, _FULL_SECONDS)
                return
            if self.alive and self._share.leaves_next(self._count):
                self._pause(listener, _LEFT_SECONDS)
                return
            try:
                client, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                # The listener stays readable: without a pause, the loop would do nothing but try.
                self.log.warning("No connection can be accepted: %s.", error.strerror)
                self._pause(listener, _FULL_SECONDS)
                return
            self._change_count(+1)
            remote = address[0] if isinstance(address, tuple) else ""
            opening = self._loop.create_task(self._open(client, remote))
            self._openings[opening] = None
            opening.add_done_callback(lambda done: self._openings.pop(done, None))

    def _read_on_later(self) -> None:
        """Let connections read on that the disk has held up; called in a thread."""
        with suppress(RuntimeError):  # the worker has ended, and its loop is closed
            self._loop.call_soon_threadsafe(self._read_on)

    def _read_on(self) -> None:
        for connection in self.crowd:
            connection.go_on()

    def _make_room(self) -> bool:
        """Close the connection that waits longest for its client; return whether there was one."""
        connection = self.crowd.longest_waiting()
        # What is not encrypted is open within a turn or two of the loop.
        is_held_up = self.cfg.is_ssl and len(self._openings) > self._count // 2
        if connection is not None and not is_held_up:
            connection.make_room()
            return True
        while self.cfg.is_ssl and self._openings:
            opening = next(iter(self._openings))
            # Not left to its end: it would be found here again, and be no room any more.
            del self._openings[opening]
            if opening.cancel():
                return True
        return False

    def _pause(self, listener: Any, seconds: float) -> None:
        """Accept nothing for a while."""
        self._loop.remove_reader(listener.fileno())
        self._loop.call_later(seconds, self._accept_again, listener)

    def _accept_again(self, listener: Any) -> None:
        if self.alive or refuses_connections(listener):
            self._accept_from(listener)

    async def _open(self, client: socket.socket, remote: str) -> None:
        client.setblocking(False)
        connection = partial(Connection, self, self._loop, remote)
        try:
            await self._loop.connect_accepted_socket(connection, client, **self._tls_options)
        except (OSError, asyncio.CancelledError):  # it has left, speaks no TLS, or takes too long
            client.close()
            self._change_count(-1)

    def _change_count(self, more: int) -> None:
        self._count += more
        if self.alive:
            self._share.set(self._count)
        if not self._count:
            self._left.set()

    # What the connections ask for.

    def closed(self, connection: Connection) -> None:  # noqa: ARG002 - as Host's
        """Take note that a connection is closed."""
        self._change_count(-1)

    def locate(self, request: Request) -> None:
        """Find out how a request whose head is whole has come, and which path of ours it asks."""
        if self._proxies.is_needed:
            request.target = self._proxies.strip(request.target)
            request.origin = self._proxies.origin(request.client.remote, request.headers)

    def judge(self, request: Request) -> VitrineError | None:
        """Return why a request is refused before its body arrives; None where it is not."""
        return self._dispatcher.judge(request)

    def reads_while_it_arrives(self, content_type: bytes) -> bool:
        """Tell whether a body of a media type is read while it arrives: a table is."""
        return self._is_streamed(content_type.decode("latin-1"))

    def most_body_bytes(self, request: Request, content_type: bytes) -> int | None:
        """Return how long the body of a request may be; None where another route decides."""
        route = self._match(request.target)
        if route is None:
            return None
        name = content_type.decode("latin-1")
        is_large = route.language.reads_csv and self._may_be_streamed(name)
        return self._max_csv_bytes if is_large else self.limits.max_body_bytes

    def takes(self, connection: Connection, request: Request) -> bool:
        """Take a request that is not to be handed to a thread at once; tell whether it is taken."""
        return self._dispatcher.takes(connection, request)

    def answer_later(self, request: Request, outgoing: Outgoing, *, is_stream: bool) -> None:
        """Let a thread answer a request."""
        on_end = self._end_stream if is_stream else None
        self._dispatcher.run(request, outgoing, on_end=on_end)

    def _end_stream(self) -> None:
        """Give the thread of a stream back; called in that thread."""
        with suppress(RuntimeError):  # the worker has ended, and its loop is closed
            self._loop.call_soon_threadsafe(self.streams.leave)

    def turn_away(self, request: Request, error: VitrineError, *, keeps_alive: bool) -> bytes:
        """Return the answer to a request that is refused before any route sees it."""
        return self._dispatcher.turn_away(request, error, keeps_alive=keeps_alive)

    def refuse(self, refusal: Refusal, remote: str) -> bytes:
        """Return the answer to what is no request."""
        return self._dispatcher.refuse_bytes(refusal, remote)

    def _count_request(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("The worker ends after %d requests.", self.nr)
            self.alive = False
            self._stopping.set()


def _limits(settings: Settings, *, idle_seconds: float) -> Limits:
    return Limits(
        timeout_seconds=settings.body_timeout_seconds,
        idle_seconds=idle_seconds,
        transfer_seconds=settings.transfer_seconds,
        min_bytes_per_second=settings.min_bytes_per_second,
        max_body_bytes=settings.max_body_bytes,
    )
