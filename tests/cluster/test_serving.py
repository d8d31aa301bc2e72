"""Tests of the service in replicas of Ray Serve, and of what a lost replica or node costs."""

import http.client
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.ray_serve import (
    PORT,
    QUESTION,
    REPLICAS,
    Deployed,
    calling_all,
    deployed,
    lose_node,
    lose_replica,
    scraped,
    until,
    upgrade,
    write_models,
)
from tests.prometheus import discovering
from tests.servers import ROOT, Server, serving

_LIMITS: dict[str, Any] = {
    "max_body_bytes": 100_000,
    "max_csv_bytes": 50_000_000,
    "body_timeout_seconds": 2,
}
_JSON = "application/json"
_SEVEN = (ROOT / "examples/seven.png").read_bytes()
_HOUSES = (ROOT / "examples/houses.csv").read_bytes()
# These name the server, the moment and the connection.
_OWN_HEADERS = {"date", "server", "connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True, slots=True)
class _Ask:
    """A request."""

    path: str
    body: bytes | None = None
    media_type: str = ""
    method: str = ""
    accept: str = "*/*"
    timeout: str = "60"


_ASKED = {
    "alive": _Ask("/livez"),
    "ready": _Ask("/readyz"),
    "v1 status": _Ask("/v1/models/digits"),
    "v2 description": _Ask("/v2/models/digits"),
    "picture": _Ask("/models/digits/predict", _SEVEN, "image/png"),
    "parameter": _Ask("//models/digits/predict?coverage=0.99", _SEVEN, "image/png"),
    "table": _Ask("/models/housing/predict", _HOUSES, "text/csv"),
    "table as JSON": _Ask("/models/housing/predict", _HOUSES, "text/csv", accept="text/html"),
    "v1": _Ask("/v1/models/digits:predict", b'{"instances":[{"b64":"AA=="}]}', _JSON),
    "v2 malformed": _Ask("/v2/models/digits/infer", b"{", _JSON),
    "invocations": _Ask("/invocations", b"{}", _JSON),
    "too late": _Ask("/models/digits/predict", _SEVEN, "image/png", timeout="1e-9"),
    "no time": _Ask("/models/digits/predict", _SEVEN, "image/png", timeout="x"),
    "too large": _Ask("/models/digits/predict", bytes(100_001), "image/png"),
    "unread format": _Ask("/models/digits/predict", b"?", "video/mp4"),
    "bad row": _Ask("/models/housing/predict", _HOUSES.replace(b"-122", b"x"), "text/csv"),
    "unknown model": _Ask("/models/nobody/predict", b"?", "image/png"),
    "odd path": _Ask("/models/%ff/predict", b"?", "image/png"),
    "unknown path": _Ask("/nowhere"),
    "method": _Ask("/livez", method="DELETE"),
    "head": _Ask("/livez", method="HEAD"),
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a client sees of an answer."""

    status: int
    headers: list[tuple[str, list[str]]]
    body: bytes


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two of the shipped models, and two versions of one made by code."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("digits", "housing"):
        shutil.copytree(ROOT / "models" / name, folder / name)
    write_models(folder)
    return folder


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Deployed]:
    """Serve on Ray Serve; the last test takes a node away."""
    folder = tmp_path_factory.mktemp("serve")
    with deployed(folder, models, versions="1", **_LIMITS) as one:
        yield one


@pytest.fixture(scope="module")
def gunicorn(models: Path) -> Iterator[Server]:
    """Serve the same models by the service's own server."""
    # As a replica has one.
    one_core = {"PYTHON_CPU_COUNT": "1"}
    with serving(environment=one_core, workers=1, models=models, versions="1", **_LIMITS) as server:
        yield server


def _send(connection: http.client.HTTPConnection, ask: _Ask) -> _Answer:
    method = ask.method or ("GET" if ask.body is None else "POST")
    headers = {"X-Request-Id": "a-1", "Content-Type": ask.media_type, "Accept": ask.accept}
    headers |= {"X-Request-Timeout": ask.timeout, "Host": "vitrine.example"}
    with closing(connection):
        connection.request(method, ask.path, ask.body, headers)
        answer = connection.getresponse()
        told = [(name.lower(), sorted(value.split(", "))) for name, value in answer.getheaders()]
        seen = sorted(pair for pair in told if pair[0] not in _OWN_HEADERS)
        return _Answer(answer.status, seen, answer.read())


def _ask_both(service: Deployed, gunicorn: Server, ask: _Ask) -> tuple[_Answer, _Answer]:
    address = service.cluster.head.address
    return (
        _send(http.client.HTTPConnection(address, PORT, timeout=60), ask),
        _send(gunicorn.connect(), ask),
    )


@pytest.mark.parametrize("name", _ASKED)
def test_replica_answers_as_gunicorn_does(service: Deployed, gunicorn: Server, name: str) -> None:
    answer, expected = _ask_both(service, gunicorn, _ASKED[name])
    assert answer == expected


def test_large_table_passes_both_ways(service: Deployed, gunicorn: Server) -> None:
    header, _, rows = _HOUSES.partition(b"\n")
    ask = _Ask("/models/housing/predict", header + b"\n" + rows * 10_000, "text/csv")
    answer, expected = _ask_both(service, gunicorn, ask)
    assert answer == expected
    assert answer.body.count(b"\n") == 60_001


def test_silent_client_is_refused(service: Deployed) -> None:
    with socket.create_connection((service.cluster.head.address, PORT), timeout=60) as client:
        client.sendall(
            b"POST /models/digits/predict HTTP/1.1\r\nHost: test\r\nContent-Type: image/png\r\n"
            b"Content-Length: 1000\r\n\r\nfew"
        )
        head, _, body = client.recv(2**16).partition(b"\r\n\r\n")
        body = body or client.recv(2**16)
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["title"] == "Body timeout"


def test_prometheus_sees_each_replica(service: Deployed) -> None:
    address = service.cluster.head.address
    with discovering(f"http://{address}:{PORT}/metrics/targets") as prometheus:
        until(lambda: len(prometheus.ask("vitrine_models", "replica")) == REPLICAS)
        with calling_all(service) as calls:
            calls.wait(50)
        asked = sum(
            scraped(target, "vitrine_requests_total", route="/models/<name>/predict")
            for target in service.targets()
        )
        assert asked >= len(calls.requests)
        assert set(prometheus.ask("up == 1", "node")) == {
            labels["node"] for labels in service.targets().values()
        }


def test_upgrade_loses_no_request(service: Deployed) -> None:
    folders = service.folders()
    calls, later = upgrade(service, versions="latest:1", **_LIMITS)
    assert not calls.failed
    assert {request.version for request in calls.requests} == {"1", "2"}
    assert {request.version for request in later} == {"2"}
    assert not [folder for folder in folders if folder.exists()]


def _answering(address: str) -> str:
    ask = _Ask(QUESTION.path, QUESTION.body, QUESTION.content_type)
    answer = _send(http.client.HTTPConnection(address, PORT, timeout=60), ask)
    return dict(answer.headers)["x-model-version"][0]


def test_rollback_reaches_each_replica(service: Deployed) -> None:
    url = f"http://127.0.0.1:{PORT}"
    service.cluster.run(["vitrine", "rollback", "strokes", "--url", url], capture_output=True)
    addresses = service.addresses()
    until(lambda: {_answering(address) for address in addresses} == {"1"})


def test_lost_replica_costs_only_what_it_was_answering(service: Deployed) -> None:
    assert not lose_replica(service)


def test_lost_node_costs_only_what_it_was_answering(service: Deployed) -> None:
    assert not lose_node(service)
