"""What the nearest rows have as values."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Numbers of nearest rows over which values are averaged.
COUNTS = (1, 3, 5, 10, 30)
# The spread is that of so many rows, and the distance that of so manieth.
_SPREAD_COUNT, _DISTANCE_COUNT = 10, 5


@dataclass(frozen=True, slots=True)
class Scale:
    """Medians, means and spreads of number columns.

    Shapes:
        Each (columns,).
    """

    median: Doubles
    mean: Doubles
    spread: Doubles

    @classmethod
    def of(cls, numbers: Floats) -> "Scale":
        """Measure numbers; a column without any value counts as zeros.

        Shapes:
            numbers: (n, columns).
        """
        is_empty = np.isnan(numbers).all(axis=0)
        median = np.nanmedian(np.where(is_empty, 0, numbers).astype(np.float64), axis=0)
        filled = np.where(np.isnan(numbers), median, numbers)
        return cls(median, filled.mean(axis=0), filled.std(axis=0) + 1e-12)

    def standardise(self, numbers: Floats) -> Doubles:
        """Put medians in the place of missing values, then centre and scale.

        Shapes:
            numbers and result: (n, columns).
        """
        filled = np.where(np.isnan(numbers), self.median, numbers)
        return np.asarray((filled - self.mean) / self.spread)


@dataclass(frozen=True)
class Neighbours:
    """Known rows on a plane, for the values of those nearest to other rows.

    Attributes:
        points: Where the known rows lie.
        values: What they have: targets, and residuals of simpler models.
        search: The index of the points.

    Shapes:
        points: (n, 2); values: (n, kinds).
    """

    points: Doubles
    values: Doubles
    search: NearestNeighbors = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        search = NearestNeighbors(algorithm="kd_tree").fit(self.points)
        object.__setattr__(self, "search", search)

    def describe(self, points: Doubles | None = None) -> Doubles:
        """Summarise the values of the nearest rows: weighted means, spread, and distance.

        Args:
            points: Where other rows lie; None for the known rows, none of which is then its own
                neighbour.

        Shapes:
            points: (m, 2); result: (m, features).
        """
        count = min(max(COUNTS), len(self.points) - 1)
        distance, index = self.search.kneighbors(points, count)
        values = self.values[index]
        means = [_weighted_mean(distance[:, :k], values[:, :k]) for k in COUNTS]
        spread = values[:, :_SPREAD_COUNT].std(axis=1)
        return np.hstack([*means, spread, distance[:, [min(_DISTANCE_COUNT, count) - 1]]])


def _weighted_mean(distance: Doubles, values: Doubles) -> Doubles:
    """Average by inverse distance, softened so that an identical row does not decide alone."""
    weight = 1 / (distance + 0.3 * distance.mean(axis=1, keepdims=True) + 1e-9)
    weight /= weight.sum(axis=1, keepdims=True)
    mean: Doubles = np.einsum("nk,nkv->nv", weight, values)
    return mean
