"""What one core answers, and what a replica and each of its models take, of a real service."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import processes
from benchmarks.capacity.validation import LOADS, pinned
from benchmarks.exchange import exchange
from benchmarks.servers.client import Lane
from benchmarks.servers.load import Answers, Load, picture_for
from tests.servers import NOWHERE, ROOT, Server, serving
from tests.soak.attacks import bodies

MODEL_COUNTS = (1, 5, 20)
_CALLERS = 8
_SECONDS = 3.0
_WARM_UP_SECONDS = 1.0
_PATIENCE_SECONDS = 10.0
_SCRAPES = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one core answers of one kind of request.

    Attributes:
        name: Of the kind.
        rate: Answers a second to callers who wait for them, which keep the core busy.
        cpu_ms: Processor time of the service for a request.
        request_bytes, response_bytes: With their heads.
        log_bytes: That a request leaves in the log.
        p99_ms: 99 of 100 answers come within this time, at each load of `LOADS`.
    """

    name: str
    rate: float
    cpu_ms: float
    request_bytes: int
    response_bytes: int
    log_bytes: float
    p99_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a replica with one worker takes that serves so many models.

    Attributes:
        models: Copies of the shipped network for digits, each of which was asked.
        seconds_to_ready: From the start of the process, with the trial of each copy.
        worker_mb: Memory of the worker, PSS.
        parent_mb: Memory of the process that keeps it.
        series: Lines of `/metrics` that are no comments.
        scrape_bytes: Length of `/metrics`.
        scrape_ms: Time of a scrape, the median of several.
    """

    models: int
    seconds_to_ready: float
    worker_mb: float
    parent_mb: float
    series: int
    scrape_bytes: int
    scrape_ms: float


def requests() -> Mapping[str, bytes]:
    """Return a request of each kind."""
    stroke = np.zeros((28, 28), dtype=np.uint8)
    stroke[4:24, 12:16] = 255
    return {
        "a 28 x 28 PNG in MNIST's geometry": bodies.picture_request(bodies.written(stroke)),
        "a PNG that must be fitted": picture_for("digits"),
        "a row of JSON": bodies.houses(1),
        "1000 rows of CSV": bodies.csv_of(1000),
    }


def measure_core() -> list[Served]:
    """Serve the shipped models on one core, and ask from another one."""
    core, other = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory(prefix="capacity-") as folder, pinned(core):
        log = Path(folder) / "log"
        with serving(workers=1, log=log, log_level="INFO") as server, pinned(other):
            return [_served(server, log, *kind) for kind in requests().items()]


def _served(server: Server, log: Path, name: str, request: bytes) -> Served:
    closed = Lane(name=name, request=request.decode("latin-1"), callers=_CALLERS)
    _answers(server, closed, _WARM_UP_SECONDS)
    before = processes.cpu_seconds(server.process), log.stat().st_size
    answers = _answers(server, closed, _SECONDS)
    after = processes.cpu_seconds(server.process), log.stat().st_size
    rate = answers.answered / _SECONDS
    return Served(
        name=name,
        rate=rate,
        cpu_ms=1000 * (after[0] - before[0]) / answers.answered,
        request_bytes=len(request),
        response_bytes=len(exchange(server.port, request, patience=_PATIENCE_SECONDS)),
        log_bytes=(after[1] - before[1]) / answers.answered,
        p99_ms=tuple(_p99(server, name, request, load * rate) for load in LOADS),
    )


def _p99(server: Server, name: str, request: bytes, rate: float) -> float:
    lane = Lane(name=name, request=request.decode("latin-1"), rate=rate, is_random=True)
    return _answers(server, lane, _SECONDS).percentile(0.99)


def _answers(server: Server, lane: Lane, seconds: float) -> Answers:
    with Load(server.port, [lane]) as load:
        time.sleep(seconds)
        return load.stop()


def measure_models() -> Iterator[Holding]:
    """Serve copies of a shipped version, and weigh the server once all have answered."""
    for count in MODEL_COUNTS:
        with tempfile.TemporaryDirectory(prefix="capacity-") as folder:
            models = Path(folder)
            names = [_copy(models, number) for number in range(count)]
            with serving(models=models, workers=1, log=NOWHERE) as server:
                for name in names:
                    exchange(server.port, picture_for(name), patience=_PATIENCE_SECONDS)
                yield _holding(server, count)


def _copy(models: Path, number: int) -> str:
    """Publish the shipped version once more under another name."""
    name = f"digits-{number}"
    folder = models / name / "1"
    shutil.copytree(ROOT / "models/digits/1", folder)
    (folder / "model.keras").unlink(missing_ok=True)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["name"] = name
    manifest["files"].pop("model.keras", None)
    path.write_text(json.dumps(manifest))
    return name


def _holding(server: Server, models: int) -> Holding:
    scrapes = [_scrape(server) for _ in range(_SCRAPES)]
    text = scrapes[-1][1]
    return Holding(
        models=models,
        seconds_to_ready=server.seconds_to_ready,
        worker_mb=processes.proportional_megabytes(server.workers()),
        parent_mb=processes.proportional_megabytes([server.process]),
        series=sum(not line.startswith(b"#") for line in text.splitlines()),
        scrape_bytes=len(text),
        scrape_ms=1000 * float(np.median([seconds for seconds, _ in scrapes])),
    )


def _scrape(server: Server) -> tuple[float, bytes]:
    with closing(server.connect()) as connection:
        started = time.perf_counter()
        connection.request("GET", "/metrics")
        text = connection.getresponse().read()
        return time.perf_counter() - started, text


def version_megabytes() -> float:
    """Return what the shipped version of the network for digits takes on a disk."""
    files = (ROOT / "models/digits/1").rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6
