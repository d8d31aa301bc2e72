"""Bytes between a client and us: a body that arrives, an answer that may leave before its end.

Every request passes `Transfer`, whatever answers it: there it gets its context and its compute
slot, and from there its answer leaves.

Most clients read no byte of the answer before they have sent their whole body. A server that
writes the answer meanwhile waits for such a client, and the client for the server, as soon as the
buffers between them are full. `answer_while_receiving` never lets it come to that.

This module knows the server's socket where there is one, and neither routes nor models.
"""

import contextlib
import re
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from flask import Flask, request
from gunicorn.http.errors import ParseException
from werkzeug.wsgi import get_content_length

from service.admission import Scheduler
from service.errors import BodyTimeout, BodyTooLarge
from service.http.context import RequestContext, note_route
from service.telemetry.metrics import Metrics
from vitrine.errors import MalformedBody, VitrineError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = "X-Request-Id"

_KEY = "vitrine.body"
_SLASHES = re.compile("/{2,}")
# Any socket that says it is writable takes this much without waiting, whatever its buffer's size.
_CAREFUL_BYTES = 4096
# One piece must leave within the timeout: small enough for a slow reader, large enough to be quick.
_PIECE_BYTES = 2**16
_SPOOL_MEMORY_BYTES = 2**20
# As much as a table needs before its first predictions: its header is in it.
_PEEKED_BYTES = 2**15
# Bytes that nobody needs are still received: the client would see a reset, not the answer.
_MAX_DISCARDED_BYTES = 2**30


class AnswerBroken(ConnectionAbortedError):
    """The answer ends incomplete; the server closes the connection without the end mark."""


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class RequestBody:
    """The body of one request: read once, with a limit on its size and on the client's silence.

    Args:
        environ: The request's WSGI environment.
        timeout_seconds: Longest silence of the client while the body is received.
        waiting: Returns what is entered while the body waits for the client.

    Attributes:
        received_bytes: Number of bytes that were read.
        waited_seconds: Time that reading them took.
        is_finished: Whether nothing more of the body will be read.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        *,
        timeout_seconds: float,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._waiting = waiting
        self.received_bytes = 0
        self.waited_seconds = 0.0
        self._source: _Source = environ["wsgi.input"]
        self._socket: socket.socket | None = environ.get("gunicorn.socket")
        self._timeout_seconds = timeout_seconds
        self._peeked = b""
        self._limit_bytes: int | None = None
        self._discard_deadline: float | None = None
        self._expected_bytes = get_content_length(environ)
        if self._expected_bytes is None and "HTTP_TRANSFER_ENCODING" not in environ:
            self._expected_bytes = 0
        self.is_finished = self._expected_bytes == 0
        if self._socket is not None:
            self._socket.settimeout(timeout_seconds)

    def limit(self, max_bytes: int) -> None:
        """Refuse a body of more bytes: now if its length was announced, else while it is read.

        Raises:
            BodyTooLarge: More bytes were announced.
        """
        self._limit_bytes = max_bytes
        if self._expected_bytes is not None and self._expected_bytes > max_bytes:
            raise BodyTooLarge(max_bytes)

    def peek(self) -> bytes:
        """Return the first bytes of a body of which nothing was read yet; `read` returns them too.

        Raises:
            BodyTimeout, MalformedBody: As `read` does.
        """
        if not self._peeked:
            self._peeked = self._receive(_PEEKED_BYTES)
        return self._peeked

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, fewer than `size` only at the end.

        Raises:
            BodyTooLarge: More bytes than the limit arrived.
            BodyTimeout: No byte arrived for `timeout_seconds`.
            MalformedBody: The connection broke, or the body breaks the rules of HTTP.
        """
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data, self._peeked = self._peeked[:size], self._peeked[size:]
        if len(data) < size:
            data += self._receive(size - len(data))
        if self._limit_bytes is not None and self.received_bytes > self._limit_bytes:
            raise BodyTooLarge(self._limit_bytes)
        return data

    def has_arrived(self, size: int) -> bool:
        """Tell whether so many bytes, or all that are left, can be read without waiting."""
        if self.is_finished or len(self._peeked) >= size or self._socket is None:
            return True
        return bool(_poll(self._socket, select.POLLIN, 0))

    def read_all(self) -> bytes:
        """Return the rest of a body that has a limit.

        Raises:
            BodyTooLarge, BodyTimeout, MalformedBody: As `read` does.
        """
        return b"".join(iter(lambda: self._read(_PIECE_BYTES), b""))

    def discard(self) -> None:
        """Read on for a while, so that a client that is still sending can read its answer."""
        while not self.is_finished:
            self.discard_piece()

    def discard_piece(self) -> None:
        """Read a piece and drop it, or finish where that was done for long enough."""
        now = time.monotonic()
        if self._discard_deadline is None:
            self._discard_deadline = now + self._timeout_seconds
        if now > self._discard_deadline or self._is_hopeless():
            self.is_finished = True
            return
        with contextlib.suppress(VitrineError):
            self._receive(_CAREFUL_BYTES)

    def _is_hopeless(self) -> bool:
        return (self._expected_bytes or 0) - self.received_bytes > _MAX_DISCARDED_BYTES

    def _receive(self, size: int) -> bytes:
        if self.is_finished:
            return b""
        if self._expected_bytes is not None:
            size = min(size, self._expected_bytes - self.received_bytes)
        started = time.perf_counter()
        try:
            with self._waiting():
                data = self._source.read(size)
        except TimeoutError:
            self.is_finished = True
            raise BodyTimeout(self._timeout_seconds) from None
        except (OSError, ParseException):
            self._break_off()
        finally:
            self.waited_seconds += time.perf_counter() - started
        self.received_bytes += len(data)
        self._finish(is_short=len(data) < size)
        return data

    def _finish(self, *, is_short: bool) -> None:
        if self._expected_bytes is None:
            self.is_finished = is_short
        elif is_short:
            self._break_off()
        else:
            self.is_finished = self.received_bytes == self._expected_bytes

    def _break_off(self) -> NoReturn:
        self.is_finished = True
        raise MalformedBody(f"The body broke off after {self.received_bytes} bytes.") from None

    def wait(self) -> bool:
        """Wait until the client sends or takes bytes; return whether it takes some.

        Raises:
            AnswerBroken: It did neither for `timeout_seconds`.
        """
        if self._socket is None:
            return True
        events = _poll(self._socket, select.POLLIN | select.POLLOUT, self._timeout_seconds)
        if not events:
            raise AnswerBroken
        return bool(events & ~select.POLLIN)


def current_body() -> RequestBody:
    """Return the body of the request that Flask is answering."""
    body: RequestBody = request.environ[_KEY]
    return body


def install(app: Flask, metrics: Metrics, scheduler: Scheduler, *, timeout_seconds: float) -> None:
    """Let every request of an application pass `Transfer`."""
    app.before_request(note_route)
    app.wsgi_app = Transfer(  # type: ignore[method-assign]
        app.wsgi_app, metrics, scheduler, timeout_seconds=timeout_seconds
    )


class Transfer:
    """The WSGI middleware that every request and its answer pass.

    Args:
        app: The application.
        metrics: Where requests are counted.
        scheduler: Hands out the compute slots.
        timeout_seconds: Longest silence of a client.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        metrics: Metrics,
        scheduler: Scheduler,
        *,
        timeout_seconds: float,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._scheduler = scheduler
        self._timeout_seconds = timeout_seconds

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, in pieces."""
        # A redirect to the path without them would lose the body of many a client.
        environ["PATH_INFO"] = _SLASHES.sub("/", environ.get("PATH_INFO", ""))
        slot = self._scheduler.slot()
        context = RequestContext.from_environ(environ, self._metrics, slot)
        body = RequestBody(environ, timeout_seconds=self._timeout_seconds, waiting=slot.released)
        environ[_KEY] = body

        def start(
            status: str, headers: list[tuple[str, str]], *rest: Any
        ) -> Callable[[bytes], object]:
            context.status = int(status[:3])
            return start_response(status, [*headers, (REQUEST_ID, context.request_id)], *rest)

        return _Answer(self._app(environ, start), context, body)


class _Answer:
    """The answer on its way to the server, which calls `close` in any case."""

    def __init__(self, pieces: Iterable[bytes], context: RequestContext, body: RequestBody) -> None:
        self._pieces = pieces
        self._context = context
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for piece in answer_while_receiving(self._pieces, self._body):
            yield piece
            self._context.sent_bytes += len(piece)
        self._context.is_complete = True

    def close(self) -> None:
        if hasattr(self._pieces, "close"):
            self._pieces.close()
        self._context.received_bytes = self._body.received_bytes
        self._context.waited_seconds = self._body.waited_seconds
        self._context.finish()
        self._body.discard()


def answer_while_receiving(answer: Iterable[bytes], body: RequestBody) -> Iterator[bytes]:
    """Yield an answer, and never wait for a client that is itself waiting to send its body.

    While the body is coming in, a piece leaves only when the client takes it, and waits in a
    file until then.

    Args:
        answer: Pieces of the answer; making them may read the body.
        body: The request's body.

    Raises:
        AnswerBroken: As `answer` did, after everything before it was yielded; or the client
            neither sent nor took a byte for too long.
    """
    broken: AnswerBroken | None = None
    with contextlib.closing(_Spool()) as spool:
        try:
            for piece in answer:
                spool.append(piece)
                yield from _taken(spool, body)
        except AnswerBroken as error:
            broken = error
        while spool:
            yield from _taken(spool, body)
            if spool:
                body.discard_piece()
    if broken is not None:
        raise broken


def _taken(spool: "_Spool", body: RequestBody) -> Iterator[bytes]:
    """Yield from the spool until it is empty, or until the client has more to send."""
    while spool and (body.is_finished or body.wait()):
        yield spool.take(_PIECE_BYTES if body.is_finished else _CAREFUL_BYTES)


class _Spool:
    """Bytes on their way, first in, first out; beyond a megabyte they lie on disk."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_SPOOL_MEMORY_BYTES)  # noqa: SIM115 - closed by close()
        self._taken = 0
        self._appended = 0

    def __len__(self) -> int:
        return self._appended - self._taken

    def append(self, piece: bytes) -> None:
        self._file.seek(self._appended)
        self._appended += self._file.write(piece)

    def take(self, size: int) -> bytes:
        self._file.seek(self._taken)
        piece = self._file.read(size)
        self._taken += len(piece)
        if not self:
            self._file.seek(0)
            self._file.truncate()
            self._taken = self._appended = 0
        return piece

    def close(self) -> None:
        self._file.close()


def _poll(connection: socket.socket, events: int, timeout_seconds: float) -> int:
    poller = select.poll()
    poller.register(connection, events)
    return next((found for _, found in poller.poll(timeout_seconds * 1000)), 0)
