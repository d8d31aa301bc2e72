"""Traces through the real server: taken from clients, in the log, and sent to a collector."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.fakes import picture, table
from tests.servers import ROOT, Server, serving

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
STROKES = "/models/strokes/predict"


class Collector(ThreadingHTTPServer):
    """Receives spans by OTLP over HTTP.

    Attributes:
        spans: Every span, as a dictionary of its parts.
        hangs: Whether it answers nobody until it is closed.
    """

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: list[dict[str, Any]] = []
        self.hangs = hangs
        self.asked = threading.Event()
        self.closed = threading.Event()

    @property
    def url(self) -> str:
        """Where spans are sent."""
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.set()
        if self.server.hangs:
            self.server.closed.wait()
            return
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += [_parts(span, resource.resource) for span in scope.spans]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _parts(span: Any, resource: Any) -> dict[str, Any]:
    attributes = {
        each.key: each.value.string_value or each.value.int_value
        for each in [*resource.attributes, *span.attributes]
    }
    return {
        "name": span.name,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex(),
        "state": span.trace_state,
        "kind": span.kind,
        "status": span.status.code,
        "seconds": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        **attributes,
    }


@contextmanager
def collecting(*, hangs: bool = False) -> Iterator[Collector]:
    """Receive spans until the block ends."""
    collector = Collector(hangs=hangs)
    thread = threading.Thread(target=collector.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.closed.set()
        collector.shutdown()
        collector.server_close()


def ask(
    server: Server, path: str, body: bytes | None = None, *, method: str = "POST", flags: str = "01"
) -> int:
    """Send a request of a trace, and return the status of its answer."""
    headers = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-{flags}", "tracestate": "vendor=1"}
    with closing(server.connect()) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status


def test_requests_of_both_ways_become_spans_and_none_is_lost_at_the_end(published: Path) -> None:
    with (
        collecting() as collector,
        serving(models=published, workers=2, otlp_endpoint=collector.url) as server,
    ):
        statuses = [
            ask(server, STROKES, picture()),
            ask(server, "/models/rooms/predict", table(1)),
            ask(server, "/nowhere", method="PURGE"),
            ask(server, STROKES, picture(), flags="00"),
        ]
        with closing(server.connect()) as connection:
            connection.request("GET", "/models/rooms")
            connection.getresponse().read()

    assert statuses == [200, 200, 404, 200]
    spans = [span for span in collector.spans if span["url.path"] != "/readyz"]
    by_path = {span["url.path"]: span for span in spans}
    assert len(spans) == len(by_path) == 4  # one was not to be sampled
    fast, ordinary = by_path[STROKES], by_path["/models/rooms/predict"]
    for span in (fast, ordinary):
        assert span["name"] == "POST /models/<name>/predict"
        assert (span["trace_id"], span["parent_id"]) == (TRACE_ID, PARENT_ID)
        assert (span["state"], span["kind"], span["status"]) == ("vendor=1", 2, 0)
        assert span["http.request.method"] == "POST"
        assert span["http.route"] == "/models/<name>/predict"
        assert span["http.response.status_code"] == 200
        assert (span["url.scheme"], span["client.address"]) == ("http", "127.0.0.1")
        assert (span["service.name"], span["vitrine.model.version"]) == ("vitrine", 1)
        assert 0 < span["seconds"] < 60
    unknown, new = by_path["/nowhere"], by_path["/models/rooms"]
    assert (unknown["name"], unknown["http.request.method"]) == ("HTTP", "_OTHER")
    assert "http.route" not in unknown
    assert new["trace_id"] not in {"", TRACE_ID}
    assert new["parent_id"] == ""
    assert len({span["span_id"] for span in spans}) == 4


def test_collector_that_hangs_delays_neither_requests_nor_the_end(published: Path) -> None:
    with (
        collecting(hangs=True) as collector,
        serving(models=published, workers=1, otlp_endpoint=collector.url) as server,
    ):
        for _ in range(600):  # more than are sent at once
            assert ask(server, STROKES, picture()) == 200
        assert collector.asked.wait(30)

        assert ask(server, STROKES, picture()) == 200

    assert collector.spans == []


def test_log_names_the_trace(published: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(models=published, workers=1, log_level="INFO") as server:
        ask(server, STROKES, picture())
        ask(server, "/models/rooms", method="GET")

    text = capfd.readouterr().out
    lines = [
        json.loads(line) for line in re.findall(r"^\{.*service\.access.*\}$", text, re.MULTILINE)
    ]
    traced = [line for line in lines if "trace_id" in line]
    assert [line["path"] for line in traced] == [STROKES, "/models/rooms"]
    assert {line["trace_id"] for line in traced} == {TRACE_ID}
    assert len({line["span_id"] for line in traced} - {PARENT_ID}) == 2


def test_nothing_of_opentelemetry_is_imported_without_a_collector(published: Path) -> None:
    program = (
        "import sys; from service.wsgi import app; "
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'requests'))])"
    )

    output = subprocess.check_output(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"VITRINE_MODELS": str(published)},
        text=True,
    )

    assert output.splitlines()[-1] == "[]"


def test_missing_library_is_said_in_one_sentence(published: Path, tmp_path: Path) -> None:
    (tmp_path / "opentelemetry.py").write_text("")
    environment = {
        "VITRINE_MODELS": str(published),
        "VITRINE_OTLP_ENDPOINT": "http://127.0.0.1:1/v1/traces",
        "PYTHONPATH": str(tmp_path),
    }

    ended = subprocess.run(
        [sys.executable, "-m", "service", "serve"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode != 0
    assert "VITRINE_OTLP_ENDPOINT needs OpenTelemetry" in ended.stdout + ended.stderr
