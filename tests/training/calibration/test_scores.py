"""Calibration scores as the manifest holds them."""

import numpy as np

from training.calibration.scores import ascending


def test_scores_ascend_with_the_digits_of_a_float32() -> None:
    assert ascending(np.array([0.3, 0.1], dtype=np.float32)) == (0.1, 0.3)
