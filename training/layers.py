"""Layers that tables need: kept with the network, exported with it.

A saved network that uses them is read back after `import training.layers`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.datasets import Rows

Integers = NDArray[np.int32]
Pair = tuple[int, int]

_WEEK = 7
_YEAR = 365.2425
_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday


@keras.saving.register_keras_serializable("vitrine")
class Calendar(keras.layers.Layer):  # type: ignore[misc]
    """Add to each date its day of the week, day of the year and time of the day.

    Args:
        dates: Which columns are dates, in days since 1970-01-01 UTC.

    Shapes:
        (n, columns) to (n, columns + 3 * dates): weekdays from 0 for Monday, days of the year
        from 0, parts of the day from 0.
    """

    def __init__(self, dates: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.dates = [int(column) for column in dates]

    def call(self, numbers: Any) -> Any:
        """Compute them; a blank date's are blank."""
        days = ops.take(numbers, self.dates, axis=1)
        whole = ops.floor(days)
        weekday = _remainder(whole + _FIRST_WEEKDAY, _WEEK)
        return ops.concatenate([numbers, weekday, _remainder(whole, _YEAR), days - whole], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "dates": self.dates}


def with_calendar(rows: Rows, dates: Sequence[int]) -> Rows:
    """Return rows whose numbers have the calendar's columns after them."""
    if not dates:
        return rows
    numbers = ops.convert_to_numpy(Calendar(dates)(rows.numbers))
    return Rows(np.asarray(numbers, dtype=np.float32), rows.categories)


def _remainder(values: Any, period: float) -> Any:
    return values - period * ops.floor(values / period)


@keras.saving.register_keras_serializable("vitrine")
class QuantilePosition(keras.layers.Layer):  # type: ignore[misc]
    """Replace each number by its quantile in training, linear between knots.

    The search among the knots is done beforehand, on a fine grid over the squashed value
    z / (1 + |z|): at run time a look-up and one interpolation remain, however many knots.

    Args:
        knots: For each column an increasing list of at least two values.

    Shapes:
        (n, columns) to two of (n, columns): quantiles in [0, 1], squashed values in [-1, 1].
    """

    CELLS = 1024
    MULTIPLY_ADDS_PER_COLUMN = 5

    def __init__(self, knots: Sequence[Sequence[float]], **options: Any) -> None:
        super().__init__(**options)
        self.knots = [[float(knot) for knot in column] for column in knots]

    def build(self, input_shape: Sequence[int | None]) -> None:  # noqa: ARG002 - Keras calls it so
        """Make the tables: constants, kept as weights so that they are saved and exported."""
        squashed = np.linspace(-1 + 1e-6, 1 - 1e-6, self.CELLS + 1)
        centre = np.array([np.median(column) for column in self.knots])
        scale = np.array([_spread(np.array(column)) for column in self.knots])
        grid = squashed / (1 - np.abs(squashed))
        quantiles = [
            np.interp(grid * width + middle, column, np.linspace(0, 1, len(column)))
            for middle, width, column in zip(centre, scale, self.knots, strict=True)
        ]
        self.centre = self._constant("centre", centre)
        # A product, not a quotient: exporters turn quotients by constants into products, and the
        # last bit matters where a fine grid follows.
        self.steepness = self._constant("steepness", 1 / scale)
        self.table = self._constant("quantiles", np.concatenate(quantiles))
        self.offsets = np.arange(len(self.knots), dtype=np.int32) * (self.CELLS + 1)
        self.multiply_adds = self.MULTIPLY_ADDS_PER_COLUMN * len(self.knots)

    def _constant(self, name: str, values: NDArray[Any]) -> Any:
        def initial(shape: Sequence[int], dtype: Any = None) -> Any:  # noqa: ARG001
            return ops.convert_to_tensor(values, dtype=dtype)

        return self.add_weight(name=name, shape=values.shape, trainable=False, initializer=initial)

    def call(self, numbers: Any) -> tuple[Any, Any]:
        """Look up the quantiles."""
        scaled = (numbers - self.centre) * self.steepness
        squashed = scaled / (1 + ops.abs(scaled))
        cell, fraction = _locate((squashed + 1) / 2, self.CELLS)
        left = ops.take(self.table, cell + self.offsets)
        right = ops.take(self.table, cell + self.offsets + 1)
        return left + fraction * (right - left), squashed

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "knots": self.knots}


@keras.saving.register_keras_serializable("vitrine")
class SplineEmbedding(keras.layers.Layer):  # type: ignore[misc]
    """Embed each column's quantile by a learned piecewise linear curve, blanks by a vector.

    Args:
        pieces: Number of pieces of each curve.
        width: Length of a column's embedding.

    Shapes:
        Two of (n, columns), the quantiles and 1 where missing, to (n, columns * width).

    References:
        Gorishniy, Rubachev, Babenko (2022), On embeddings for numerical features in tabular deep
        learning, section 3.2. arXiv:2203.05556
    """

    def __init__(self, pieces: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.pieces, self.width = pieces, width

    def build(self, input_shape: Sequence[Sequence[int]]) -> None:
        """Make one table for all columns, one after the other."""
        columns, knots = input_shape[0][-1], self.pieces + 1
        normal = keras.initializers.RandomNormal(stddev=0.3)
        self.table = self.add_weight(
            name="curves", shape=(columns * knots, self.width), initializer=normal
        )
        self.blank = self.add_weight(
            name="blank", shape=(columns, self.width), initializer=normal.clone()
        )
        self.offsets = np.arange(columns, dtype=np.int32) * knots
        self.multiply_adds = 4 * columns * self.width

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Interpolate in the curves."""
        quantile, missing = inputs
        piece, fraction = _locate(quantile, self.pieces)
        left = ops.take(self.table, piece + self.offsets, axis=0)
        right = ops.take(self.table, piece + self.offsets + 1, axis=0)
        embedded = left + fraction[..., None] * (right - left)
        embedded = embedded + missing[..., None] * (self.blank - embedded)
        return ops.reshape(embedded, (-1, len(self.offsets) * self.width))

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "pieces": self.pieces, "width": self.width}


@keras.saving.register_keras_serializable("vitrine")
class GridEmbedding(keras.layers.Layer):  # type: ignore[misc]
    """Embed pairs of columns (a place on a map, say) by learned grids of several resolutions.

    Args:
        pairs: The columns that span each grid.
        sides: Cells along a side of each grid, for every pair.
        width: Length of one grid's embedding.

    Shapes:
        Two of (n, columns), the quantiles and 1 where missing, to (n, pairs * sides * width).

    References:
        Mueller, Evans, Schied, Keller (2022), Instant neural graphics primitives with a
        multiresolution hash encoding, section 3; here without hashing. arXiv:2201.05989
    """

    def __init__(
        self, pairs: Sequence[Pair], sides: Sequence[int], width: int, **options: Any
    ) -> None:
        super().__init__(**options)
        self.pairs = [(int(first), int(second)) for first, second in pairs]
        self.sides, self.width = [int(side) for side in sides], width

    def build(self, input_shape: Sequence[Sequence[int]]) -> None:  # noqa: ARG002 - as above
        """Make one table for all grids, one after the other; its last rows are the blanks."""
        side = np.array(self.sides * len(self.pairs), np.int32)
        starts = np.concatenate([[0], np.cumsum((side + 1) ** 2)]).astype(np.int32)
        self.first = np.repeat([pair[0] for pair in self.pairs], len(self.sides)).astype(np.int32)
        self.second = np.repeat([pair[1] for pair in self.pairs], len(self.sides)).astype(np.int32)
        self.side, self.starts = side, starts[:-1]
        normal = keras.initializers.RandomNormal(stddev=0.1)
        self.table = self.add_weight(
            name="grids", shape=(int(starts[-1]), self.width), initializer=normal
        )
        self.blank = self.add_weight(
            name="blank", shape=(len(side), self.width), initializer="zeros"
        )
        self.multiply_adds = 6 * len(side) * self.width

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Interpolate in the grids, linear along both axes."""
        quantile, missing = inputs
        row, down = _locate(ops.take(quantile, self.first, axis=1), self.side)
        column, across = _locate(ops.take(quantile, self.second, axis=1), self.side)
        corner = self.starts + row * (self.side + 1) + column
        down, across = down[..., None], across[..., None]
        upper = self._between(corner, across)
        lower = self._between(corner + self.side + 1, across)
        embedded = upper + down * (lower - upper)
        blank = ops.maximum(
            ops.take(missing, self.first, axis=1), ops.take(missing, self.second, axis=1)
        )
        embedded = embedded + blank[..., None] * (self.blank - embedded)
        return ops.reshape(embedded, (-1, len(self.side) * self.width))

    def _between(self, corner: Any, across: Any) -> Any:
        left = ops.take(self.table, corner, axis=0)
        return left + across * (ops.take(self.table, corner + 1, axis=0) - left)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        own = {"pairs": self.pairs, "sides": self.sides, "width": self.width}
        return {**super().get_config(), **own}


def _locate(position: Any, cells: int | Integers) -> tuple[Any, Any]:
    """Split a position in [0, 1] into its cell's number and the fraction within the cell."""
    scaled = ops.clip(position * cells, 0, cells)
    cell = ops.minimum(ops.floor(scaled), ops.cast(cells - 1, "float32"))
    return ops.cast(cell, "int32"), scaled - cell


def _spread(values: NDArray[np.float64]) -> float:
    """Return a width that is never zero: quartiles, else the range, else one."""
    quartiles = np.subtract(*np.quantile(values, (0.75, 0.25)))
    return float(quartiles or np.ptp(values) or 1.0)
