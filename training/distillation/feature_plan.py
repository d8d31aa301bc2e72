"""Which features the ensemble gets: neighbours by related pairs of columns, and ratios."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from training.architectures.embeddings import Pair
from training.datasets.tables import Rows
from training.distillation.boosted_trees import (
    Truth,
    boosted_trees,
    fit_trees,
    important_columns,
    is_codes,
)
from training.distillation.neighbours import COUNTS, Neighbours, Scale

Doubles = NDArray[np.float64]

_MOST_IMPORTANT, _MOST_IN_RATIOS = 12, 8
# With fewer rows a correlation of 0.1 lies within two standard errors of none.
_LEAST_ROWS = 500
_MOST_PAIRS_TRIED = 20
_RESIDUAL_FOLDS = 4


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """Which features the ensemble gets.

    Attributes:
        pairs: Pairs of number columns by which the nearest rows are found.
        ratios: Pairs of number columns that are divided by each other.
        neighbour_values: What is told of the nearest rows: targets, and residuals of quick trees.

    Shapes:
        neighbour_values: (rows, 2).
    """

    pairs: Sequence[Pair]
    ratios: Sequence[Pair]
    neighbour_values: Doubles


def plan_features(rows: Rows, target: Truth, *, seed: int, threads: int) -> FeaturePlan:
    """Choose the features of the ensemble.

    Args:
        rows: Training rows.
        target: Their values, or the codes of their class labels.
        seed: Seed of every random choice.
        threads: Number of cores to use.
    """
    # Only the columns that matter are tried, since the number of pairs grows with their square.
    columns = important_columns(rows, target, seed=seed, most=_MOST_IMPORTANT)
    residual = np.zeros(len(rows))
    pairs: list[Pair] = []
    # Residuals have a meaning for values only.
    if not is_codes(target):
        residual = out_of_fold_residuals(rows, target, seed=seed, threads=threads)
        pairs = related_pairs(rows, residual, columns)
    values = np.stack([target.astype(np.float64), residual], axis=1)
    return FeaturePlan(pairs, _ratios(columns, pairs), values)


def out_of_fold_residuals(rows: Rows, target: Doubles, *, seed: int, threads: int = 1) -> Doubles:
    """Return targets minus what quick trees predict that were fitted on other folds.

    Shapes:
        target and result: (n,).
    """
    folds = KFold(fold_count(len(rows), _RESIDUAL_FOLDS), shuffle=True, random_state=seed)
    flat = np.hstack([rows.numbers, rows.categories])
    residual = target.astype(np.float64)
    for inside, outside in folds.split(flat):
        trees = boosted_trees(
            classes=False, seed=seed, iterations=200, threads=threads, learning_rate=0.1
        )
        fitted = fit_trees(trees, flat[inside], target[inside])
        residual[outside] -= fitted.predict(flat[outside])
    return residual


def fold_count(rows: int, wanted: int) -> int:
    """Return how many folds there are: fewer than wanted where rows are few, but at least two."""
    return max(2, min(wanted, rows // 4))


def related_pairs(
    rows: Rows, residual: Doubles, columns: Sequence[int], *, least: float = 0.1, most: int = 2
) -> list[Pair]:
    """Find pairs of number columns whose nearest rows share what trees cannot explain.

    Longitude and latitude do; most pairs do not. A column is used in one pair only.

    Args:
        rows: Training rows.
        residual: Residuals of quick trees.
        columns: Number columns to try.
        least: Lowest correlation of a row's residual with those of its ten nearest rows.
        most: Largest number of pairs.

    Returns:
        The pairs, those with the highest correlation first.
    """
    if len(rows) < _LEAST_ROWS:
        return []
    # 1. How well do the ten nearest rows, by each pair of columns, tell the residual of a row?
    correlations = _neighbour_correlations(rows, residual, columns)
    ranked = sorted(correlations, key=correlations.__getitem__, reverse=True)
    # 2. Take the best pairs that share no column.
    chosen: list[Pair] = []
    for pair in ranked[:_MOST_PAIRS_TRIED]:
        used = {column for other in chosen for column in other}
        if correlations[pair] >= least and not used & set(pair):
            chosen.append(pair)
    return chosen[:most]


def _neighbour_correlations(
    rows: Rows, residual: Doubles, columns: Sequence[int]
) -> dict[Pair, float]:
    points = Scale.of(rows.numbers).standardise(rows.numbers)
    correlations: dict[Pair, float] = {}
    for first, second in combinations(sorted(columns), 2):
        neighbours = Neighbours(points[:, [first, second]], residual[:, None])
        of_nearest = neighbours.describe()[:, COUNTS.index(10)]
        if of_nearest.std() > 0:
            correlations[first, second] = float(np.corrcoef(of_nearest, residual)[0, 1])
    return correlations


def _ratios(columns: Sequence[int], pairs: Sequence[Pair]) -> list[Pair]:
    """Pair the most important columns to be divided; coordinates have no meaningful ratio."""
    paired = {column for pair in pairs for column in pair}
    divided = [column for column in columns if column not in paired][:_MOST_IN_RATIOS]
    return list(combinations(sorted(divided), 2))
