"""What each part of a request for one picture costs, beside a floor: `python -m benchmarks.parts`.

All parts but one are timed in this process, through the functions that the service calls. What
HTTP costs is the processor time of the service for a request under load, less these parts. A floor
is the least that the same costs here: the library's function called directly, or a server that only
parses requests.

Under load, requests arrive together and are predicted together. What is done once for all of them
is divided by their number, eight here: the connections of one worker.
"""

import logging
import os
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import orjson
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from benchmarks import machine, page, processes
from benchmarks.peers import cases, networks, wrk
from benchmarks.peers.checkouts import vitrine
from benchmarks.peers.peers import bare
from benchmarks.peers.serving import Server, serving
from service.http.app import create_app
from service.http.fast_path import FAST_PATH, FastPath, SmallRequest
from service.http.reply import Reply
from service.rollout.repository import Repository
from service.settings import Settings
from service.telemetry import logs
from service.telemetry.line_writer import LineWriter
from service.telemetry.metrics import Metrics
from tests.fakes import FakeControlPlane
from vitrine import images
from vitrine.block_stream import BlockStream
from vitrine.engines import load_engine
from vitrine.geometry import GEOMETRIES
from vitrine.loading import load_version
from vitrine.model import Model
from vitrine.options import DEFAULT_COVERAGE, DEFAULT_MAX_PIXELS, Options
from vitrine.pictures import picture_blocks
from vitrine.pipeline import Pipeline
from vitrine.predictions import Predictions

_BLOCK_SECONDS = 0.02
_BLOCKS = 25
_LOAD_SECONDS = 4.0
_LOADS = 3
_CONNECTIONS = 16
_TOGETHER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a request.

    Attributes:
        name: What is done.
        cost: Microseconds that it takes.
        floor: Microseconds that the least takes; None where there is none to compare with.
        what: The floor is.
    """

    name: str
    cost: float
    floor: float | None = None
    what: str = ""


def microseconds(once: Callable[[], object]) -> float:
    """Return what a call costs: the least of several blocks, since others may be at work."""
    once()
    times = []
    for _ in range(_BLOCKS):
        calls, started = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < _BLOCK_SECONDS:
            once()
            calls += 1
        times.append(elapsed / calls)
    return min(times) * 1e6


def parts(version: Path, file: bytes, request: float, floor: float) -> Iterator[Part]:
    """Measure the parts of a picture's way.

    Args:
        version: Folder of the network's version.
        file: The picture.
        request: Processor time of the service for a request, in microseconds.
        floor: The same of a server that only parses requests.
    """
    model = load_version(version, threads=1)
    picture = model.manifest.signature.picture
    assert picture is not None
    pixels = images.decode(file, max_pixels=DEFAULT_MAX_PIXELS).pixels
    decode = microseconds(lambda: images.decode(file, max_pixels=DEFAULT_MAX_PIXELS))
    coded = np.frombuffer(file, np.uint8)
    floors = _decoding_floors(coded)
    yield Part(name="decode the picture", cost=decode, floor=floors[0], what="cv2.imdecode")

    fit = GEOMETRIES[picture.geometry].fit
    geometry = microseconds(lambda: fit(pixels, picture.shape))
    what = "cv2.boundingRect and cv2.moments"
    yield Part(name="bring it to the geometry", cost=geometry, floor=floors[1], what=what)

    fitted = fit(pixels, picture.shape).pixels.astype(np.float32)
    tensors = {picture.tensor: np.stack([fitted] * _TOGETHER)}
    engine = load_engine(version, model.manifest, threads=1)
    network = microseconds(lambda: engine(tensors)) / _TOGETHER
    yield Part(
        name="run the network",
        cost=network,
        floor=microseconds(_bare_network(version, tensors)) / _TOGETHER,
        what="ONNX Runtime's run, one thread",
    )

    pipeline = Pipeline(model, Options())
    instances = {picture.name: np.stack([pixels] * _TOGETHER)}
    predict = microseconds(lambda: model.predict(instances, pipeline.trust)) / _TOGETHER
    trust = max(0.0, predict - geometry - network)
    yield Part(name="set, credibility and checks", cost=trust)

    together = model.predict(instances, pipeline.trust)
    answer = microseconds(lambda: _answer(model, picture.name, file, together))
    encode = max(0.0, answer - decode)
    record = orjson.loads(_answer(model, picture.name, file, together))
    yield Part(
        name="pipeline, and write the answer",
        cost=encode,
        floor=microseconds(lambda: orjson.dumps(record)),
        what="orjson.dumps of the same",
    )

    in_process = _InProcess(model, file)
    parts_of_all = [together.part(index, index + 1) for index in range(_TOGETHER)]
    counting = (
        microseconds(lambda: in_process.metrics.count_predictions(model, parts_of_all)) / _TOGETHER
    )
    yield Part(name="count the label and the drift", cost=counting)
    silent, logged = in_process.costs()
    name = "headers, limits, other metrics"
    yield Part(name=name, cost=max(0.0, silent - answer - predict - counting))
    yield Part(name="log line", cost=max(0.0, logged - silent))
    name = "HTTP, connections, system calls"
    yield Part(name=name, cost=max(0.0, request - logged), floor=floor, what="httptools on uvloop")
    yield Part(name="whole request", cost=request)


class _InProcess:
    """The service without its server, in this process.

    Args:
        model: What it serves.
        file: The picture that is sent.

    Attributes:
        metrics: Where it counts.
    """

    def __init__(self, model: Model, file: bytes) -> None:
        repository = Repository({model.name: {model.version: model}})
        self.metrics = Metrics(CollectorRegistry())
        control = FakeControlPlane(repository)
        app = create_app(Settings(), repository, self.metrics, control)
        self._path: FastPath = app.extensions[FAST_PATH]
        self._target = f"/models/{model.name}/predict".encode()
        length = str(len(file)).encode()
        self._headers = [(b"content-type", b"image/png"), (b"content-length", length)]
        self._file = file

    def _ask(self) -> None:
        request = SmallRequest(self._target, self._headers, self._file, "127.0.0.1")
        answered = self._path.answer([request] * _TOGETHER)
        answered.settle()
        assert all(
            isinstance(reply, Reply) and reply.status == HTTPStatus.OK for reply in answered.replies
        )

    def costs(self) -> tuple[float, float]:
        """Return the microseconds of a request without a log line, and with one."""
        logger = logging.getLogger("service")
        with Path("/dev/null").open("wb") as nowhere:
            writer = LineWriter(nowhere.fileno(), describe_drop=logs.describe_drop)
            logger.handlers, logger.propagate = [logs.LineHandler(writer)], False
            logger.setLevel(logging.WARNING)
            silent = microseconds(self._ask) / _TOGETHER
            logger.setLevel(logging.INFO)
            logged = microseconds(self._ask) / _TOGETHER
            writer.flush()
        return silent, logged


def _decoding_floors(coded: NDArray[np.uint8]) -> tuple[float, float]:
    levels = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
    assert levels is not None

    def look() -> None:
        cv2.boundingRect(levels)
        cv2.moments(levels)

    return microseconds(lambda: cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)), microseconds(look)


def _bare_network(version: Path, tensors: dict[str, NDArray[Any]]) -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(version / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, tensors)


def _answer(model: Model, name: str, file: bytes, together: Predictions) -> bytes:
    """Answer a picture from its bytes to the answer's, but for what is predicted together."""
    blocks = picture_blocks([file], name, max_pixels=DEFAULT_MAX_PIXELS, keep_faults=False)
    pipeline = Pipeline(model, Options(), default_coverage=DEFAULT_COVERAGE)
    pipeline.predict_instances = lambda _, __: together.part(0, 1)
    return b"".join(pipeline.answer(BlockStream(blocks=blocks), Pipeline.json_encoder))


def _cpu_of_request(server: Server, models: Path, version: Path, kind: str) -> float:
    """Return the processor time of a server for a request: the least of several loads."""
    found = []
    workers = os.cpu_count() or 1
    with serving(server, models, version, kind=kind, workers=workers) as running:
        request = server.asks[kind](version.parent.name)
        for _ in range(_LOADS):
            before = processes.cpu_seconds_below()
            outcome = wrk.send(
                running.port,
                request,
                connections=_CONNECTIONS,
                seconds=_LOAD_SECONDS,
                folder=running.folder,
            )
            found.append((processes.cpu_seconds_below() - before) / outcome.answered * 1e6)
    return min(found)


def _tables() -> Iterator[str]:
    models = networks.prepare(machine.ROOT)
    service = vitrine("vitrine", "Vitrine", machine.ROOT)
    yield f"{machine.describe()}; {_CONNECTIONS} connections"
    for network in (cases.MLP, cases.CNN):
        version = networks.version(models, network)
        floor = _cpu_of_request(bare(), models, version, "picture")
        request = _cpu_of_request(service, models, version, "picture")
        lines = [f"| 28 x 28 PNG to `{network}` | µs | floor, µs | what the floor is |"]
        lines.append("|---|---|---|---|")
        for part in parts(version, cases.picture(), request, floor):
            shown = "" if part.floor is None else f"{part.floor:.1f}"
            lines.append(f"| {part.name} | {part.cost:.1f} | {shown} | {part.what} |")
        yield "\n".join(lines)


def main() -> None:
    """Measure the parts for each network of pictures, and print a table."""
    parser = ArgumentParser(prog="python -m benchmarks.parts", description=__doc__)
    what = "also write the tables into docs/performance.md"
    parser.add_argument("--publish", action="store_true", help=what)
    options = parser.parse_args()
    wrk.require()
    processes.adopt_orphans()
    text = "\n\n".join(_tables())
    print(text)
    if options.publish:
        page.publish("parts", text)


if __name__ == "__main__":
    main()
