"""What is known of one request while it is answered: its id, its times, its log line."""

import logging
import re
import secrets
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import request

from service.keys import Key
from service.telemetry.logs import ACCESS, FieldsRecord
from service.telemetry.metrics import METHODS, Metrics
from service.telemetry.observer import PredictionObserver
from service.telemetry.tracing import Recorder, Trace, Tracing
from vitrine.model import Model
from vitrine.observer import Slot

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

UNMATCHED = "unmatched"

_KEY = "vitrine.context"
_SANE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SHOWN_CHARACTERS = 200

_log = logging.getLogger(ACCESS)


class RequestContext:
    """What is known of one request while it is answered.

    Args:
        method: HTTP method, as the client sent it.
        path: Decoded path.
        remote: Address of the client.
        given_id: Id that the client sent; empty where it sent none.
        slot: The request's right to compute.
        observer: Measures the request's predictions, and knows where the request is counted.

    Attributes:
        method: HTTP method, as the client sent it.
        path: Decoded path.
        request_id: Id that the client sent, where it is sane; else a random one.
        slot: The request's right to compute.
        observer: Measures the request's predictions.
        root: Path under which the client sees the service; empty for none.
        is_secure: Whether the client asked over TLS.
        route: Rule that the path matched; never the path itself.
        trace: Place of the request in a trace; None where it is in none.
        key: API key of the request, where keys are asked for and it has a valid one.
        reason: Why the request was refused, or its answer broken off.
        status: HTTP status of the answer.
        received_bytes, sent_bytes: Size of the body and of the answer, as far as they went.
        waited_seconds: Time that receiving the body took.
        queued_seconds: Time that the request waited to be computed.
        is_complete: Whether the whole answer was handed over.
    """

    __slots__ = (
        "_metrics",
        "_recorder",
        "_remote",
        "_seconds",
        "_started",
        "is_complete",
        "is_secure",
        "key",
        "method",
        "observer",
        "path",
        "queued_seconds",
        "reason",
        "received_bytes",
        "request_id",
        "root",
        "route",
        "sent_bytes",
        "slot",
        "status",
        "trace",
        "waited_seconds",
    )

    def __init__(
        self,
        *,
        method: str,
        path: str,
        remote: str,
        given_id: str,
        slot: Slot,
        observer: PredictionObserver,
    ) -> None:
        self._started = time.monotonic()
        self.queued_seconds = 0.0
        self.request_id = given_id if _SANE_ID.fullmatch(given_id) else secrets.token_hex(16)
        self.slot = slot
        self.observer = observer
        self.root = ""
        self.is_secure = False
        self._seconds: float | None = None
        self.route = UNMATCHED
        self.trace: Trace | None = None
        self.key: Key | None = None
        self.reason: str | None = None
        self.status = 0
        self.received_bytes = 0
        self.sent_bytes = 0
        self.waited_seconds = 0.0
        self.is_complete = False
        self._metrics = observer.metrics
        self._recorder: Recorder | None = None
        self.method = method
        self.path = path
        self._remote = remote

    @classmethod
    def from_environ(
        cls, environ: "WSGIEnvironment", metrics: Metrics, slot: Slot
    ) -> "RequestContext":
        """Begin the context of a WSGI request, whose environment keeps it for `current`."""
        # WSGI gives the bytes of a path as characters of Latin-1.
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode(errors="replace")
        context = cls(
            method=environ["REQUEST_METHOD"],
            path=path,
            remote=environ.get("REMOTE_ADDR", ""),
            given_id=environ.get("HTTP_X_REQUEST_ID", ""),
            slot=slot,
            observer=PredictionObserver(metrics),
        )
        context.root = environ.get("SCRIPT_NAME", "")
        context.is_secure = environ.get("wsgi.url_scheme") == "https"
        environ[_KEY] = context
        return context

    def follow(self, tracing: Tracing, parent: str | None, state: str | None) -> None:
        """Take the place in a trace that the client names, or begin a trace where one is kept.

        Args:
            tracing: Begins traces, and knows who keeps them.
            parent: Header `traceparent` of the request.
            state: Header `tracestate`.
        """
        self.trace = tracing.begin(parent, state)
        self._recorder = tracing.recorder

    def waited_since(self, arrived: float) -> None:
        """Take note of when the request had arrived: until now it waited to be computed.

        Args:
            arrived: The moment, by `time.monotonic`.
        """
        self.queued_seconds = self._started - arrived
        self._started = arrived

    def end_once(self) -> None:
        """Take the time, if it was not taken before."""
        if self._seconds is None:
            self.end()

    def end(self) -> None:
        """Take the time: the answer was handed over."""
        self._seconds = time.monotonic() - self._started

    def finish(self) -> None:
        """Count and log the request, which ends now if it has not ended before."""
        finish_together([self])

    def log(self) -> None:
        """Write the log line, and record the span, of a request that has ended."""
        level = logging.ERROR if self.status >= 500 else logging.INFO
        is_logged = _log.isEnabledFor(level)
        recorder = None if self.trace is None else self._recorder
        if not is_logged and recorder is None:
            return
        fields = self._fields()
        if is_logged:
            _log.handle(FieldsRecord(_log.name, level, "request", fields))
        if recorder is not None and self.trace is not None:
            recorder.record(self.trace, fields, is_secure=self.is_secure)

    def kind(self) -> tuple[object, ...]:
        """Return what decides where the request is counted."""
        observer = self.observer
        predicted = observer.instances > 0
        return (
            *(self.route, self.method, self.status, self.reason),
            *(self.key, observer.model, predicted),
        )

    def count(self, alike: Sequence["RequestContext"]) -> None:
        """Count requests of the same kind, of which this is one."""
        metrics, number = self._metrics, len(alike)
        method = self.method if self.method in METHODS else "other"
        metrics.requests.labels(self.route, method, self.status).inc(number)
        metrics.request_duration.labels(self.route).observe_all(each.seconds for each in alike)
        if self.reason is not None:
            metrics.rejected.labels(self.reason).inc(number)
        if self.key is not None:
            metrics.key_requests.labels(self.key.name, self.status).inc(number)
        model = self.observer.model
        if model is None:
            return
        is_failure = self.reason is not None
        metrics.version_request_duration.labels(
            model.name, model.version, "failure" if is_failure else "success"
        ).observe_all(each.seconds for each in alike)
        if self.observer.instances:
            self._count_parts(model, alike)

    def _count_parts(self, model: Model, alike: Sequence["RequestContext"]) -> None:
        metrics, observers = self._metrics, [each.observer for each in alike]
        metrics.decode_duration.labels(model.name).observe_all(
            each.decode_seconds for each in alike
        )
        metrics.inference_duration.labels(model.name, model.version).observe_all(
            each.inference.seconds for each in observers
        )
        metrics.encode_duration.labels(model.name).observe_all(
            each.encode.seconds for each in observers
        )
        metrics.wait_duration.labels().observe_all(each.queued_seconds for each in alike)
        for part, seconds in (
            ("queue", sum(each.queued_seconds for each in alike)),
            ("decode", sum(each.decode_seconds for each in alike)),
            ("encode", sum(each.encode.seconds for each in observers)),
        ):
            metrics.version_seconds.labels(model.name, model.version, part).inc(seconds)
        metrics.last_prediction.labels(model.name, model.version).set(time.time())

    @property
    def seconds(self) -> float:
        """Time from the arrival of the request to its end."""
        return self._seconds or 0.0

    @property
    def decode_seconds(self) -> float:
        """Time to turn bytes into instances, without the wait for the bytes."""
        return max(0.0, self.observer.decode.seconds - self.waited_seconds)

    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "request_id": self.request_id,
            "method": self.method[:_SHOWN_CHARACTERS],
            "route": self.route,
            "path": self.path[:_SHOWN_CHARACTERS],
            "status": self.status,
            "complete": self.is_complete,
            "duration_ms": _milliseconds(self.seconds),
            "receive_ms": _milliseconds(self.waited_seconds),
            "queue_ms": _milliseconds(self.queued_seconds),
            "received_bytes": self.received_bytes,
            "sent_bytes": self.sent_bytes,
            "remote": self._remote,
        }
        if self.trace is not None:
            fields["trace_id"] = self.trace.trace_id
            fields["span_id"] = self.trace.span_id
        if self.key is not None:
            fields["key"] = self.key.name
        if self.reason is not None:
            fields["reason"] = self.reason
        model = self.observer.model
        if model is not None:
            fields["model"] = model.name
            fields["version"] = model.version
            fields["instances"] = self.observer.instances
            fields["decode_ms"] = _milliseconds(self.decode_seconds)
            fields["inference_ms"] = _milliseconds(self.observer.inference.seconds)
            fields["encode_ms"] = _milliseconds(self.observer.encode.seconds)
        return fields


def finish_together(contexts: Sequence[RequestContext]) -> None:
    """Count and log requests, which end now if they have not ended before; all alike in one go."""
    alike: dict[tuple[object, ...], list[RequestContext]] = {}
    for context in contexts:
        context.end_once()
        alike.setdefault(context.kind(), []).append(context)
    for group in alike.values():
        group[0].count(group)
    for context in contexts:
        context.log()


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def current() -> RequestContext:
    """Return the context of the request that Flask is answering."""
    context: RequestContext = request.environ[_KEY]
    return context


def note_route() -> None:
    """Note which rule the request's path matched."""
    if request.url_rule is not None:
        current().route = request.url_rule.rule
