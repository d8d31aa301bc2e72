"""Scores, reference bins and costs, on numbers small enough to work out by hand."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from training import evaluation
from vitrine.bundle import Reference
from vitrine.signature import NumberInput, Signature, ValueOutput


def test_classification_scores() -> None:
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75], [1, 0], [0, 1]], dtype=np.float32)

    scores = evaluation.classification_scores(probabilities, np.array([0, 1, 0, 0]))

    assert scores["accuracy"] == 0.75
    assert scores["accuracy_standard_error"] == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert scores["log_loss"] == pytest.approx(-np.log([0.5, 0.75, 1, 1e-12]).mean())


def test_regression_scores() -> None:
    scores = evaluation.regression_scores(
        np.array([1, 2, 6], dtype=np.float32), np.array([1.0, 2.0, 3.0])
    )

    assert scores["rmse"] == pytest.approx(np.sqrt(3))
    assert scores["mae"] == 1
    assert scores["r2"] == pytest.approx(1 - 9 / 2)
    assert scores["rmse_standard_error"] == pytest.approx(
        np.std([0, 0, 9]) / np.sqrt(3) / (2 * np.sqrt(3))
    )


@pytest.mark.parametrize("values", [[2.0, 2.0], [1.0, 3.0]], ids=["right", "wrong"])
def test_regression_scores_of_a_constant_target_are_finite(values: list[float]) -> None:
    scores = evaluation.regression_scores(np.array(values, dtype=np.float32), np.full(2, 2.0))

    assert np.isfinite(list(scores.values())).all()


def test_confusion_counts_true_classes_by_row() -> None:
    counts = evaluation.confusion(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 2]), 3)

    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_scores_ascend_with_the_digits_of_a_float32() -> None:
    assert evaluation.ascending(np.array([0.3, 0.1], dtype=np.float32)) == (0.1, 0.3)


def test_number_reference_has_bins_of_equal_counts_and_blanks() -> None:
    values = np.array([*np.arange(100), np.nan], dtype=np.float32)

    reference = evaluation.number_reference(values)

    assert reference.counts == (*[10] * 10, 1)


def test_number_reference_counts_an_edge_above_it() -> None:
    reference = evaluation.number_reference(np.array([0.0, 1.0, 2.0]), edges=(1.0,))

    assert reference == Reference(edges=(1.0,), counts=(1, 2, 0))


def test_number_reference_of_blanks_alone_has_no_edges() -> None:
    assert evaluation.number_reference(np.full(3, np.nan)) == Reference(edges=(), counts=(0, 3))


def test_category_reference_counts_every_code() -> None:
    reference = evaluation.category_reference(np.array([0, 1, 3, 3]), ("a", "b", "c"))

    assert reference == Reference(edges=None, counts=(1, 1, 0, 2, 0))


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

    assert evaluation.multiply_adds(exported, taking(2, 6, 6)) == expected


def test_multiply_adds_of_a_mean_are_its_divisions() -> None:
    exported = network(helper.make_node("ReduceMean", ["x"], ["value"], axes=[3]), constants=[])

    assert evaluation.multiply_adds(exported, taking(2, 6, 6)) == 2 * 6


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
    assert evaluation.multiply_adds(exported, taking(steps, width)) == expected
