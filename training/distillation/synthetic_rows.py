"""Rows between the true ones, for the ensemble to label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from training.datasets.tables import Rows
from training.distillation.neighbours import Scale

_NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class SyntheticRows:
    """Rows between true ones.

    Attributes:
        rows: The rows.
        parents: Index of the true row that each was made from.

    Shapes:
        parents: (n,).
    """

    rows: Rows
    parents: NDArray[np.intp]


def make_synthetic_rows(rows: Rows, count: int, rng: np.random.Generator) -> SyntheticRows:
    """Make rows, each by moving a true row towards one of its eight nearest rows.

    Args:
        rows: True rows.
        count: Number of rows to make.
        rng: Generator of every random choice.

    References:
        Bucila, Caruana, Niculescu-Mizil (2006), section 3.3 (MUNGE), which swaps values as half of
        these rows do.
    """
    # 1. Choose a parent in turn, and one of its nearest rows by chance.
    nearest = min(_NEIGHBOURS, len(rows) - 1)
    search = NearestNeighbors(n_neighbors=nearest).fit(_points(rows, rng))
    neighbours = search.kneighbors()[1]
    parents = np.arange(count) % len(rows)
    others = neighbours[parents, rng.integers(0, nearest, count)]
    # 2. Mix the numbers, then the categories, of the two.
    numbers = _mix_numbers(rows.numbers[parents], rows.numbers[others], rng)
    takes_other = rng.random((count, rows.categories.shape[1])) < 0.5
    categories = np.where(takes_other, rows.categories[others], rows.categories[parents])
    return SyntheticRows(Rows(numbers, categories), parents)


def _mix_numbers(
    parent: NDArray[np.float32], other: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return numbers on the line between two rows, or, in half of the rows, from either of them.

    Shapes:
        parent, other and result: (n, columns).
    """
    count, columns = parent.shape
    along = rng.random((count, 1)) * np.ones(columns)
    swapped = rng.random((count, columns)) < 0.5
    share = np.where(rng.random((count, 1)) < 0.5, along, swapped).astype(np.float32)
    mixed = parent + share * (other - parent)
    # A missing value cannot be mixed: the row that is nearer gives what it has.
    nearer = np.where(share > 0.5, other, parent)
    return np.where(np.isnan(mixed), nearer, mixed)


def _points(rows: Rows, rng: np.random.Generator) -> NDArray[np.float64]:
    """Put rows into a space in which any two categories are about two standard deviations apart.

    Shapes:
        (n, number columns + 3 * category columns).
    """
    numbers = Scale.of(rows.numbers).standardise(rows.numbers)
    directions = rng.normal(size=(int(rows.categories.max(initial=0)) + 1, 3))
    return np.hstack([numbers, directions[rows.categories].reshape(len(rows), -1)])
