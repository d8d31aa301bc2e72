"""What the digit network costs beside the one of the tutorials, on one core, in one run."""

import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.servers import ROOT
from tests.soak.figures import Figure
from vitrine import bundle

ROUNDS = 300
CALLS = 20


def forward_pass() -> Iterator[Figure]:
    """Time both networks in turn on one picture, and compare their medians."""
    folder = ROOT / "models/digits"
    newest = folder / str(bundle.versions(ROOT / "models", "digits")[-1])
    runs = [
        _run((newest / bundle.ONNX_NAME).read_bytes()),
        _run(_tutorial_network().SerializeToString()),
    ]
    seconds = np.array([[_time(run) for run in runs] for _ in range(ROUNDS)])
    shipped, tutorial = (median(column) for column in seconds.T)
    yield Figure(name="forward pass, digits", value=shipped * 1e6, unit="µs")
    yield Figure(name="forward pass, 784-256-10", value=tutorial * 1e6, unit="µs")
    yield Figure(name="their ratio", value=shipped / tutorial, unit="times", at_most=6)


def _run(network: bytes) -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        network, sess_options=options, providers=["CPUExecutionProvider"]
    )
    feeds = {session.get_inputs()[0].name: _picture()}
    return lambda: session.run(None, feeds)


def _picture() -> NDArray[np.float32]:
    picture = np.zeros((1, 28, 28, 1), dtype=np.float32)
    picture[:, 4:24, 12:16] = 255
    return picture


def _time(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        run()
    return (time.perf_counter() - started) / CALLS


def _tutorial_network() -> onnx.ModelProto:
    """Build flatten, 256 ReLU, 10 softmax; its time does not depend on its weights."""
    rng = np.random.default_rng(0)
    weights = {
        "scale": np.float32(1 / 255),
        "hidden": rng.normal(0, 0.05, (784, 256)).astype(np.float32),
        "hidden_bias": np.zeros(256, dtype=np.float32),
        "last": rng.normal(0, 0.05, (256, 10)).astype(np.float32),
        "last_bias": np.zeros(10, dtype=np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["picture", "scale"], ["scaled"]),
        helper.make_node("Flatten", ["scaled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "hidden", "hidden_bias"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["active"]),
        helper.make_node("Gemm", ["active", "last", "last_bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tutorial",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 28, 28, 1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
