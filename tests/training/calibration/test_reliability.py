"""Reliability, on probabilities made to be known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.calibration.reliability import Reliability

Values = NDArray[np.float32]


def told(*tops: float) -> Values:
    """Return probabilities of three labels, of which the first has these."""
    return np.array([[top, 0.6 * (1 - top), 0.4 * (1 - top)] for top in tops], dtype=np.float32)


def test_calibration_error_weighs_the_gap_of_each_bin() -> None:
    probabilities = told(*[0.9] * 4, *[0.65] * 6)
    labels = np.array([0, 0, 1, 1, 0, 0, 0, 1, 1, 1])

    found = Reliability.of(probabilities, labels)

    assert found.error == pytest.approx((4 * (0.9 - 0.5) + 6 * (0.65 - 0.5)) / 10, rel=1e-5)
    assert found.counts.sum() == 10
    assert found.accuracy[[9, 13]].tolist() == [0.5, 0.5]
    np.testing.assert_allclose(found.confidence[[9, 13]], [0.65, 0.9], rtol=1e-5)


def test_calibration_error_counts_bins_that_are_too_low_as_well() -> None:
    found = Reliability.of(told(0.9, 0.9, 0.5, 0.5), np.array([0, 1, 0, 0]))

    assert found.error == pytest.approx((0.4 + 0.5) / 2, rel=1e-5)


def test_calibration_error_of_honest_probabilities_is_nothing() -> None:
    labels = np.array([0, 0, 0, 1, 0, 1])

    found = Reliability.of(told(*[0.75] * 4, *[0.5] * 2), labels)

    assert found.error == pytest.approx(0, abs=1e-6)


def test_certainty_is_counted_into_the_last_bin() -> None:
    found = Reliability.of(told(1.0), np.array([0]))

    assert found.counts.tolist() == [0] * 14 + [1]
