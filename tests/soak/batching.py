"""Several requests in one call of a network: what a model gains from it, and what it costs."""

import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from benchmarks.servers.client import Lane
from benchmarks.servers.load import Load, post
from tests.servers import NOWHERE, ROOT, Server, serving
from tests.soak.attacks.bodies import written
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

WORKERS = 2
CONNECTIONS = 64
SECONDS = 8
PASS_SECONDS = 0.002
LEAST_GAIN = 3
MOST_TIMES = 1.1
_WIDTH = 2048
_TRIALS = 15
_WARM_UP_SECONDS = 2.0
_PICTURES = 256
_IMPORT_SECONDS = 300
# Keras writes the file, as a user of the library would.
_BUILD = """
import sys
import keras
keras.utils.set_random_seed(0)
kind, size, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
layers = [keras.layers.Input((28, 28, 1))]
if kind == "wide":
    layers.append(keras.layers.Flatten())
    layers += [keras.layers.Dense(2048, activation="relu") for _ in range(size)]
else:
    layers += [keras.layers.Conv2D(48, 3, padding="same", activation="relu") for _ in range(size)]
    layers.append(keras.layers.GlobalAveragePooling2D())
layers.append(keras.layers.Dense(10, activation="softmax"))
keras.Sequential(layers).save(path)
"""


def gain() -> Iterator[Figure]:
    """Serve a network that gains from batches and one that does not, each with them and without."""
    with tempfile.TemporaryDirectory(prefix="batching-") as name:
        models = Path(name) / "models"
        _publish(Path(name), models, "wide", _layers())
        _publish(Path(name), models, "deep", 3)
        with serving(SERVICE_PYTHON, models=models, workers=WORKERS, log=NOWHERE) as server:
            for model in ("wide", "deep"):
                yield from _figures(server, models, model)
            yield _difference(server, models)


def _layers() -> int:
    """Return how many layers take the time that is wanted, of which the first is smaller."""
    weights = np.random.default_rng(0).normal(size=(_WIDTH, _WIDTH)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, _WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, _WIDTH])],
        [helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.tobytes(), raw=True)],
    )
    network = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    feeds = {"x": np.ones((1, _WIDTH), np.float32)}
    seconds = []
    for _ in range(_TRIALS):
        begun = time.thread_time()
        session.run(None, feeds)
        seconds.append(time.thread_time() - begun)
    return max(2, round(PASS_SECONDS / min(seconds)))


def _publish(folder: Path, models: Path, kind: str, size: int) -> None:
    """Publish a network as anybody would, and once more as one that is not batched."""
    file = folder / f"{kind}.keras"
    _run([sys.executable, "-c", _BUILD, kind, str(size), str(file)])
    importing = ["-m", "training", "import", str(file), "--name", kind, "--levels", "0-1"]
    _run([sys.executable, *importing, "--geometry", "mnist", "--models", str(models)])
    alone = models / f"{kind}-alone"
    shutil.copytree(models / kind, alone)
    path = alone / "1/manifest.json"
    manifest = json.loads(path.read_bytes())
    print(f"  {kind}: {manifest.get('batching')}")
    path.write_text(json.dumps({**manifest, "name": alone.name, "batching": None}))


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=_IMPORT_SECONDS)


def _figures(server: Server, models: Path, model: str) -> Iterator[Figure]:
    alone = _Rate(server, f"{model}-alone"), _Rate(server, f"{model}-alone", connections=1)
    together = _Rate(server, model), _Rate(server, model, connections=1)
    rates = [each.measure() for each in (*alone, *together)]
    (many_alone, one_alone), (many, one) = rates[:2], rates[2:]
    name = f"{model} network"
    yield Figure(name=f"{name}, one connection, unbatched: median", value=one_alone[1], unit="ms")
    yield Figure(
        name=f"{name}, one connection: median, times",
        value=one[1] / one_alone[1],
        unit="",
        at_most=MOST_TIMES,
    )
    title = f"{name}, {CONNECTIONS} connections"
    yield Figure(name=f"{title}, unbatched", value=many_alone[0], unit="1/s")
    yield Figure(name=title, value=many[0], unit="1/s")
    yield Figure(
        name=f"{title}: times as many",
        value=many[0] / many_alone[0],
        unit="",
        at_least=LEAST_GAIN if model == "wide" else 1 / MOST_TIMES,
    )


class _Rate:
    """Callers of one model who wait for their answers."""

    def __init__(self, server: Server, model: str, *, connections: int = CONNECTIONS) -> None:
        self._server = server
        request = post(f"/models/{model}/predict", "image/png", written(_digits(1)[0]))
        self._lane = Lane(name="a", request=request.decode("latin-1"), callers=connections)

    def measure(self) -> tuple[float, float]:
        """Return the answers a second, and the median of their milliseconds."""
        with Load(self._server.port, [self._lane]) as load:
            time.sleep(_WARM_UP_SECONDS)
            begun = time.monotonic()
            time.sleep(SECONDS)
            ended = time.monotonic()
            answers = load.stop().finished_between(begun, ended)
        return answers.answered / (ended - begun), answers.percentile(0.5)


def _digits(number: int) -> list[NDArray[np.uint8]]:
    """Draw different strokes that a network of MNIST takes as they are."""
    chance = np.random.default_rng(0)
    pictures = np.zeros((number, 28, 28), dtype=np.uint8)
    pictures[:, 4:24, 12:16] = chance.integers(128, 256, size=(number, 20, 4))
    return [*pictures]


def _difference(server: Server, models: Path) -> Figure:
    """Compare what is answered together with what is answered alone."""
    files = [written(picture) for picture in _digits(_PICTURES)]
    manifest = json.loads((models / "wide/1/manifest.json").read_bytes())
    alone = [_probabilities(server, "wide-alone", file) for file in files]
    with ThreadPoolExecutor(CONNECTIONS) as callers:
        together = [*callers.map(lambda file: _probabilities(server, "wide", file), files)]
    largest = max(
        abs(one[label] - other[label])
        for one, other in zip(alone, together, strict=True)
        for label in one
    )
    return Figure(
        name="largest difference of a probability from unbatched",
        value=largest,
        unit="",
        at_most=manifest["golden_tolerance"],
    )


def _probabilities(server: Server, model: str, file: bytes) -> dict[str, float]:
    with closing(server.connect()) as connection:
        path = f"/models/{model}/predict?top=all"
        connection.request("POST", path, file, {"Content-Type": "image/png"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    if response.status != http.HTTPStatus.OK:
        raise RuntimeError(answer)
    probabilities: dict[str, float] = answer["predictions"][0]["probabilities"]
    return probabilities
