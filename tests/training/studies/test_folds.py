"""Folds of few instances."""

import numpy as np
import pytest

from training.errors import CannotTrain
from training.studies.folds import make_folds


def test_class_label_of_one_row_is_in_one_fold() -> None:
    y = np.array([0, 0, 0, 0, 0, 1])

    folds = make_folds("binary", y, folds=3, seed=0)

    assert sorted(index for _, scored in folds for index in scored) == list(range(6))


def test_more_folds_than_instances_are_refused() -> None:
    with pytest.raises(CannotTrain, match=r"5 folds need at least 5 instances\. Received: 4"):
        make_folds("regression", np.arange(4.0), folds=5, seed=0)
