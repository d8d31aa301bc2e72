"""Which features the ensemble gets."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.datasets.tables import Rows
from training.distillation.feature_plan import (
    fold_count,
    out_of_fold_residuals,
    plan_features,
    related_pairs,
)


def map_with_noise(rows: int) -> tuple[Rows, NDArray[Any]]:
    """Return rows whose columns 0 and 2 are coordinates, and residuals that patches share."""
    rng = np.random.default_rng(0)
    numbers = rng.uniform(0, 6, (rows, 4)).astype(np.float32)
    patches = np.floor(numbers[:, 0]) + np.floor(numbers[:, 2])
    return Rows(numbers, np.zeros((rows, 0), np.int32)), np.where(patches % 2, 1.0, -1.0)


def test_coordinates_are_found_as_a_related_pair() -> None:
    rows, residual = map_with_noise(1500)

    assert related_pairs(rows, residual, [3, 2, 1, 0])[0] == (0, 2)


def test_column_is_in_one_pair_only() -> None:
    rows, residual = map_with_noise(1500)

    pairs = related_pairs(rows, residual, [0, 1, 2, 3], least=-1)

    columns = [column for pair in pairs for column in pair]
    assert len(set(columns)) == len(columns)


def test_few_rows_have_no_related_pairs() -> None:
    rows, residual = map_with_noise(499)

    assert related_pairs(rows, residual, [0, 1, 2, 3]) == []


def test_residual_is_what_trees_of_other_folds_leave() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.random((400, 2), np.float32), np.zeros((400, 0), np.int32))
    noise = rng.normal(0, 0.1, 400)

    residual = out_of_fold_residuals(rows, 10 * (rows.numbers[:, 0] > 0.5) + noise, seed=0)

    # Trees miss the step by a little, and only rows beside it are off.
    assert np.median(np.abs(residual - noise)) < 0.1
    assert residual.std() < 1


def test_class_labels_have_neither_pairs_nor_residuals() -> None:
    rows, residual = map_with_noise(600)

    plan = plan_features(rows, (residual > 0).astype(np.int64), seed=0, threads=1)

    assert plan.pairs == []
    assert not plan.neighbour_values[:, 1].any()


@pytest.mark.parametrize(("rows", "count"), [(5, 2), (12, 3), (1000, 5)])
def test_few_rows_have_few_folds(rows: int, count: int) -> None:
    assert fold_count(rows, 5) == count
