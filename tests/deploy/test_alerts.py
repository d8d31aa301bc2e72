"""The alerts: each fires when what it tells of happens to a real server, and else is silent."""

import json
import os
import resource
import shutil
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]
from PIL import Image

from tests import houses
from tests.prometheus import RULES, Prometheus, hurried, watching
from tests.servers import ROOT, Server, serving
from tests.soak.ballast import add_ballast
from tests.traffic import until

# More than may wait. On a busy machine the network is slower; it must not count as a long job.
REQUESTS = 400
PASS_SECONDS = 0.012
CONNECTIONS = 500
ROWS = 1000
PAUSE_SECONDS = 0.5
ROW = json.dumps(
    {
        "instances": [
            {
                "longitude": -122.41,
                "latitude": 37.76,
                "housing_median_age": 48,
                "total_rooms": 2100,
                "total_bedrooms": 455,
                "population": 1020,
                "households": 430,
                "median_income": 5.2,
                "ocean_proximity": "NEAR BAY",
            }
        ]
    }
).encode()


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts that we ship, by their names."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = (rule for group in groups for rule in group["rules"])
    return {rule["alert"]: rule for rule in rules if "alert" in rule}


@pytest.mark.parametrize("name", alerts())
def test_alert_leads_to_what_is_to_be_done(name: str) -> None:
    page, _, anchor = alerts()[name]["annotations"]["runbook"].partition("#")

    assert anchor == name.lower()
    assert f"\n### {name}\n" in (ROOT / page).read_text()


@dataclass(frozen=True, slots=True)
class Watched:
    """A server to which bad things happen, one to which none do, and who watches both."""

    sick: Server
    healthy: Server
    models: Path
    prometheus: Prometheus

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> int:
        """Send the sick server a request on a connection of its own."""
        return ask(self.sick, path, body, **headers)


def ask(server: Server, path: str, body: bytes | None = None, **headers: str) -> int:
    """Send a request on a connection of its own, and return the status of the answer."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(server.connect()) as connection:
        connection.request("GET" if body is None else "POST", path, body, given)
        answer = connection.getresponse()
        answer.read()
        return answer.status


@pytest.fixture(scope="module")
def watched(programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Serve a quick model and a slow one, and look at the servers and the rules every second."""
    models = tmp_path_factory.mktemp("alerts") / "models"
    shutil.copytree(houses.HOUSING, models / "housing/1")
    shutil.copytree(ROOT / "models/digits/1", models / "digits/1")
    add_ballast(models, houses.HOUSING, "slow", seconds=PASS_SECONDS)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        healthy = stack.enter_context(serving(workers=1))
        patch.setenv("GUNICORN_CMD_ARGS", f"--worker-connections {CONNECTIONS}")
        sick = stack.enter_context(
            serving(models=models, workers=1, log_level="INFO", log=Path("/dev/full"))
        )
        servers = {"sick": [sick], "healthy": [healthy]}
        prometheus = stack.enter_context(watching(servers, hurried(RULES.read_text())))
        yield Watched(sick, healthy, models, prometheus)


# What happens to the sick server, by the name of the alert that tells of it. Each is done again and
# again, until the alert fires.


def _send_too_much(watched: Watched) -> None:
    head = b"POST /models/slow/predict HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ROW)
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(_connect(watched))) for _ in range(REQUESTS)]
        for client in clients:
            client.sendall(head + ROW)
        for client in clients:
            while client.recv(2**16):
                pass


def _connect(watched: Watched) -> socket.socket:
    return socket.create_connection(("127.0.0.1", watched.sick.port), timeout=60)


def _ask_for_haste(watched: Watched) -> None:
    for _ in range(5):
        watched.ask(
            "/models/slow/predict",
            ROW,
            Content_Type="application/json",
            X_Request_Timeout="0.001",
        )


def _leave(watched: Watched) -> None:
    head = b"POST /models/slow/predict HTTP/1.1\r\nHost: here\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ROW)
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(closing(_connect(watched)))
            # Closing resets the connection, which the server notices at once.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(head + ROW)


def _take_the_memory_away(watched: Watched) -> None:
    (worker,) = watched.sick.workers()
    used = int(Path(f"/proc/{worker}/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.prlimit(worker, resource.RLIMIT_AS)
    picture = BytesIO()
    Image.new("RGB", (4900, 4900)).save(picture, "PNG", compress_level=1)
    resource.prlimit(worker, resource.RLIMIT_AS, (used + 2**24, limits[1]))
    try:
        watched.ask("/models/digits/predict", picture.getvalue(), Content_Type="image/png")
    finally:
        resource.prlimit(worker, resource.RLIMIT_AS, limits)


def _connect_and_say_nothing(watched: Watched) -> None:
    with ExitStack() as stack:
        for _ in range(CONNECTIONS - 5):
            stack.enter_context(closing(_connect(watched)))
        until(lambda: "VitrineConnectionsFull" in watched.prometheus.firing("sick"))


def _log(watched: Watched) -> None:
    watched.ask("/models")


def _take_the_models_away(watched: Watched) -> None:
    elsewhere = watched.models.rename(watched.models.with_name("elsewhere"))
    try:
        for _ in range(5):
            watched.ask("/models/slow/load", b"")
    finally:
        elsewhere.rename(watched.models)


def _publish_nonsense(watched: Watched) -> None:
    folder = watched.models / "digits/2"
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text("{}")


def _send_other_houses(watched: Watched) -> None:
    rows = dict(houses.drawn(np.random.default_rng(0), ROWS))
    rows["median_income"] = 2 * rows["median_income"]
    rows["total_bedrooms"][::2] = np.nan
    houses.send(watched.sick, rows)


CAUSES: dict[str, Callable[[Watched], None]] = {
    # First, while the process has not yet gathered memory that is free for its next picture.
    "VitrineOutOfMemory": _take_the_memory_away,
    "VitrineOverloaded": _send_too_much,
    "VitrineDeadlineExceeded": _ask_for_haste,
    "VitrineRequestsAbandoned": _leave,
    "VitrineConnectionsFull": _connect_and_say_nothing,
    "VitrineLogLinesDropped": _log,
    "VitrineFailing": _take_the_models_away,
    "VitrineVersionRefused": _publish_nonsense,
    "VitrineInputBlank": _send_other_houses,
    "VitrineInputShifted": _send_other_houses,
    "VitrineInputDrifted": _send_other_houses,
}


def test_healthy_server_raises_no_alert(watched: Watched) -> None:
    generator = np.random.default_rng(0)

    def is_seen() -> bool:
        ask(watched.healthy, "/models/housing/predict", ROW, Content_Type="application/json")
        houses.send(watched.healthy, houses.drawn(generator, ROWS))
        return bool(watched.prometheus.ask('job:vitrine_requests:rate5m{job="healthy"}', "job"))

    until(is_seen)

    assert watched.prometheus.firing("healthy") == set()


@pytest.mark.parametrize("name", CAUSES)
def test_alert_fires(watched: Watched, name: str) -> None:
    def fires() -> bool:
        CAUSES[name](watched)
        threading.Event().wait(PAUSE_SECONDS)  # Prometheus is to get its answers too
        return name in watched.prometheus.firing("sick")

    until(fires)

    assert watched.prometheus.firing("healthy") == set()


def test_alert_fires_when_the_server_is_gone(watched: Watched) -> None:
    os.kill(watched.sick.process, signal.SIGTERM)

    until(lambda: "VitrineDown" in watched.prometheus.firing("sick"))

    assert watched.prometheus.firing("healthy") == set()


def test_every_alert_was_made_to_fire() -> None:
    assert {*CAUSES, "VitrineDown"} == set(alerts())
