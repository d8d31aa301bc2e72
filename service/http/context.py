"""One request and its answer: id, timing, log line, metrics.

Stands once, outside every language: whatever blueprint answers, each request gets its id, is
timed, counted and logged here, and its answer leaves without blocking a client that still sends.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flask import Flask, request

from service.admission import ComputeSlot, Scheduler
from service.http.transfer import RequestBody, answer_while_receiving
from service.telemetry.metrics import METHODS, Metrics
from vitrine.model import Model

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = "X-Request-Id"
UNMATCHED = "unmatched"

_KEY = "vitrine.exchange"
_SANE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SHOWN_CHARACTERS = 200

_log = logging.getLogger("service.access")


class Stopwatch:
    """Time spent in one part of the work, summed over its turns."""

    __slots__ = ("_started", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.seconds += time.perf_counter() - self._started


class RequestContext:
    """What is known of one request while it is answered.

    Attributes:
        request_id: The client's own where it is sane, else made.
        turn: Its right to compute; given back whenever it waits for its client.
        body: What the client sends.
        route: The rule that matched, never the path.
        model: The version that answers, once it is known.
        instances: How many were predicted.
        reason: Why the request was refused, or its answer broken off.
        decode, inference, encode: Where the time went.
    """

    def __init__(
        self, environ: "WSGIEnvironment", turn: ComputeSlot, *, timeout_seconds: float
    ) -> None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        self.request_id = given if _SANE_ID.fullmatch(given) else secrets.token_hex(16)
        self.turn = turn
        self.body = RequestBody(environ, timeout_seconds=timeout_seconds, on_wait=turn.give)
        self.route = UNMATCHED
        self.model: Model | None = None
        self.instances = 0
        self.reason: str | None = None
        self.decode = Stopwatch()
        self.inference = Stopwatch()
        self.encode = Stopwatch()
        self.status = 0
        self.sent_bytes = 0
        self.is_complete = False
        self.method: str = environ["REQUEST_METHOD"]
        self._path: str = environ.get("PATH_INFO", "")
        self._remote: str = environ.get("REMOTE_ADDR", "")
        self._started = time.perf_counter()

    def finish(self, metrics: Metrics) -> None:
        """Count and log the request, its answer having been handed over."""
        seconds = time.perf_counter() - self._started
        self._count(metrics, seconds)
        level = logging.ERROR if self.status >= 500 else logging.INFO
        if _log.isEnabledFor(level):
            _log.log(level, "request", extra={"fields": self._fields(seconds)})

    def _count(self, metrics: Metrics, seconds: float) -> None:
        method = self.method if self.method in METHODS else "other"
        metrics.requests.labels(self.route, method, self.status).inc()
        metrics.request_duration.labels(self.route).observe(seconds)
        if self.reason is not None:
            metrics.rejected.labels(self.reason).inc()
        if self.model is not None and self.instances:
            name, version = self.model.name, self.model.version
            metrics.decode_duration.labels(name).observe(self._decode_seconds)
            metrics.inference_duration.labels(name, version).observe(self.inference.seconds)
            metrics.encode_duration.labels(name).observe(self.encode.seconds)

    @property
    def _decode_seconds(self) -> float:
        return max(0.0, self.decode.seconds - self.body.waited_seconds)

    def _fields(self, seconds: float) -> dict[str, Any]:
        path = self._path.encode("latin-1", "replace").decode(errors="replace")
        fields = {
            "request_id": self.request_id,
            "method": self.method[:_SHOWN_CHARACTERS],
            "route": self.route,
            "path": path[:_SHOWN_CHARACTERS],
            "status": self.status,
            "complete": self.is_complete,
            "duration_ms": _milliseconds(seconds),
            "receive_ms": _milliseconds(self.body.waited_seconds),
            "received_bytes": self.body.received_bytes,
            "sent_bytes": self.sent_bytes,
            "remote": self._remote,
        }
        if self.reason is not None:
            fields["reason"] = self.reason
        if self.model is not None:
            fields |= {
                "model": self.model.name,
                "version": self.model.version,
                "instances": self.instances,
                "decode_ms": _milliseconds(self._decode_seconds),
                "inference_ms": _milliseconds(self.inference.seconds),
                "encode_ms": _milliseconds(self.encode.seconds),
            }
        return fields


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def current() -> RequestContext:
    """Return the exchange of the request that Flask is answering."""
    exchange: RequestContext = request.environ[_KEY]
    return exchange


def install(app: Flask, metrics: Metrics, scheduler: Scheduler, *, timeout_seconds: float) -> None:
    """Put an exchange around every request of an application."""
    app.before_request(_note_route)
    app.wsgi_app = _Exchanges(  # type: ignore[method-assign]
        app.wsgi_app, metrics, scheduler, timeout_seconds=timeout_seconds
    )


def _note_route() -> None:
    if request.url_rule is not None:
        current().route = request.url_rule.rule


class _Exchanges:
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
        turn = self._scheduler.turn()
        exchange = RequestContext(environ, turn, timeout_seconds=self._timeout_seconds)
        environ[_KEY] = exchange

        def start(
            status: str, headers: list[tuple[str, str]], *rest: Any
        ) -> Callable[[bytes], object]:
            exchange.status = int(status[:3])
            return start_response(status, [*headers, (REQUEST_ID, exchange.request_id)], *rest)

        return _Answer(self._app(environ, start), exchange, self._metrics)


class _Answer:
    """The answer on its way to the server, which calls `close` in any case."""

    def __init__(self, pieces: Iterable[bytes], exchange: RequestContext, metrics: Metrics) -> None:
        self._pieces = pieces
        self._exchange = exchange
        self._metrics = metrics

    def __iter__(self) -> Iterator[bytes]:
        exchange = self._exchange
        for piece in answer_while_receiving(self._pieces, exchange.body):
            exchange.turn.give()
            yield piece
            exchange.sent_bytes += len(piece)
        exchange.is_complete = True

    def close(self) -> None:
        if hasattr(self._pieces, "close"):
            self._pieces.close()
        self._exchange.turn.give()
        self._exchange.finish(self._metrics)
        self._exchange.body.discard()
