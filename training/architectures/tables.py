"""A network that learns a table from a transfer set: embeddings and three hidden layers."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from training.architectures.calendar import calendar, with_calendar
from training.architectures.embeddings import (
    MISSING_POSITION,
    Pair,
    category_embedding,
    grid_embedding,
    grid_multiply_adds,
    quantile_multiply_adds,
    quantile_position,
    spline_embedding,
    spline_multiply_adds,
)
from training.architectures.heads import Head
from training.architectures.quantiles import SPREAD_MULTIPLY_ADDS
from training.architectures.table_inputs import (
    code_input,
    date_columns,
    joined,
    number_input,
    vocabulary_sizes,
)
from training.datasets.tables import Rows
from vitrine.signature import ColumnSpec

Knots = Sequence[Sequence[float]]

# Pieces of a column's learned curve, and cells along the sides of a pair's learned grids.
_PIECES = 32
_GRID_SIDES = (8, 16, 32, 64, 128)
_GRID_WIDTH = 8
# All columns share so many numbers, but each gets at least 2 and at most 8.
_EMBEDDED_NUMBERS, _LEAST_WIDTH, _LARGEST_WIDTH = 256, 2, 8
# Proportions of the three hidden layers.
_PROPORTIONS = (8, 6, 3)


def table_network(
    rows: Rows,
    specs: Sequence[ColumnSpec],
    head: Head,
    *,
    pairs: Sequence[Pair] = (),
    multiply_adds: int = 35_000,
) -> keras.Model:
    """Build a network that takes raw rows; imputation and scaling are part of it.

    Args:
        rows: Training rows, for quantiles.
        specs: Columns of the signature.
        head: The last layer.
        pairs: Pairs of number columns, the calendar's included, that are embedded together.
        multiply_adds: Largest cost of one row. The hidden layers are as wide as it allows.

    Returns:
        A model with the inputs `numbers` and `categories`, each of which is absent where there are
        no such columns. Its outputs are those of the head, and `features`, the last hidden layer.

    Shapes:
        numbers: (n, number and date columns); categories: (n, category columns); features:
        (n, width).
    """
    inputs, hidden, cost = _embed_columns(rows, specs, pairs)
    allowed = multiply_adds - SPREAD_MULTIPLY_ADDS - cost
    for width in _hidden_widths(hidden.shape[-1], allowed):
        hidden = layers.Dense(width, activation="relu")(hidden)
    return keras.Model(inputs, {**head(hidden), "features": hidden}, name="rows")


def _embed_columns(
    rows: Rows, specs: Sequence[ColumnSpec], pairs: Sequence[Pair]
) -> tuple[dict[str, Any], Any, int]:
    """Return the inputs, the embedded columns side by side, and their multiply-adds."""
    inputs: dict[str, Any] = {}
    parts: list[Any] = []
    cost = 0
    if columns := rows.numbers.shape[1]:
        inputs["numbers"] = number_input(columns)
        dates = date_columns(specs)
        knots = quantile_knots(with_calendar(rows, dates).numbers)
        parts, cost = _embed_numbers(_add_calendar(inputs["numbers"], dates), knots, pairs)
    if sizes := vocabulary_sizes(specs):
        inputs["categories"] = code_input(len(sizes))
        width = _shared_width(len(sizes))
        parts.append(category_embedding(inputs["categories"], sizes, width=width))
    return inputs, joined(parts), cost


def _add_calendar(numbers: Any, dates: Sequence[int]) -> Any:
    if not dates:
        return numbers
    return ops.concatenate([numbers, calendar(ops.take(numbers, dates, axis=1))], axis=1)


def _embed_numbers(numbers: Any, knots: Knots, pairs: Sequence[Pair]) -> tuple[list[Any], int]:
    """Return what the hidden layers get of the number columns, and its multiply-adds."""
    # 1. Put medians in the place of missing values, and remember where.
    medians = np.array([np.median(column) for column in knots], np.float32)
    missing = ops.isnan(numbers)
    known = ops.where(missing, medians, numbers)
    # 2. Turn every number into its quantile, and embed that by a curve.
    quantile, squashed = quantile_position(known, knots)
    position = ops.where(missing, MISSING_POSITION, quantile)
    width = _shared_width(len(knots))
    curves = spline_embedding(position, pieces=_PIECES, width=width)
    cost = quantile_multiply_adds(len(knots)) + spline_multiply_adds(len(knots), width)
    if not pairs:
        return [curves, quantile, squashed], cost
    # 3. Embed related columns together by grids.
    grids = grid_embedding(position, pairs=pairs, sides=_GRID_SIDES, width=_GRID_WIDTH)
    cost += grid_multiply_adds(len(knots), len(pairs) * len(_GRID_SIDES), _GRID_WIDTH)
    return [curves, quantile, squashed, grids], cost


def quantile_knots(numbers: NDArray[np.float32], *, count: int = 257) -> list[list[float]]:
    """Return the distinct quantiles of each column.

    A column of one value, or of none, has two.

    Args:
        numbers: Training numbers, NaN where one is missing.
        count: Largest number of quantiles.

    Shapes:
        numbers: (n, columns).
    """
    return [_column_knots(column, count) for column in numbers.T.astype(np.float64)]


def _column_knots(column: NDArray[np.float64], count: int) -> list[float]:
    known = column[np.isfinite(column)]
    values = np.unique(np.quantile(known if len(known) else [0.0], np.linspace(0, 1, count)))
    knots = values if len(values) > 1 else values[0] + np.array([-0.5, 0.5])
    return [float(knot) for knot in knots]


def _shared_width(columns: int) -> int:
    """Return the length of a column's embedding, which is shorter where there are many columns."""
    return int(np.clip(_EMBEDDED_NUMBERS // columns, _LEAST_WIDTH, _LARGEST_WIDTH))


def _hidden_widths(features: int, multiply_adds: int) -> tuple[int, int, int]:
    """Return the widths of the widest three layers that cost at most so many multiply-adds."""
    first, second, third = _PROPORTIONS
    for unit in range(multiply_adds, 1, -1):
        inner = (first * second + second * third) * unit**2
        if features * first * unit + inner + third * unit <= multiply_adds:
            return first * unit, second * unit, third * unit
    return _PROPORTIONS
