"""Columns of a table -> what its hidden layers get.

Everything is made of Keras' own layers and operations, so that a saved network opens anywhere.
Look-ups cost no multiply-adds. The interpolation after them does; its cost is counted here.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

# Indices of two number columns.
Pair = tuple[int, int]
Integers = NDArray[np.int32]
Doubles = NDArray[np.float64]

# Cells of the grid on which quantiles are looked up.
_CELLS = 1024


def quantile_position(numbers: Any, knots: Sequence[Sequence[float]]) -> tuple[Any, Any]:
    """Replace each number by its quantile in training, linear between knots.

    The search among the knots is done beforehand, on a fine grid over the squashed value
    z / (1 + |z|). At run time one look-up and one interpolation remain, however many knots there
    are.

    Args:
        numbers: Numbers, none missing.
        knots: Ascending quantiles of each column, at least two.

    Returns:
        Quantiles in [0, 1], and squashed values in [-1, 1].

    Shapes:
        numbers and both results: (n, columns).
    """
    # 1. Squash each number, which maps all numbers onto the grid.
    centre = np.array([np.median(column) for column in knots])
    spread = np.array([_spread(np.array(column)) for column in knots])
    scaled = layers.Rescaling((1 / spread).tolist(), offset=(-centre / spread).tolist())(numbers)
    squashed = scaled / (1 + ops.abs(scaled))
    # 2. Find its cell of the grid, and where in the cell it lies.
    cell, fraction = _locate((squashed + 1) / 2, _CELLS)
    # 3. Look up the quantiles at both ends of the cell, and interpolate.
    table = _frozen_table(_grid_quantiles(knots, centre, spread))
    offsets = np.arange(len(knots), dtype=np.int32) * (_CELLS + 1)
    left, right = (ops.squeeze(table(cell + offsets + step), axis=-1) for step in (0, 1))
    return left + fraction * (right - left), squashed


def quantile_multiply_adds(columns: int) -> int:
    """Count the cost of `quantile_position` for a row: four for the cell, one to interpolate."""
    return 5 * columns


def _grid_quantiles(knots: Sequence[Sequence[float]], centre: Doubles, spread: Doubles) -> Doubles:
    """Return the quantiles of each column at every point of the grid.

    Shapes:
        centre, spread: (columns,); result: (columns * (cells + 1),).
    """
    squashed = np.linspace(-1 + 1e-6, 1 - 1e-6, _CELLS + 1)
    grid = squashed / (1 - np.abs(squashed))
    return np.concatenate(
        [
            np.interp(grid * width + middle, column, np.linspace(0, 1, len(column)))
            for middle, width, column in zip(centre, spread, knots, strict=True)
        ]
    )


def _frozen_table(values: Doubles) -> layers.Embedding:
    table = layers.Embedding(len(values), 1, trainable=False)
    table.build(None)
    table.set_weights([values[:, np.newaxis]])
    return table


def spline_embedding(quantile: Any, missing: Any, *, pieces: int, width: int) -> Any:
    """Embed the quantiles of each column by a learned piecewise linear curve.

    A missing value is embedded by a learned vector.

    Args:
        quantile: Quantiles in [0, 1].
        missing: 1 where a value is missing, else 0.
        pieces: Number of pieces of each curve.
        width: Length of a column's embedding.

    Shapes:
        quantile, missing: (n, columns); result: (n, columns * width).

    References:
        Gorishniy, Rubachev, Babenko (2022), On embeddings for numerical features in tabular deep
        learning, section 3.2, arXiv:2203.05556.
    """
    columns, points = quantile.shape[1], pieces + 1
    curves = layers.Embedding(columns * points, width, _normal(0.3), name="curves")
    first = np.arange(columns, dtype=np.int32) * points
    piece, fraction = _locate(quantile, pieces)
    left, right = curves(piece + first), curves(piece + first + 1)
    embedded = left + ops.expand_dims(fraction, -1) * (right - left)
    return layers.Flatten()(_or_missing(embedded, missing, _normal(0.3)))


def spline_multiply_adds(columns: int, width: int) -> int:
    """Count the cost of `spline_embedding` for a row.

    It is one for the piece, an interpolation, and the choice of the vector of a missing value.
    """
    return columns * (1 + 2 * width)


def grid_embedding(
    quantile: Any, missing: Any, *, pairs: Sequence[Pair], sides: Sequence[int], width: int
) -> Any:
    """Embed pairs of columns, such as coordinates, by learned grids of several resolutions.

    Args:
        quantile: Quantiles in [0, 1].
        missing: 1 where a value is missing, else 0.
        pairs: Columns that span the grids.
        sides: Number of cells along a side of each grid, the same for every pair.
        width: Length of the embedding of one grid.

    Shapes:
        quantile, missing: (n, columns); result: (n, pairs * sides * width).

    References:
        Mueller, Evans, Schied, Keller (2022), Instant neural graphics primitives with a
        multiresolution hash encoding, section 3; here without hashing. arXiv:2201.05989.
    """
    # 1. All grids of all pairs lie one after the other in one table.
    side = np.array([*sides] * len(pairs), np.int32)
    ends = np.cumsum((side + 1) ** 2).astype(np.int32)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int32)
    grids = layers.Embedding(int(ends[-1]), width, _normal(0.1), name="grids")
    # 2. Find the cell of each grid, and where in the cell the point lies.
    first, second = (np.repeat([pair[axis] for pair in pairs], len(sides)) for axis in (0, 1))
    row, down = _locate(ops.take(quantile, first, axis=1), side)
    column, across = _locate(ops.take(quantile, second, axis=1), side)
    # 3. Interpolate between the four corners of the cell.
    corner = row * (side + 1) + column + starts
    down, across = ops.expand_dims(down, -1), ops.expand_dims(across, -1)
    upper = _interpolate_row(grids, corner, across)
    lower = _interpolate_row(grids, corner + (side + 1), across)
    # 4. A pair is missing where either of its columns is.
    is_missing = ops.maximum(ops.take(missing, first, axis=1), ops.take(missing, second, axis=1))
    embedded = upper + down * (lower - upper)
    return layers.Flatten()(_or_missing(embedded, is_missing, "zeros"))


def grid_multiply_adds(grids: int, width: int) -> int:
    """Count the cost of `grid_embedding` for a row.

    It is two for the cell, three interpolations, and the choice of the vector of a missing value.
    """
    return grids * (2 + 4 * width)


def category_embedding(codes: Any, vocabulary_sizes: Sequence[int], *, width: int) -> Any:
    """Embed all category columns from one table, in which each has a range of its own.

    Args:
        codes: Codes of categories, int32.
        vocabulary_sizes: Number of codes of each column, missing and other included.
        width: Length of a column's embedding.

    Shapes:
        codes: (n, columns); result: (n, columns * width).
    """
    ends = np.cumsum(vocabulary_sizes).astype(np.int32)
    first = np.concatenate([[0], ends[:-1]]).astype(np.int32)
    return layers.Flatten()(layers.Embedding(int(ends[-1]), width, name="words")(codes + first))


def _or_missing(embedded: Any, missing: Any, initializer: Any) -> Any:
    """Replace each embedding of a missing value by a learned vector of its own.

    Shapes:
        embedded and result: (n, columns, width); missing: (n, columns).
    """
    columns, width = embedded.shape[1:]
    # Row 0 belongs to what is not missing, and is not used; then each column has a vector.
    number = ops.cast(missing, "int32") * np.arange(1, columns + 1, dtype=np.int32)
    vectors = layers.Embedding(columns + 1, width, initializer)(number)
    mask = ops.expand_dims(missing, -1)
    return embedded + mask * (vectors - embedded)


def _interpolate_row(grids: layers.Embedding, corner: Any, across: Any) -> Any:
    left = grids(corner)
    return left + across * (grids(corner + 1) - left)


def _normal(deviation: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=deviation)


def _locate(position: Any, cells: int | Integers) -> tuple[Any, Any]:
    """Split a position in [0, 1] into the index of its cell and the fraction within the cell."""
    last = np.asarray(cells, np.float32)
    scaled = ops.minimum(ops.maximum(position * last, 0.0), last)
    cell = ops.minimum(ops.floor(scaled), last - np.float32(1))
    return ops.cast(cell, "int32"), scaled - cell


def _spread(values: Doubles) -> float:
    """Return a width that is never zero: of the quartiles, else of the range, else 1."""
    quartiles = np.subtract(*np.quantile(values, (0.75, 0.25)))
    return float(quartiles or np.ptp(values) or 1.0)
