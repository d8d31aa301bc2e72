"""Networks that take rows of a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from training.architectures.hidden import Hidden
from training.architectures.labels import PROBABILITIES, probabilities
from training.datasets.tables import Rows
from training.embeddings import (
    Pair,
    calendar,
    category_embedding,
    grid_embedding,
    grid_multiply_adds,
    quantile_multiply_adds,
    quantile_position,
    spline_embedding,
    spline_multiply_adds,
    with_calendar,
)
from vitrine.signature import FIRST_CODE, CategoryInput, ColumnSpec, DateInput

Floats = NDArray[np.float32]
Targets = NDArray[np.float64]
Loss = Callable[[Any, Any], Any]

# Of a column's learned curve and of the learned grids over a pair of columns.
_PIECES = 32
_GRID_SIDES = (8, 16, 32, 64, 128)
_GRID_WIDTH = 8
# Of the network that says how far the truth may lie away: its hidden layer, and what it may cost.
_SPREAD_WIDTH = 16
_SPREAD_MULTIPLY_ADDS = 1_000


class Head(Protocol):
    """What a table's network predicts: its last layer."""

    @property
    def layer(self) -> str:
        """The name of the layer whose output is fitted."""

    @property
    def loss(self) -> str:
        """The loss that it is fitted by."""

    @property
    def loss_weight(self) -> float:
        """What the loss is multiplied by, so that 1 is usual at the start."""

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return the outputs by name, the prediction among them.

        Shapes:
            features: (n, width); each output (n, ...).
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueHead:
    """A number in the target's unit.

    Attributes:
        mean, spread: Of the training targets: the last layer works on standardised ones.
    """

    mean: float
    spread: float
    layer = "value"
    loss = "mean_squared_error"

    @property
    def loss_weight(self) -> float:
        """One over the targets' variance."""
        return 1 / self.spread**2

    @classmethod
    def of(cls, target: Targets) -> "ValueHead":
        """Measure training targets."""
        return cls(mean=float(target.mean()), spread=float(target.std()) or 1.0)

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return `value`, (n, 1)."""
        scale = layers.Rescaling(self.spread, self.mean, name="value")
        return {"value": scale(layers.Dense(1)(features))}


@dataclass(frozen=True, slots=True)
class BinaryHead:
    """One of two class labels, by a sigmoid."""

    layer = "probability"
    loss = "binary_crossentropy"
    loss_weight = 1.0

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return `probabilities`, (n, 2), of which the second is the sigmoid's."""
        second = layers.Dense(1, activation="sigmoid", name="probability")(features)
        both = ops.concatenate([1 - second, second], axis=1)
        return {"probabilities": both}


@dataclass(frozen=True, slots=True)
class ClassesHead:
    """One of several class labels, by a softmax."""

    classes: int
    layer = PROBABILITIES
    loss = "categorical_crossentropy"
    loss_weight = 1.0

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return `probabilities`, (n, classes)."""
        return {"probabilities": probabilities(features, self.classes)}


@dataclass(frozen=True, slots=True)
class LabelsHead:
    """Any of several class labels, by a sigmoid each."""

    labels: int
    layer = PROBABILITIES
    loss = "binary_crossentropy"
    loss_weight = 1.0

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return `probabilities`, (n, labels), each by itself."""
        return {"probabilities": probabilities(features, self.labels, activation="sigmoid")}


def balanced(head: Head, shares: Floats) -> Loss:
    """Return the head's cross-entropy with every class label counting the same, however rare.

    Args:
        head: Of class labels.
        shares: Of the instances that have each of the labels that the head's layer tells.

    Shapes:
        shares: (width,).
    """
    having = (1 / np.maximum(shares, 1e-6)).astype(np.float32)
    lacking = (1 / np.maximum(1 - shares, 1e-6)).astype(np.float32)

    def of_each(truth: Any, predicted: Any) -> Any:
        told = truth * having * _log(predicted) + (1 - truth) * lacking * _log(1 - predicted)
        return -ops.mean(told, axis=-1) / 2

    def of_one(truth: Any, predicted: Any) -> Any:
        return -ops.mean(truth * having * _log(predicted), axis=-1)

    return of_one if isinstance(head, ClassesHead) else of_each


def _log(probabilities: Any) -> Any:
    return ops.log(ops.maximum(probabilities, 1e-7))


def predict(network: keras.Model, rows: Rows) -> dict[str, Floats]:
    """Return the network's outputs, a value without its second axis.

    Shapes:
        value: (n,); any other (n, width).
    """
    outputs: dict[str, Floats] = network.predict(rows.tensors(), batch_size=4096, verbose=0)
    return {name: output[:, 0] if name == "value" else output for name, output in outputs.items()}


def quantile_knots(numbers: Floats, *, count: int = 257) -> list[list[float]]:
    """Return each column's distinct quantiles, at least two even where all is one value or blank.

    Shapes:
        (n, columns) to `columns` lists of at most `count` values.
    """
    knots = []
    for column in numbers.T.astype(np.float64):
        known = column[np.isfinite(column)]
        values = np.unique(np.quantile(known if len(known) else [0.0], np.linspace(0, 1, count)))
        knots.append((values if len(values) > 1 else values[0] + np.array([-0.5, 0.5])).tolist())
    return knots


def table_network(
    rows: Rows,
    specs: Sequence[ColumnSpec],
    head: Head,
    *,
    pairs: Sequence[Pair] = (),
    multiply_adds: int = 35_000,
) -> keras.Model:
    """Build a network that takes raw rows; imputation and scaling are part of it.

    The hidden layers are as wide as the multiply-adds allow.

    Args:
        rows: Training rows, for quantiles.
        specs: The columns.
        head: What is predicted.
        pairs: Number columns, the calendar's counted, to be embedded together.
        multiply_adds: What one row may cost at most.

    Returns:
        A model of inputs `numbers` and `categories`, the head's outputs and `features`, the last
        hidden layer.

    Shapes:
        numbers: (n, number and date columns); categories: (n, category columns), each left out
        where there are none; features: (n, width).
    """
    inputs, hidden, spent = _table_features(rows, specs, pairs)
    widths = _hidden_widths(hidden.shape[-1], multiply_adds - _SPREAD_MULTIPLY_ADDS - spent)
    for width in widths:
        hidden = layers.Dense(width, activation="relu")(hidden)
    return keras.Model(inputs, {**head(hidden), "features": hidden}, name="rows")


def plain_table_network(
    rows: Rows, specs: Sequence[ColumnSpec], head: Head, hidden: Hidden
) -> keras.Model:
    """Build a multilayer perceptron that takes raw rows, as a tutorial would.

    Blanks become the median of training and a mark that they were; numbers are standardised,
    categories one-hot.

    Args:
        rows: Training rows, for medians, means and spreads.
        specs: The columns.
        head: What is predicted.
        hidden: The layers.

    Returns:
        A model of inputs `numbers` and `categories`, each left out where there are none, and of the
        head's outputs and `features`, the last hidden layer.

    Shapes:
        numbers: (n, number and date columns); categories: (n, category columns); features:
        (n, width).
    """
    inputs: dict[str, Any] = {}
    parts: list[Any] = []
    if columns := rows.numbers.shape[1]:
        numbers = inputs["numbers"] = keras.Input((columns,), name="numbers")
        parts += _standardised(numbers, rows.numbers)
    sizes = [FIRST_CODE + len(spec.vocabulary) for spec in specs if isinstance(spec, CategoryInput)]
    if sizes:
        codes = inputs["categories"] = keras.Input((len(sizes),), dtype="int32", name="categories")
        parts += [
            _one_hot(codes[:, place], size, np.unique(rows.categories[:, place]))
            for place, size in enumerate(sizes)
        ]
    features = hidden(ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0])
    return keras.Model(inputs, {**head(features), "features": features}, name="rows")


def _one_hot(codes: Any, size: int, seen: NDArray[np.int32]) -> Any:
    """Mark the codes that training saw: what it did not see has no weights worth having."""
    return ops.take(ops.one_hot(codes, size), seen.tolist(), axis=1)


def _standardised(numbers: Any, seen: Floats) -> list[Any]:
    """Return numbers of mean 0 and spread 1 in training, and marks of what was blank."""
    blank = np.isnan(seen).any(axis=0)
    known = np.where(np.isnan(seen).all(axis=0), np.float32(0), seen)
    medians = np.nanmedian(known, axis=0).astype(np.float32)
    filled = np.where(np.isnan(known), medians, known).astype(np.float64)
    mean, spread = filled.mean(axis=0), filled.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    missing = ops.isnan(numbers)
    scale = layers.Rescaling((1 / spread).tolist(), (-mean / spread).tolist())
    parts = [scale(ops.where(missing, medians, numbers))]
    if blank.any():
        marks = ops.take(ops.cast(missing, "float32"), np.flatnonzero(blank).tolist(), axis=1)
        parts.append(marks)
    return parts


def spread_network(features: Floats) -> keras.Model:
    """Build a network from a fitted network's features to how far the truth may lie away.

    Args:
        features: Of training rows, for their scale.

    Shapes:
        features: (n, width); result: (n, 2), below and above, none negative.
    """
    width = features.shape[1]
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-3
    taken = keras.Input((width,), name="features")
    hidden = layers.Rescaling((1 / deviation).tolist(), (-mean / deviation).tolist())(taken)
    hidden = layers.Dense(
        _SPREAD_WIDTH, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)
    )(hidden)
    # Softplus of 1 is 1.3: quantiles start about where they are of residuals of spread 1.
    outputs = layers.Dense(2, activation="softplus", bias_initializer="ones")(hidden)
    return keras.Model(taken, outputs, name="spread")


def with_quantiles(network: keras.Model, spread: keras.Model, *, unit: float) -> keras.Model:
    """Add to a regression network the quantiles that its values lie between.

    Args:
        network: With outputs `value` and `features`.
        spread: From the features to distances below and above.
        unit: What the distances are measured in, in the target's unit.

    Returns:
        A model of the same inputs, with outputs `value` and `quantiles`.

    Shapes:
        quantiles: (n, 2).
    """
    value = network.output["value"]
    away = layers.Rescaling([-unit, unit])(spread(network.output["features"]))
    outputs = {"value": value, "quantiles": layers.Add(name="quantiles")([value, away])}
    return keras.Model(network.input, outputs, name=network.name)


def by_column(rows_network: keras.Model, specs: Sequence[ColumnSpec]) -> keras.Model:
    """Give a network of rows one named input a column, as a signature has it.

    Shapes:
        Each input (n, 1).
    """
    inputs = {
        spec.tensor: keras.Input(spec.shape, dtype=spec.dtype, name=spec.tensor) for spec in specs
    }
    sides: dict[str, list[Any]] = {"numbers": [], "categories": []}
    for spec in specs:
        side = "categories" if isinstance(spec, CategoryInput) else "numbers"
        sides[side].append(inputs[spec.tensor])
    joined = {
        side: ops.concatenate(tensors, axis=1) if len(tensors) > 1 else tensors[0]
        for side, tensors in sides.items()
        if tensors
    }
    return keras.Model(inputs, rows_network(joined), name="table")


def date_columns(specs: Sequence[ColumnSpec]) -> list[int]:
    """Return which of the number columns are dates."""
    numeric = [spec for spec in specs if not isinstance(spec, CategoryInput)]
    return [place for place, spec in enumerate(numeric) if isinstance(spec, DateInput)]


def _table_features(
    rows: Rows, specs: Sequence[ColumnSpec], pairs: Sequence[Pair]
) -> tuple[dict[str, Any], Any, int]:
    """Return the inputs, what is known of them, and the multiply-adds that it takes."""
    inputs: dict[str, Any] = {}
    parts: list[Any] = []
    spent = 0
    dates = date_columns(specs)
    if columns := rows.numbers.shape[1]:
        numbers = inputs["numbers"] = keras.Input((columns,), name="numbers")
        if dates:
            numbers = ops.concatenate([numbers, calendar(ops.take(numbers, dates, axis=1))], axis=1)
        embedded, spent = _embed_numbers(
            numbers, quantile_knots(with_calendar(rows, dates).numbers), pairs
        )
        parts += embedded
    sizes = [FIRST_CODE + len(spec.vocabulary) for spec in specs if isinstance(spec, CategoryInput)]
    if sizes:
        codes = inputs["categories"] = keras.Input((len(sizes),), dtype="int32", name="categories")
        parts.append(category_embedding(codes, sizes, width=_shared_width(len(sizes))))
    return inputs, ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0], spent


def _embed_numbers(
    numbers: Any, knots: Sequence[Sequence[float]], pairs: Sequence[Pair]
) -> tuple[list[Any], int]:
    medians = np.array([np.median(column) for column in knots], np.float32)
    missing = ops.cast(ops.isnan(numbers), "float32")
    known = ops.where(ops.isnan(numbers), medians, numbers)
    quantile, squashed = quantile_position(known, knots)
    width = _shared_width(len(knots))
    curves = spline_embedding(quantile, missing, pieces=_PIECES, width=width)
    parts = [curves, quantile, squashed]
    spent = quantile_multiply_adds(len(knots)) + spline_multiply_adds(len(knots), width)
    if pairs:
        parts.append(
            grid_embedding(quantile, missing, pairs=pairs, sides=_GRID_SIDES, width=_GRID_WIDTH)
        )
        spent += grid_multiply_adds(len(pairs) * len(_GRID_SIDES), _GRID_WIDTH)
    return parts, spent


def _shared_width(columns: int) -> int:
    """Return the length of a column's embedding: shorter where there are many."""
    return int(np.clip(256 // columns, 2, 8))


def _hidden_widths(features: int, multiply_adds: int) -> tuple[int, int, int]:
    """Return the widest three layers, as 8 to 6 to 3, that cost at most `multiply_adds`."""
    for unit in range(multiply_adds, 1, -1):
        widths = (8 * unit, 6 * unit, 3 * unit)
        if features * widths[0] + 66 * unit**2 + widths[2] <= multiply_adds:
            return widths
    return 8, 6, 3
