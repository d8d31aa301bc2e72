"""Versions that do more work than they need: a shipped one, whose pass takes as long as is wanted.

Their answers stay those of the version that they are made from, so that its golden examples, its
calibration and its geometry hold. Whatever checkout the version comes from can serve it.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

_SIDE = 256
_FEW, _MORE = 4, 16
_TRIALS = 15


def add_ballast(models: Path, source: Path, name: str, *, seconds: float) -> Path:
    """Publish a version as the first of a model, with a pass that takes so long on one thread.

    Args:
        models: Folder in which it is published.
        source: Folder of the version that it is made from.
        name: Of the model.
        seconds: Time of a pass for one instance. It grows with their number: nothing is gained by
            predicting several together.
    """
    folder = models / name / "1"
    shutil.copytree(source, folder)
    network = onnx.load(source / "model.onnx")
    few, more = _pass_seconds(_ballasted(network, _FEW), _ballasted(network, _MORE))
    steps = max(1, round(_FEW + (seconds - few) * (_MORE - _FEW) / (more - few)))
    (folder / "model.onnx").write_bytes(_ballasted(network, steps).SerializeToString())
    (folder / "model.keras").unlink(missing_ok=True)
    _describe(folder, name)
    return folder


def _ballasted(network: onnx.ModelProto, steps: int) -> onnx.ModelProto:
    """Return a network to whose first output something is added that is nothing in the end."""
    changed = onnx.ModelProto()
    changed.CopyFrom(network)
    graph = changed.graph
    output = graph.output[0].name
    for node in graph.node:
        node.output[:] = ["without_ballast" if each == output else each for each in node.output]
    graph.initializer.extend(_numbers())
    graph.node.extend(_nodes(graph.input[0].name, steps))
    graph.node.append(helper.make_node("Add", ["without_ballast", "ballast"], [output]))
    return changed


def _numbers() -> Iterator[onnx.TensorProto]:
    square = np.random.default_rng(0).standard_normal((_SIDE, _SIDE)).astype(np.float32) / 16
    yield helper.make_tensor("square", TensorProto.FLOAT, square.shape, square.reshape(-1))
    yield helper.make_tensor("first_axis", TensorProto.INT64, [1], [0])
    yield helper.make_tensor("sides", TensorProto.INT64, [2], [_SIDE, _SIDE])
    yield helper.make_tensor("nothing", TensorProto.FLOAT, [1], [0.0])
    yield helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1])


def _nodes(tensor: str, steps: int) -> Iterator[onnx.NodeProto]:
    yield helper.make_node("Shape", [tensor], ["whole_shape"])
    yield helper.make_node("Gather", ["whole_shape", "first_axis"], ["number"])
    yield helper.make_node("Concat", ["number", "sides"], ["state_shape"], axis=0)
    yield helper.make_node("Expand", ["square", "state_shape"], ["state0"])
    for step in range(steps):
        yield helper.make_node("MatMul", [f"state{step}", "square"], [f"product{step}"])
        yield helper.make_node("Tanh", [f"product{step}"], [f"state{step + 1}"])
    yield helper.make_node("ReduceMean", [f"state{steps}"], ["mean"], axes=[1, 2], keepdims=0)
    yield helper.make_node("Mul", ["mean", "nothing"], ["products"])
    yield helper.make_node("Reshape", ["products", "column"], ["ballast"])


def _pass_seconds(*networks: onnx.ModelProto) -> list[float]:
    """Time passes on one thread, in turn; the least of several, for others may be at work."""
    runs = [_run(network) for network in networks]
    return [min(times) for times in zip(*(map(_time, runs) for _ in range(_TRIALS)), strict=True)]


def _run(network: onnx.ModelProto) -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        network.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {each.name: _zeros(each) for each in session.get_inputs()}
    return lambda: session.run(None, feeds)


def _time(run: Callable[[], object]) -> float:
    started = time.thread_time()
    run()
    return time.thread_time() - started


def _zeros(tensor: onnxruntime.NodeArg) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    kinds = {"tensor(float)": np.float32, "tensor(int32)": np.int32}
    shape = [size if isinstance(size, int) else 1 for size in tensor.shape]
    return np.zeros(shape, kinds[tensor.type])


def _describe(folder: Path, name: str) -> None:
    """Make the manifest agree with the name and with the files that are there."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["name"] = name
    manifest["version"] = 1
    manifest.pop("batching", None)  # what was measured of the network without ballast
    manifest["files"] = {
        file.name: {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "size_bytes": file.stat().st_size,
        }
        for file in sorted(folder.iterdir())
        if file.is_file() and file != path
    }
    path.write_text(json.dumps(manifest))
