"""An ensemble that lacks a class."""

import numpy as np

from tests.training.conftest import TINY
from training.datasets.tables import Rows
from training.distillation.ensemble import Ensemble
from training.distillation.features import Features


def test_ensemble_of_a_fold_without_a_label_gives_it_no_probability() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.random((60, 2), np.float32), np.zeros((60, 0), np.int32))
    codes = np.where(rows.numbers[:, 0] > 0.5, 2, 0)
    features = Features.learn(rows, np.zeros((60, 2)), [], [])

    found = Ensemble(features, 3, TINY.distillation, seed=0).fit(rows, codes).predict(rows)

    assert not found[:, :, 1].any()
    assert (found[codes == 2, :, 2] > 0.5).mean() > 0.8
    np.testing.assert_allclose(found.sum(axis=2), 1, atol=1e-6)
