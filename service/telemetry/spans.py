"""Finished requests -> spans of OpenTelemetry, sent to a collector by OTLP over HTTP.

This is the only module that knows OpenTelemetry. It is imported where a setting names a collector.

References:
    OpenTelemetry, Semantic conventions for HTTP spans, 1.23 and later.
"""

import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from service.telemetry.metrics import METHODS
from service.telemetry.tracing import Trace

# A collector that does not answer is given up after this time, by the thread that sends.
_SEND_SECONDS = 5.0
_STOP_SECONDS = 3.0
_SERVER_ERRORS = 500
_UNMATCHED = "unmatched"
# Fields of the log line, and the attributes that they become.
_ATTRIBUTES = {
    "status": "http.response.status_code",
    "path": "url.path",
    "remote": "client.address",
    "received_bytes": "http.request.body.size",
    "sent_bytes": "http.response.body.size",
    "request_id": "vitrine.request.id",
    "model": "vitrine.model.name",
    "version": "vitrine.model.version",
    "instances": "vitrine.instances",
    "key": "vitrine.key.name",
}
_SCOPE = InstrumentationScope("vitrine")


class Spans:
    """Sends finished requests as spans, in batches and in a thread of its own.

    A request never waits for it. Where the collector does not answer, up to 2048 spans are kept,
    and the oldest fall out.

    Args:
        endpoint: Address of the collector, with its path.
    """

    def __init__(self, endpoint: str) -> None:
        named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "vitrine")}
        self._resource = Resource.create({**named, "process.pid": os.getpid()})
        self._processor = BatchSpanProcessor(
            OTLPSpanExporter(endpoint=endpoint, timeout=_SEND_SECONDS)
        )

    def record(self, trace: Trace, fields: Mapping[str, Any], *, is_secure: bool) -> None:
        """Keep a request to be sent, and return at once.

        Args:
            trace: Its place in a trace.
            fields: The fields of its log line.
            is_secure: Whether the client asked over TLS.
        """
        if trace.is_sampled:
            self._processor.on_end(self._span(trace, fields, is_secure=is_secure))

    def stop(self) -> None:
        """Send what was not sent yet, in a few seconds."""
        stopping = threading.Thread(target=self._processor.shutdown, daemon=True)
        stopping.start()
        stopping.join(_STOP_SECONDS)

    def _span(self, trace: Trace, fields: Mapping[str, Any], *, is_secure: bool) -> ReadableSpan:
        method = fields["method"] if fields["method"] in METHODS else None
        route = fields["route"] if fields["route"] != _UNMATCHED else None
        attributes = {name: fields[field] for field, name in _ATTRIBUTES.items() if field in fields}
        attributes["http.request.method"] = method or "_OTHER"
        attributes["url.scheme"] = "https" if is_secure else "http"
        if route is not None:
            attributes["http.route"] = route
        ended = time.time_ns()
        has_failed = fields["status"] >= _SERVER_ERRORS
        if has_failed:
            attributes["error.type"] = fields.get("reason") or str(fields["status"])
        return ReadableSpan(
            name=" ".join(filter(None, (method or "HTTP", route))),
            context=_context(trace, trace.span_id, is_remote=False),
            parent=_context(trace, trace.parent_id, is_remote=True) if trace.parent_id else None,
            resource=self._resource,
            attributes=attributes,
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR if has_failed else StatusCode.UNSET),
            start_time=ended - int(fields["duration_ms"] * 1e6),
            end_time=ended,
            instrumentation_scope=_SCOPE,
        )


def _context(trace: Trace, span_id: str, *, is_remote: bool) -> SpanContext:
    return SpanContext(
        int(trace.trace_id, 16),
        int(span_id, 16),
        is_remote=is_remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState.from_header([trace.state]) if trace.state else None,
    )
