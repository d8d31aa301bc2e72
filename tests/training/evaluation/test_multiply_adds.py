"""Multiplications, on networks small enough to count."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from training.evaluation.multiply_adds import count_multiply_adds
from vitrine.signature import NumberInput, Signature, ValueOutput


def network(*nodes: onnx.NodeProto, constants: Sequence[onnx.TensorProto]) -> onnx.ModelProto:
    """Wrap nodes that turn x into value."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    value = helper.make_tensor_value_info("value", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "few", [x], [value], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def constant(*shape: int, name: str = "w") -> onnx.TensorProto:
    """Return a weight of ones."""
    return helper.make_tensor(name, TensorProto.FLOAT, shape, np.ones(int(np.prod(shape))).tolist())


def taking(*shape: int) -> Signature:
    """Describe a network that takes one array."""
    return Signature(
        inputs=(
            NumberInput(
                name="x",
                tensor="x",
                dtype="float32",
                shape=shape,
                minimum=0,
                maximum=1,
                median=0,
                blanks=False,
            ),
        ),
        outputs=(ValueOutput(name="value", tensor="value", dtype="float32", shape=(1,)),),
    )


COSTS = {
    "convolution": ("Conv", (5, 2, 3, 3), 5 * 4 * 4 * 2 * 9),
    "matrix": ("MatMul", (6, 7), 2 * 6 * 7 * 6),
    "product": ("Mul", (1,), 72),
    "sum": ("Add", (1,), 0),
}


@pytest.mark.parametrize(("operation", "shape", "expected"), COSTS.values(), ids=COSTS)
def test_multiply_adds_are_counted(operation: str, shape: tuple[int, ...], expected: int) -> None:
    node = helper.make_node(operation, ["x", "w"], ["value"])
    exported = network(node, constants=[constant(*shape)])

    assert count_multiply_adds(exported, taking(2, 6, 6)) == expected


def test_multiply_adds_of_a_mean_are_its_divisions() -> None:
    exported = network(helper.make_node("ReduceMean", ["x"], ["value"], axes=[3]), constants=[])

    assert count_multiply_adds(exported, taking(2, 6, 6)) == 2 * 6


@pytest.mark.parametrize(("direction", "ways"), [("forward", 1), ("bidirectional", 2)])
def test_multiply_adds_of_an_lstm_are_those_of_every_step(direction: str, ways: int) -> None:
    steps, width, units = 5, 4, 3
    exported = network(
        helper.make_node("Transpose", ["x"], ["rows"], perm=[1, 0, 2]),
        helper.make_node(
            "LSTM", ["rows", "w", "r"], ["value"], hidden_size=units, direction=direction
        ),
        constants=[
            constant(ways, 4 * units, width),
            constant(ways, 4 * units, units, name="r"),
        ],
    )

    gates = 4 * units * (width + units + 1)
    held_and_given = 4 * units
    expected = ways * steps * (gates + held_and_given)
    assert count_multiply_adds(exported, taking(steps, width)) == expected


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        pytest.param([[0, 1, 1], [1, 0, 0]], 0, id="picks"),
        pytest.param([[1, 1, 1], [1, 0, 0]], 6, id="adds"),
        pytest.param([[0, 2, 1], [1, 0, 0]], 6, id="multiplies"),
    ],
)
def test_product_that_picks_columns_costs_nothing(matrix: list[list[float]], expected: int) -> None:
    weights = numpy_helper.from_array(np.array(matrix, np.float32), "w")
    exported = network(helper.make_node("MatMul", ["x", "w"], ["value"]), constants=[weights])

    assert count_multiply_adds(exported, taking(2)) == expected
