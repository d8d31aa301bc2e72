"""What a trained network is worth: scores, calibration scores, reference distributions, cost.

NumPy, scikit-learn and ONNX only; knows nothing of Keras, files or plots.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from vitrine import drift
from vitrine.bundle import Reference
from vitrine.signature import (
    FIRST_CODE,
    CategoryInput,
    ColumnSpec,
    Instances,
    Signature,
    encode_texts,
)

Values = NDArray[np.float32]
Shape = tuple[int, ...]

_REFERENCE_BINS = 10
# Ten bins of equal counts would all lie above 0.999 for a network that is nearly always sure.
_PROBABILITY_EDGES = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)


@dataclass(frozen=True, slots=True)
class History:
    """What was measured after each epoch.

    Attributes:
        measures: Values by epoch; those of validation under "val_" and the measure's name.
        kept: The epoch whose weights were kept, from 1.
    """

    measures: Mapping[str, Sequence[float]]
    kept: int


def classification_scores(probabilities: Values, y: NDArray[np.int64]) -> dict[str, float]:
    """Return accuracy, its standard error, and log loss.

    Shapes:
        probabilities: (n, classes); y: (n,), codes.
    """
    right = probabilities.argmax(axis=1) == y
    of_truth = probabilities[np.arange(len(y)), y].astype(np.float64)
    accuracy = float(right.mean())
    return {
        "accuracy": accuracy,
        "accuracy_standard_error": float(np.sqrt(accuracy * (1 - accuracy) / len(y))),
        "log_loss": float(-np.log(np.maximum(of_truth, 1e-12)).mean()),
    }


def ranking_scores(
    probabilities: Values, y: NDArray[np.int64], *, of: int | None
) -> dict[str, float]:
    """Return the areas under the ROC and precision-recall curves, and F1.

    Of more than two labels each is the mean over all labels, each against the others. What cannot
    be told because no instance has a label, or every one, is left out.

    Args:
        probabilities: As predicted.
        y: The truth.
        of: The code of the label that two labels are scored by; None where there are more.

    Shapes:
        probabilities: (n, classes); y: (n,), codes.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(y, minlength=classes)
    codes = [code for code in (range(classes) if of is None else [of]) if counts[code]]
    told = [code for code in codes if counts[code] < len(y)]
    predicted = probabilities.argmax(axis=1)
    found = {"roc_auc": roc_auc_score, "pr_auc": average_precision_score}
    scores = {
        name: float(np.mean([measure(y == code, probabilities[:, code]) for code in told]))
        for name, measure in found.items()
        if told
    }
    if codes:
        f1 = f1_score(y, predicted, labels=codes, average="macro", zero_division=0)
        scores["macro_f1" if of is None else "f1"] = float(f1)
    return scores


def regression_scores(values: Values, y: NDArray[np.float64]) -> dict[str, float]:
    """Return RMSE with its standard error, MAE and R2.

    The standard error is the delta method's: that of the mean squared error over twice the RMSE.

    Shapes:
        (n,).
    """
    residuals = values.astype(np.float64) - y
    squares = residuals**2
    rmse = float(np.sqrt(squares.mean()))
    spread = float(np.sum((y - y.mean()) ** 2))
    return {
        "rmse": rmse,
        "rmse_standard_error": float(squares.std() / np.sqrt(len(y)) / (2 * rmse)) if rmse else 0.0,
        "mae": float(np.abs(residuals).mean()),
        "r2": 1 - float(squares.sum()) / spread if spread else 0.0,
    }


def confusion(
    predicted: NDArray[np.int64], y: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Count how often each class (row) was taken for each (column).

    Shapes:
        (classes, classes).
    """
    return np.bincount(y * classes + predicted, minlength=classes**2).reshape(classes, classes)


def ascending(scores: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """Return scores ascending, with the digits that a float32 has."""
    return tuple(
        float(np.format_float_positional(score)) for score in np.sort(scores.astype(np.float32))
    )


def plain(value: float) -> str:
    """Write four digits, or every digit before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def number_reference(
    values: NDArray[np.floating[Any]], edges: tuple[float, ...] | None = None
) -> Reference:
    """Count numbers into bins that hold about equally many.

    Args:
        values: NaN for a blank.
        edges: Inner edges to use instead, ascending.
    """
    known = values[~np.isnan(values)]
    if edges is None:
        shares = np.linspace(0, 1, _REFERENCE_BINS + 1)[1:-1]
        quantiles = np.quantile(known, shares) if len(known) else np.empty(0)
        edges = tuple(np.unique(quantiles.astype(np.float32)).tolist())
    counts = np.bincount(drift.number_places(values, edges), minlength=len(edges) + 2)
    return Reference(edges=edges, counts=tuple(counts.tolist()))


def category_reference(codes: NDArray[np.integer[Any]], vocabulary: tuple[str, ...]) -> Reference:
    """Count a category's codes: blank, other, then the vocabulary in order."""
    counts = np.bincount(codes, minlength=FIRST_CODE + len(vocabulary))
    return Reference(edges=None, counts=tuple(counts.tolist()))


def table_references(instances: Instances, specs: Sequence[ColumnSpec]) -> dict[str, Reference]:
    """Count each column of raw rows into bins; columns that the rows lack are left out."""
    return {
        spec.name: (
            category_reference(encode_texts(instances[spec.name], spec.codes), spec.vocabulary)
            if isinstance(spec, CategoryInput)
            else number_reference(instances[spec.name].astype(np.float32))
        )
        for spec in specs
        if spec.name in instances
    }


def picture_references(
    pixels: NDArray[np.uint8], probabilities: Values, labels: tuple[str, ...], *, inked: bool
) -> dict[str, Reference]:
    """Count pictures by what is measured of their ink or light, and by what was predicted.

    Args:
        pixels: Levels in [0, 255] in the network's geometry, of training.
        probabilities: Of pictures that did not train, or every one would be sure.
        labels: Of the classes.
        inked: Whether they are ink on black.

    Shapes:
        pixels: (n, height, width, channels); probabilities: (m, classes).
    """
    references = {
        name: number_reference(each)
        for name, each in drift.picture_measures(pixels, inked=inked).items()
    }
    predicted = probabilities.argmax(axis=1) + FIRST_CODE
    references["label"] = category_reference(predicted, labels)
    references["probability"] = number_reference(probabilities.max(axis=1), _PROBABILITY_EDGES)
    return references


def multiply_adds(network: onnx.ModelProto, signature: Signature) -> int:
    """Count the multiplications that one instance costs, as the exported file does them.

    A multiplication with the addition that follows it counts once; so does a division or any
    other function of one number. Additions, comparisons and moves by themselves do not count.

    Args:
        network: The exported network.
        signature: What it takes.

    Raises:
        KeyError: It has an operation that is not known here.
    """
    shapes = _shapes(network, signature)
    return sum(
        _MULTIPLICATIONS[node.op_type](
            [shapes[name] for name in node.input if name], shapes[node.output[0]]
        )
        for node in network.graph.node
        if node.op_type not in _WITHOUT_MULTIPLICATION
    )


def _shapes(network: onnx.ModelProto, signature: Signature) -> dict[str, Shape]:
    """Run one instance and see the shape of everything in between."""
    opened = onnx.ModelProto()
    opened.CopyFrom(network)
    known = {output.name for output in opened.graph.output}
    names = {name for node in opened.graph.node for name in node.output if name}
    opened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(names - known))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        opened.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    outputs = [output.name for output in session.get_outputs()]
    instance = {
        spec.tensor: np.zeros((1, *spec.shape), dtype=spec.dtype) for spec in signature.inputs
    }
    arrays = zip(outputs, session.run(outputs, instance), strict=True)
    return {
        **{name: np.shape(array) for name, array in (*instance.items(), *arrays)},
        **{tensor.name: tuple(tensor.dims) for tensor in opened.graph.initializer},
    }


def _elementwise(_inputs: list[Shape], output: Shape) -> int:
    return int(np.prod(output))


def _matrix(inputs: list[Shape], output: Shape) -> int:
    return int(np.prod(output)) * inputs[0][-1]


def _convolution(inputs: list[Shape], output: Shape) -> int:
    return int(np.prod(output)) * int(np.prod(inputs[1][1:]))


def _lstm(inputs: list[Shape], _output: Shape) -> int:
    steps = inputs[0][0]
    directions, _, units = inputs[2]
    # Of each unit: four gates, the tangent of what is held, and three products.
    functions = directions * units * (4 + 1 + 3)
    return int(steps * (np.prod(inputs[1]) + np.prod(inputs[2]) + functions))


_MULTIPLICATIONS: dict[str, Callable[[list[Shape], Shape], int]] = {
    "Conv": _convolution,
    "Gemm": _matrix,
    "MatMul": _matrix,
    "LSTM": _lstm,
    "Softmax": _elementwise,
    **dict.fromkeys(("AveragePool", "GlobalAveragePool", "ReduceMean"), _elementwise),
    **dict.fromkeys(("Mul", "Div", "Reciprocal", "Sqrt", "Pow", "Exp", "Log"), _elementwise),
    **dict.fromkeys(("Sin", "Cos", "Erf", "Sigmoid", "Tanh", "Softplus", "Softsign"), _elementwise),
    **dict.fromkeys(("Elu", "Selu", "LeakyRelu", "PRelu", "HardSigmoid"), _elementwise),
}
_WITHOUT_MULTIPLICATION = frozenset(
    {
        *("Add", "Sub", "Sum", "Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Max", "Min"),
        *("Clip", "Relu", "MaxPool", "ReduceMax", "ReduceMin", "ReduceSum", "ArgMax", "CumSum"),
        *("And", "Or", "Not", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"),
        *("IsNaN", "IsInf", "Where", "Cast", "Identity", "Shape", "Range", "ConstantOfShape"),
        *("Concat", "Split", "Slice", "Gather", "GatherND", "GatherElements", "OneHot", "Pad"),
        *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Transpose"),
    }
)
