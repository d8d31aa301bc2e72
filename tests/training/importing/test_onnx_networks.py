"""Converted networks take and return what their signature says."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tests.training.importing.conftest import Numbers
from training.importing.onnx_networks import adapt_onnx_network, read_onnx_interface
from training.importing.options import ImportOptions
from training.importing.plans import LEVELS, make_plan

WEIGHTS = np.random.default_rng(7).normal(size=(4, 3)).astype(np.float32)


def converted(
    activation: str, *, units: int, shape: tuple[int, ...] = (4,), dtype: int = TensorProto.FLOAT
) -> onnx.ModelProto:
    """Write a product with weights, and an activation, as a SavedModel is converted."""
    weights = onnx.numpy_helper.from_array(WEIGHTS[:, :units], "weights")
    nodes = [
        helper.make_node("Cast", ["taken:0"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["sums"]),
        helper.make_node(activation, ["sums"], ["given:0"]),
    ]
    taken = helper.make_tensor_value_info("taken:0", dtype, ["batch", *shape])
    given = helper.make_tensor_value_info("given:0", TensorProto.FLOAT, ["batch", units])
    graph = helper.make_graph(nodes, "converted", [taken], [given], [weights])
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def squashed(sums: Numbers) -> Numbers:
    """Return the sigmoid."""
    return np.asarray(1 / (1 + np.exp(-sums)))


def both(sums: Numbers) -> Numbers:
    """Return the probabilities that a label is not and that it is."""
    return np.concatenate([1 - squashed(sums), squashed(sums)], axis=1)


def shares(sums: Numbers) -> Numbers:
    """Return the softmax."""
    weights = np.exp(sums)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def parts(sums: Numbers) -> Numbers:
    """Return the sigmoids divided by their sum."""
    return np.asarray(squashed(sums) / squashed(sums).sum(axis=1, keepdims=True))


NODES: dict[str, tuple[onnx.ModelProto, ImportOptions, str, Callable[[Numbers], Numbers]]] = {
    "value": (converted("Identity", units=1), ImportOptions(), "0-255", lambda sums: sums),
    "time steps": (
        converted("Identity", units=1, shape=(4, 1)),
        ImportOptions(),
        "0-255",
        lambda sums: sums,
    ),
    "shares": (
        converted("Sigmoid", units=3),
        ImportOptions(task="classification"),
        "0-255",
        parts,
    ),
    "logits of labels": (
        converted("Identity", units=3),
        ImportOptions(logits=True, task="multilabel"),
        "0-255",
        squashed,
    ),
    "sigmoid": (converted("Sigmoid", units=1), ImportOptions(), "0-255", both),
    "logit": (converted("Identity", units=1), ImportOptions(logits=True), "0-255", both),
    "several labels": (converted("Sigmoid", units=3), ImportOptions(), "0-255", squashed),
    "softmax": (converted("Softmax", units=3), ImportOptions(), "0-255", shares),
    "logits": (converted("Identity", units=3), ImportOptions(logits=True), "0-255", shares),
    "whole numbers": (
        converted("Identity", units=1, dtype=TensorProto.INT64),
        ImportOptions(),
        "0-255",
        lambda sums: sums,
    ),
    "picture": (
        converted("Softmax", units=3, shape=(2, 2, 1)),
        ImportOptions(levels="0-255"),
        "0-255",
        shares,
    ),
    "picture of levels to 1": (
        converted("Softmax", units=3, shape=(2, 2)),
        ImportOptions(levels="0-1"),
        "0-1",
        shares,
    ),
    "picture of levels from -1": (
        converted("Softmax", units=3, shape=(2, 2, 1)),
        ImportOptions(levels="-1-1"),
        "-1-1",
        shares,
    ),
}


@pytest.mark.parametrize(("network", "options", "levels", "expect"), NODES.values(), ids=NODES)
def test_converted_network_takes_and_gives_what_its_signature_says(
    network: onnx.ModelProto,
    options: ImportOptions,
    levels: str,
    expect: Callable[[Numbers], Numbers],
) -> None:
    plan = make_plan(read_onnx_interface(network), options)
    served = onnxruntime.InferenceSession(adapt_onnx_network(network, plan).SerializeToString())

    factor, shift = LEVELS[levels].factor, LEVELS[levels].shift
    taken = np.random.default_rng(8).integers(0, 3, (5, 4)).astype(np.float32)
    columns = iter(taken.T)
    fed = {
        spec.tensor: taken.reshape(-1, *spec.shape)
        if spec.shape != (1,)
        else next(columns)[:, np.newaxis]
        for spec in plan.signature.inputs
    }
    (found,) = served.run([plan.signature.prediction.tensor], fed)

    units = network.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    assert found == pytest.approx(expect((taken * factor + shift) @ WEIGHTS[:, :units]), abs=1e-5)
