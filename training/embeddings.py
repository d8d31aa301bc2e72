"""What a table's network does with its columns before its hidden layers.

Everything is made of Keras' own layers and operations, so that a saved network opens anywhere.
Look-ups cost no multiply-adds; the interpolation after them does, and is counted here.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from training.datasets.tables import Rows

Pair = tuple[int, int]
Integers = NDArray[np.int32]

_WEEK = 7
_YEAR = 365.2425
_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday
_CELLS = 1024


def calendar(dates: Any) -> Any:
    """Compute each date's day of the week, day of the year and part of the day.

    Args:
        dates: Days since 1970-01-01 UTC; a blank's features are blank.

    Shapes:
        (n, dates) to (n, 3 * dates): weekdays from 0 for Monday, days of the year from 0, parts
        of the day from 0.
    """
    whole = ops.floor(dates)
    weekday = _remainder(whole + _FIRST_WEEKDAY, _WEEK)
    return ops.concatenate([weekday, _remainder(whole, _YEAR), dates - whole], axis=1)


def with_calendar(rows: Rows, dates: Sequence[int]) -> Rows:
    """Return rows whose numbers have the calendar's columns after them."""
    if not dates:
        return rows
    features = ops.convert_to_numpy(calendar(ops.convert_to_tensor(rows.numbers[:, dates])))
    return Rows(np.concatenate([rows.numbers, features], axis=1), rows.categories)


def quantile_position(numbers: Any, knots: Sequence[Sequence[float]]) -> tuple[Any, Any]:
    """Replace each number by its quantile in training, linear between knots.

    The search among the knots is done beforehand, on a fine grid over the squashed value
    z / (1 + |z|): at run time a look-up and one interpolation remain, however many knots.

    Args:
        numbers: Without blanks.
        knots: For each column an increasing list of at least two values.

    Returns:
        Quantiles in [0, 1] and squashed values in [-1, 1].

    Shapes:
        (n, columns) to two of (n, columns).
    """
    centre = np.array([np.median(column) for column in knots])
    spread = np.array([_spread(np.array(column)) for column in knots])
    scaled = layers.Rescaling((1 / spread).tolist(), offset=(-centre / spread).tolist())(numbers)
    squashed = scaled / (1 + ops.abs(scaled))
    cell, fraction = _locate((squashed + 1) / 2, _CELLS)
    table = _frozen_table(_quantiles(knots, centre, spread))
    offsets = np.arange(len(knots), dtype=np.int32) * (_CELLS + 1)
    left, right = (ops.squeeze(table(cell + offsets + step), axis=-1) for step in (0, 1))
    return left + fraction * (right - left), squashed


def quantile_multiply_adds(columns: int) -> int:
    """Count what `quantile_position` costs a row: four for the cell, one to interpolate."""
    return 5 * columns


def _quantiles(
    knots: Sequence[Sequence[float]], centre: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    squashed = np.linspace(-1 + 1e-6, 1 - 1e-6, _CELLS + 1)
    grid = squashed / (1 - np.abs(squashed))
    return np.concatenate(
        [
            np.interp(grid * width + middle, column, np.linspace(0, 1, len(column)))
            for middle, width, column in zip(centre, spread, knots, strict=True)
        ]
    )


def _frozen_table(values: NDArray[np.float64]) -> layers.Embedding:
    table = layers.Embedding(len(values), 1, trainable=False)
    table.build(None)
    table.set_weights([values[:, np.newaxis]])
    return table


def spline_embedding(quantile: Any, missing: Any, *, pieces: int, width: int) -> Any:
    """Embed each column's quantile by a learned piecewise linear curve, a blank by a vector.

    Args:
        quantile: In [0, 1].
        missing: 1 where blank, else 0.
        pieces: Of each curve.
        width: Length of a column's embedding.

    Shapes:
        Two of (n, columns) to (n, columns * width).

    References:
        Gorishniy, Rubachev, Babenko (2022), On embeddings for numerical features in tabular deep
        learning, section 3.2. arXiv:2203.05556
    """
    columns, points = quantile.shape[1], pieces + 1
    curves = layers.Embedding(columns * points, width, _normal(0.3), name="curves")
    first = np.arange(columns, dtype=np.int32) * points
    piece, fraction = _locate(quantile, pieces)
    left, right = curves(piece + first), curves(piece + first + 1)
    embedded = left + ops.expand_dims(fraction, -1) * (right - left)
    return layers.Flatten()(_or_blank(embedded, missing, _normal(0.3)))


def spline_multiply_adds(columns: int, width: int) -> int:
    """Count what `spline_embedding` costs a row: the piece, an interpolation and the blank's."""
    return columns * (1 + 2 * width)


def grid_embedding(
    quantile: Any, missing: Any, *, pairs: Sequence[Pair], sides: Sequence[int], width: int
) -> Any:
    """Embed pairs of columns (a place on a map, say) by learned grids of several resolutions.

    Args:
        quantile: In [0, 1].
        missing: 1 where blank, else 0.
        pairs: The columns that span each grid.
        sides: Cells along a side of each grid, for every pair.
        width: Length of one grid's embedding.

    Shapes:
        Two of (n, columns) to (n, pairs * sides * width).

    References:
        Mueller, Evans, Schied, Keller (2022), Instant neural graphics primitives with a
        multiresolution hash encoding, section 3; here without hashing. arXiv:2201.05989
    """
    side = np.array([*sides] * len(pairs), np.int32)
    ends = np.cumsum((side + 1) ** 2).astype(np.int32)
    grids = layers.Embedding(int(ends[-1]), width, _normal(0.1), name="grids")
    first, second = (np.repeat([pair[axis] for pair in pairs], len(sides)) for axis in (0, 1))
    row, down = _locate(ops.take(quantile, first, axis=1), side)
    column, across = _locate(ops.take(quantile, second, axis=1), side)
    corner = row * (side + 1) + column + np.concatenate([[0], ends[:-1]]).astype(np.int32)
    down, across = ops.expand_dims(down, -1), ops.expand_dims(across, -1)
    upper = _between(grids, corner, across)
    lower = _between(grids, corner + (side + 1), across)
    blank = ops.maximum(ops.take(missing, first, axis=1), ops.take(missing, second, axis=1))
    embedded = upper + down * (lower - upper)
    return layers.Flatten()(_or_blank(embedded, blank, "zeros"))


def grid_multiply_adds(grids: int, width: int) -> int:
    """Count what `grid_embedding` costs a row: the cell, three interpolations and the blank's."""
    return grids * (2 + 4 * width)


def category_embedding(codes: Any, vocabulary_sizes: Sequence[int], *, width: int) -> Any:
    """Embed every column from one table, each column's codes moved to a range of its own.

    Args:
        codes: Category codes, int32.
        vocabulary_sizes: Codes of each column, missing and other counted.
        width: Length of a column's embedding.

    Shapes:
        (n, columns) to (n, columns * width).
    """
    ends = np.cumsum(vocabulary_sizes).astype(np.int32)
    first = np.concatenate([[0], ends[:-1]]).astype(np.int32)
    return layers.Flatten()(layers.Embedding(int(ends[-1]), width, name="words")(codes + first))


def _or_blank(embedded: Any, missing: Any, initializer: Any) -> Any:
    """Put a learned vector of its own in place of each embedding that is missing."""
    places, width = embedded.shape[1:]
    # Row 0 is what is added to what is known, nothing; the others are one vector a place.
    number = ops.cast(missing, "int32") * np.arange(1, places + 1, dtype=np.int32)
    blanks = layers.Embedding(places + 1, width, initializer)(number)
    mask = ops.expand_dims(missing, -1)
    return embedded + mask * (blanks - embedded)


def _between(grids: layers.Embedding, corner: Any, across: Any) -> Any:
    left = grids(corner)
    return left + across * (grids(corner + 1) - left)


def _normal(deviation: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=deviation)


def _locate(position: Any, cells: int | Integers) -> tuple[Any, Any]:
    """Split a position in [0, 1] into its cell's number and the fraction within the cell."""
    last = np.asarray(cells, np.float32)
    scaled = ops.minimum(ops.maximum(position * last, 0.0), last)
    cell = ops.minimum(ops.floor(scaled), last - np.float32(1))
    return ops.cast(cell, "int32"), scaled - cell


def _remainder(whole: Any, period: float) -> Any:
    """Take whole numbers modulo a period, half a unit away from where a last bit would decide."""
    return whole - period * ops.floor((whole + 0.5) / period)


def _spread(values: NDArray[np.float64]) -> float:
    """Return a width that is never zero: quartiles, else the range, else one."""
    quartiles = np.subtract(*np.quantile(values, (0.75, 0.25)))
    return float(quartiles or np.ptp(values) or 1.0)
