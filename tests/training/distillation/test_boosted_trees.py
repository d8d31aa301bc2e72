"""CatBoost's trees, also where there is nothing to learn."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.datasets.tables import Rows
from training.distillation.boosted_trees import boosted_trees, fit_trees, important_columns

FEW = {"seed": 0, "iterations": 5, "threads": 1}


@pytest.mark.parametrize(
    ("features", "target"),
    [(np.ones((8, 1)), np.arange(8.0)), (np.arange(8.0)[:, None], np.full(8, 3.5))],
    ids=["equal features", "equal targets"],
)
def test_values_with_nothing_to_learn_are_predicted_as_their_mean(
    features: NDArray[Any], target: NDArray[Any]
) -> None:
    fitted = fit_trees(boosted_trees(classes=False, **FEW), features, target)

    assert fitted.predict(features).ravel() == pytest.approx(target.mean())


def test_single_class_is_certain() -> None:
    features = np.arange(8.0)[:, None]

    fitted = fit_trees(boosted_trees(classes=True, **FEW), features, np.full(8, 2))

    assert fitted.classes_.tolist() == [2]
    assert fitted.predict_proba(features).tolist() == [[1.0]] * 8


def test_columns_that_decide_come_first() -> None:
    numbers = np.random.default_rng(0).random((300, 3)).astype(np.float32)
    rows = Rows(numbers, np.zeros((300, 0), np.int32))

    columns = important_columns(rows, 10.0 * numbers[:, 1] + numbers[:, 2], seed=0, most=2)

    assert columns == [1, 2]


def test_rows_without_numbers_have_no_important_columns() -> None:
    rows = Rows(np.zeros((20, 0), np.float32), np.zeros((20, 1), np.int32))

    assert important_columns(rows, np.arange(20.0), seed=0, most=3) == []
