"""The folder of models that every candidate serves: the repository's, and one that is slow."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from benchmarks.machine import ROOT
from tests import bundles
from vitrine import bundle

SLOW = "slow"
SLOW_SECONDS = 0.020
_WIDTH = 256
_TRIALS = 9


def write(folder: Path) -> None:
    """Fill an empty folder."""
    shutil.copytree(ROOT / "models", folder, dirs_exist_ok=True)
    few = _seconds(_network(4))
    step = (_seconds(_network(20)) - few) / 16
    _publish(folder, _network(max(1, round(4 + (SLOW_SECONDS - few) / step))))


def _publish(models: Path, network: onnx.ModelProto) -> None:
    folder = models / SLOW / "1"
    folder.mkdir(parents=True)
    onnx.save(network, str(folder / bundle.ONNX_NAME))
    bar = np.zeros((1, 28, 28, 1), dtype=np.uint8)
    bar[0, 4:24, 12:16] = 255
    expected = np.array([[0.5, 0.5]], dtype=np.float32)
    bundle.write_golden(folder, {"image": bar}, expected)
    bundles.rewrite_manifest(folder, bundles.picture_manifest(SLOW))


def _network(steps: int) -> onnx.ModelProto:
    """Return a network of so many large products, whose answer is always half and half."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 28, 28, 1])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])
    graph = helper.make_graph(list(_nodes(steps)), SLOW, [image], [output], list(_weights()))
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="benchmarks")


def _nodes(steps: int) -> Iterator[onnx.NodeProto]:
    yield helper.make_node("Flatten", ["image"], ["flat"], axis=1)
    yield helper.make_node("MatMul", ["flat", "first"], ["narrow"])
    yield helper.make_node("Reshape", ["narrow", "rows"], ["row"])
    yield helper.make_node("Add", ["row", "square"], ["state0"])
    for step in range(steps):
        yield helper.make_node("MatMul", [f"state{step}", "square"], [f"product{step}"])
        yield helper.make_node("Tanh", [f"product{step}"], [f"state{step + 1}"])
    yield helper.make_node("ReduceMean", [f"state{steps}"], ["mean"], axes=[1], keepdims=0)
    yield helper.make_node("MatMul", ["mean", "last"], ["levels"])
    yield helper.make_node("Softmax", ["levels"], ["probabilities"], axis=1)


def _weights() -> Iterator[onnx.TensorProto]:
    random = np.random.default_rng(0)
    first = (random.standard_normal((784, _WIDTH)) / 28).astype(np.float32)
    square = (random.standard_normal((_WIDTH, _WIDTH)) / 16).astype(np.float32)
    yield helper.make_tensor("first", TensorProto.FLOAT, first.shape, first.reshape(-1))
    yield helper.make_tensor("square", TensorProto.FLOAT, square.shape, square.reshape(-1))
    yield helper.make_tensor("last", TensorProto.FLOAT, [_WIDTH, 2], [0.0] * (2 * _WIDTH))
    yield helper.make_tensor("rows", TensorProto.INT64, [3], [-1, 1, _WIDTH])


def _seconds(network: onnx.ModelProto) -> float:
    """Time one pass on one thread; the least of several, for others may be at work."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        network.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    picture = np.ones((1, 28, 28, 1), dtype=np.float32)
    times = []
    for _ in range(_TRIALS):
        started = time.perf_counter()
        session.run(None, {"image": picture})
        times.append(time.perf_counter() - started)
    return min(times)
