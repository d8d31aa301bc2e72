"""Bytes between a client and us: a body that arrives, an answer that may leave before its end.

Every request passes `Transfer`, whatever answers it: there it gets its context and its compute
slot, and from there its answer leaves.

This module knows neither the server nor routes nor models.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from flask import Flask, request
from werkzeug.wsgi import get_content_length

from service.admission.scheduler import Scheduler
from service.admission.slots import ComputeSlot
from service.errors import BodyTimeout, BodyTooLarge
from service.http.context import RequestContext, note_route
from service.http.security_headers import missing_headers
from service.telemetry.metrics import Metrics
from service.telemetry.tracing import Tracing
from vitrine.errors import MalformedBody
from vitrine.tables.streams import ArrivingStream, has_arrived

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = "X-Request-Id"

# Name in the environment of the request's compute slot, where the server has one for it.
SLOT = "vitrine.slot"

_KEY = "vitrine.body"
_SLASHES = re.compile("/{2,}")
_PIECE_BYTES = 2**16
# As much as a table needs before its first predictions: its header is in it.
PEEKED_BYTES = 2**15


class AnswerBroken(ConnectionAbortedError):
    """The answer ends incomplete; the server closes the connection without the end mark."""


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class RequestBody:
    """The body of one request: read once, and limited in size.

    Args:
        environ: The request's WSGI environment, whose input ends with the body. The input raises
            `TimeoutError` where the client is silent for too long, and another `OSError` where the
            body will not arrive whole.
        timeout_seconds: Longest silence of the client, for what it is told.
        waiting: Returns what is entered while the body waits for the client.

    Attributes:
        received_bytes: Number of bytes that were read.
        waited_seconds: Time that reading them took.
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
        self._timeout_seconds = timeout_seconds
        self._peeked = b""
        self._limit_bytes: int | None = None
        self._announced_bytes = get_content_length(environ)
        if self._announced_bytes is None and "HTTP_TRANSFER_ENCODING" not in environ:
            self._announced_bytes = 0
        self._is_finished = self._announced_bytes == 0

    def limit(self, max_bytes: int) -> None:
        """Refuse a body of more bytes: now if its length was announced, else while it is read.

        Raises:
            BodyTooLarge: More bytes were announced.
        """
        self._limit_bytes = max_bytes
        if self._announced_bytes is not None and self._announced_bytes > max_bytes:
            raise BodyTooLarge(max_bytes)

    def peek(self) -> bytes:
        """Return the first bytes of a body of which nothing was read yet; `read` returns them too.

        Raises:
            BodyTimeout, MalformedBody: As `read` does.
        """
        if not self._peeked:
            self._peeked = self._receive(PEEKED_BYTES)
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
        return self._is_finished or has_arrived(self._source, size - len(self._peeked))

    def read_all(self) -> bytes:
        """Return the rest of a body that has a limit.

        Raises:
            BodyTooLarge, BodyTimeout, MalformedBody: As `read` does.
        """
        return b"".join(iter(lambda: self._read(_PIECE_BYTES), b""))

    def _receive(self, size: int) -> bytes:
        if self._announced_bytes is not None:
            size = min(size, self._announced_bytes - self.received_bytes)
        pieces: list[bytes] = []
        started = time.perf_counter()
        try:
            while size > 0 and not self._is_finished:
                with nullcontext() if self._has_some() else self._waiting():
                    piece = self._receive_piece(size)
                size -= len(piece)
                pieces.append(piece)
        finally:
            self.waited_seconds += time.perf_counter() - started
        return b"".join(pieces)

    def _has_some(self) -> bool:
        return isinstance(self._source, ArrivingStream) and self._source.has_arrived(1)

    def _receive_piece(self, size: int) -> bytes:
        """Return some bytes, and note where the body ends."""
        try:
            piece = self._source.read(size)
        except TimeoutError:
            self._is_finished = True
            raise BodyTimeout(self._timeout_seconds) from None
        except OSError:
            self._break_off()
        self.received_bytes += len(piece)
        if self._announced_bytes is None:
            self._is_finished = not piece
        elif not piece:
            self._break_off()
        else:
            self._is_finished = self.received_bytes == self._announced_bytes
        return piece

    def _break_off(self) -> NoReturn:
        self._is_finished = True
        raise MalformedBody(f"The body broke off after {self.received_bytes} bytes.") from None


def current_body() -> RequestBody:
    """Return the body of the request that Flask is answering."""
    body: RequestBody = request.environ[_KEY]
    return body


def current_slot() -> ComputeSlot:
    """Return the compute slot of the request that Flask is answering."""
    slot: ComputeSlot = request.environ[SLOT]
    return slot


def install(
    app: Flask, metrics: Metrics, scheduler: Scheduler, tracing: Tracing, *, timeout_seconds: float
) -> None:
    """Let every request of an application pass `Transfer`."""
    app.before_request(note_route)
    app.wsgi_app = Transfer(  # type: ignore[method-assign]
        app.wsgi_app, metrics, scheduler, tracing, timeout_seconds=timeout_seconds
    )


class Transfer:
    """The WSGI middleware that every request and its answer pass.

    Args:
        app: The application.
        metrics: Where requests are counted.
        scheduler: Hands out the compute slots.
        tracing: Begins the traces of requests.
        timeout_seconds: Longest silence of a client.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        metrics: Metrics,
        scheduler: Scheduler,
        tracing: Tracing,
        *,
        timeout_seconds: float,
    ) -> None:
        self._app = app
        self._tracing = tracing
        self._metrics = metrics
        self._scheduler = scheduler
        self._timeout_seconds = timeout_seconds

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, in pieces."""
        # A redirect to the path without them would lose the body of many a client.
        environ["PATH_INFO"] = _SLASHES.sub("/", environ.get("PATH_INFO", ""))
        slot: ComputeSlot = environ.setdefault(SLOT, ComputeSlot(self._scheduler))
        context = RequestContext.from_environ(environ, self._metrics, slot)
        parent, state = environ.get("HTTP_TRACEPARENT"), environ.get("HTTP_TRACESTATE")
        context.follow(self._tracing, parent, state)
        context.waited_since(slot.arrived)
        body = RequestBody(environ, timeout_seconds=self._timeout_seconds, waiting=slot.released)
        environ[_KEY] = body

        def start(
            status: str, headers: list[tuple[str, str]], *rest: Any
        ) -> Callable[[bytes], object]:
            context.status = int(status[:3])
            protection = missing_headers(headers, is_secure=context.is_secure)
            identity = (REQUEST_ID, context.request_id)
            return start_response(status, [*headers, identity, *protection], *rest)

        return _Answer(self._app(environ, start), context, body, slot)


class _Answer:
    """The answer on its way to the server, which calls `close` in any case."""

    def __init__(
        self,
        pieces: Iterable[bytes],
        context: RequestContext,
        body: RequestBody,
        slot: ComputeSlot,
    ) -> None:
        self._pieces = pieces
        self._context = context
        self._body = body
        self._slot = slot

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            yield piece
            self._context.sent_bytes += len(piece)
        self._context.is_complete = True

    def close(self) -> None:
        if hasattr(self._pieces, "close"):
            self._pieces.close()
        self._slot.close()
        self._context.received_bytes = self._body.received_bytes
        self._context.waited_seconds = self._body.waited_seconds
        self._context.finish()
