"""The features of the ensemble."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.datasets.tables import Rows
from training.distillation.features import Features


def numbers_only(numbers: NDArray[Any]) -> Rows:
    """Return rows without categories."""
    return Rows(numbers.astype(np.float32), np.zeros((len(numbers), 0), np.int32))


def test_ratio_of_two_columns_is_a_feature() -> None:
    rows = numbers_only(np.array([[6.0, 2], [9, 3], [8, -4]]))
    features = Features.learn(rows, np.zeros((3, 2)), pairs=[], ratios=[(0, 1)])

    computed = features.compute(rows)

    assert computed[:, :2].tolist() == rows.numbers.tolist()
    assert computed[:, 2] == pytest.approx([3, 3, 2], rel=1e-2)


def test_ratio_to_zero_is_finite() -> None:
    rows = numbers_only(np.array([[6.0, 0], [9, 3]]))
    features = Features.learn(rows, np.zeros((2, 2)), pairs=[], ratios=[(0, 1)])

    assert np.isfinite(features.compute(rows)).all()


def test_training_row_does_not_see_its_own_value() -> None:
    rng = np.random.default_rng(0)
    rows = numbers_only(rng.random((50, 2)))
    values = np.stack([np.arange(50.0), np.zeros(50)], axis=1)
    features = Features.learn(rows, values, pairs=[(0, 1)], ratios=[])

    as_training, as_others = (features.compute(rows, known=known)[:, 2] for known in (True, False))

    assert not (as_training == values[:, 0]).any()
    np.testing.assert_allclose(as_others, values[:, 0], rtol=1e-5)
