"""Columns of a table -> what its hidden layers get.

Everything is made of Keras' own layers and operations, so that a saved network opens anywhere.
Look-ups cost no multiply-adds. The interpolation after them does; its cost is counted here.

A served network spends as much on calling its operations as on their arithmetic. So there are few
of them, and they work on whole matrices.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from training.architectures.table_inputs import pick_columns, picking_matrix

# Indices of two number columns.
Pair = tuple[int, int]
Floats = NDArray[np.float32]
Integers = NDArray[np.int32]
Doubles = NDArray[np.float64]

# The position of a missing value on curves and grids. It is beyond their last points, and whole:
# the missing value lies on a point of its own, and not between two points.
MISSING_POSITION = 256.0

# Cells of the grid on which quantiles are looked up.
_CELLS = 1024
# Keeps a scaled number finite in float32 when it is squashed.
_LARGEST_SCALED = 1e30


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
    finite = ops.clip(scaled, -_LARGEST_SCALED, _LARGEST_SCALED)
    # Not `ops.softsign`: that of ONNX Runtime rounds otherwise, and a small cell shows the bit.
    squashed = finite / (1 + ops.abs(finite))
    # 2. Find its cell of the grid, and where in the cell it lies.
    cell, fraction = _locate((squashed + 1) * (_CELLS / 2))
    # 3. Look up the quantile at the start of the cell and its growth over the cell.
    starts, growths = _grid_quantiles(knots, centre, spread)
    offsets = np.arange(len(knots), dtype=np.float32) * (_CELLS + 1)
    index = ops.cast(cell + offsets, "int32")
    start, growth = (
        ops.squeeze(_frozen_table(values)(index), axis=-1) for values in (starts, growths)
    )
    return start + fraction * growth, squashed


def quantile_multiply_adds(columns: int) -> int:
    """Count the cost of `quantile_position` for a row.

    It is one each to scale a number, to squash it, for its cell, and to interpolate.
    """
    return 4 * columns


def _grid_quantiles(
    knots: Sequence[Sequence[float]], centre: Doubles, spread: Doubles
) -> tuple[Floats, Floats]:
    """Return the quantiles at every point of the grids, and their growth to the next point.

    Shapes:
        centre, spread: (columns,); results: (columns * (cells + 1),).
    """
    squashed = np.linspace(-1 + 1e-6, 1 - 1e-6, _CELLS + 1)
    grid = squashed / (1 - np.abs(squashed))
    quantiles = np.array(
        [
            np.interp(grid * width + middle, column, np.linspace(0, 1, len(column)))
            for middle, width, column in zip(centre, spread, knots, strict=True)
        ],
        np.float32,
    )
    # No cell begins at the last point, except for the largest numbers, which lie on it.
    return quantiles.ravel(), np.diff(quantiles, append=quantiles[:, -1:]).ravel()


def _frozen_table(values: Floats) -> layers.Embedding:
    table = layers.Embedding(len(values), 1, trainable=False)
    table.build(None)
    table.set_weights([values[:, np.newaxis]])
    return table


def spline_embedding(position: Any, *, pieces: int, width: int) -> Any:
    """Embed the quantiles of each column by a learned piecewise linear curve.

    A missing value is embedded by a learned vector, which lies behind the points of the curve.

    Args:
        position: Quantiles in [0, 1], or `MISSING_POSITION`.
        pieces: Number of pieces of each curve.
        width: Length of a column's embedding.

    Shapes:
        position: (n, columns); result: (n, columns * width).

    References:
        Gorishniy, Rubachev, Babenko (2022), On embeddings for numerical features in tabular deep
        learning, section 3.2, arXiv:2203.05556.
    """
    columns, rows = position.shape[1], pieces + 2
    # The last row follows the vector of a missing value, and is not used.
    curves = layers.Embedding(columns * rows + 1, width, _normal(0.3), name="curves")
    first = np.arange(columns, dtype=np.float32) * rows
    piece, fraction = _locate(position * pieces)
    index = ops.cast(ops.minimum(piece, pieces + 1) + first, "int32")
    left, right = (layers.Flatten()(curves(index + step)) for step in (0, 1))
    return left + pick_columns(fraction, np.repeat(np.arange(columns), width)) * (right - left)


def spline_multiply_adds(columns: int, width: int) -> int:
    """Count the cost of `spline_embedding` for a row: one for the piece, and an interpolation."""
    return columns * (1 + width)


def grid_embedding(
    position: Any, *, pairs: Sequence[Pair], sides: Sequence[int], width: int
) -> Any:
    """Embed pairs of columns, such as coordinates, by learned grids of several resolutions.

    A pair is missing where either of its columns is. Then it is embedded by a learned vector, which
    lies behind the points of the grid.

    Args:
        position: Quantiles in [0, 1], or `MISSING_POSITION`.
        pairs: Columns that span the grids.
        sides: Number of cells along a side of each grid, the same for every pair.
        width: Length of the embedding of one grid.

    Shapes:
        position: (n, columns); result: (n, pairs * sides * width).

    References:
        Mueller, Evans, Schied, Keller (2022), Instant neural graphics primitives with a
        multiresolution hash encoding, section 3; here without hashing. arXiv:2201.05989.
    """
    # 1. All grids of all pairs lie one after the other in one table.
    side = np.array([*sides] * len(pairs))
    last = np.cumsum((side + 1) ** 2 + 1) - 1
    grids = layers.Embedding(int(last[-1]) + 1, width, _normal(0.1), name="grids")
    # 2. Find the row and the column of the cell in each grid, and where in the cell the point lies.
    spanning = np.repeat(np.transpose(pairs), len(sides), axis=1).ravel()
    scaling = picking_matrix(spanning, position.shape[1]) * np.tile(side, 2).astype(np.float32)
    cell, fraction = _locate(ops.matmul(position, scaling))
    # 3. Look up the corners of the cell, those of the left side before those of the right side.
    strides, offsets = _corners(side, last - (side + 1) ** 2)
    corners = ops.matmul(cell, strides) + offsets
    index = ops.cast(ops.minimum(corners, np.tile(last, 4).astype(np.float32)), "int32")
    left, right = ops.split(layers.Flatten()(grids(index)), 2, axis=1)
    # 4. Interpolate within the upper and the lower side, and between the two.
    down, across = np.repeat(np.arange(2 * len(side)), width).reshape(2, -1)
    edges = left + pick_columns(fraction, np.tile(across, 2)) * (right - left)
    upper, lower = ops.split(edges, 2, axis=1)
    return upper + pick_columns(fraction, down) * (lower - upper)


def _corners(side: NDArray[np.int64], first: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return what maps the rows and columns of cells to the indices of their corners.

    Args:
        side: Number of cells along a side of each grid.
        first: Index of the first point of each grid.

    Returns:
        A matrix and an offset: indices of the upper left, lower left, upper right and lower right
        corners of every grid.

    Shapes:
        side, first: (grids,); results: (2 * grids, 4 * grids) and (4 * grids,).
    """
    below = side + 1
    strides = np.tile(np.concatenate([np.diag(below), np.eye(len(side))]), 4)
    offsets = [first, first + below, first + 1, first + below + 1]
    return strides.astype(np.float32), np.concatenate(offsets).astype(np.float32)


def grid_multiply_adds(columns: int, grids: int, width: int) -> int:
    """Count the cost of `grid_embedding` for a row.

    It is a product each for the cells and for their corners, and three interpolations.

    Args:
        columns: Number of number columns.
        grids: Number of grids of all pairs.
        width: Length of the embedding of one grid.
    """
    return grids * (2 * columns + 8 * grids + 3 * width)


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


def _locate(scaled: Any) -> tuple[Any, Any]:
    """Split positions, in cells, into the number of the cell and the fraction within the cell."""
    cell = ops.floor(scaled)
    return cell, scaled - cell


def _normal(deviation: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=deviation)


def _spread(values: Doubles) -> float:
    """Return a width that is never zero: of the quartiles, else of the range, else 1."""
    quartiles = np.subtract(*np.quantile(values, (0.75, 0.25)))
    return float(quartiles or np.ptp(values) or 1.0)
