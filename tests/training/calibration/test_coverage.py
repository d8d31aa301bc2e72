"""Observed coverage, and how far it may be off by chance."""

from math import sqrt

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from training.calibration.coverage import (
    constant_width,
    margins,
    measure_intervals,
    measure_sets,
    supported_coverages,
)


@pytest.mark.parametrize(("coverage", "calibrating"), [(0.8, 60), (0.9, 100), (0.95, 60)])
def test_margins_are_left_by_one_of_a_thousand_calibrations(
    coverage: float, calibrating: int
) -> None:
    tested, trials = 150, 40_000
    rng = np.random.default_rng(0)
    scores = np.sort(rng.random((trials, calibrating), dtype=np.float32), axis=1)
    rank = next(k for k in range(1, calibrating + 1) if k >= coverage * (calibrating + 1))
    limits = scores[:, [rank - 1]]
    found = (rng.random((trials, tested), dtype=np.float32) <= limits).mean(axis=1)

    low, high = margins(coverage, calibrating=calibrating, tested=tested)

    # A share comes in steps, so that exactly one of a thousand is seldom possible.
    noise, hair = 4 * sqrt(0.001 / trials), 1e-6
    assert (found < coverage - low - hair).mean() <= 0.001 + noise
    assert (found <= coverage - low + hair).mean() >= 0.001 - noise
    assert (found > coverage + high + hair).mean() <= 0.001 + noise
    assert (found >= coverage + high - 1 / tested - hair).mean() >= 0.001 - noise


@pytest.mark.parametrize("coverage", [0.8, 0.95, 0.99])
def test_margins_of_a_large_calibration_are_those_of_a_binomial(coverage: float) -> None:
    low, high = margins(coverage, calibrating=10**8, tested=500)

    expected = stats.binom(500, coverage).ppf([0.001, 0.999]) / 500
    np.testing.assert_allclose([coverage - low, coverage + high], expected, atol=1e-9)


def test_margins_of_a_large_test_part_are_those_of_the_calibration() -> None:
    low, high = margins(0.9, calibrating=99, tested=20_000)

    expected = stats.beta(90, 10).ppf([0.001, 0.999])
    np.testing.assert_allclose([0.9 - low, 0.9 + high], expected, atol=1e-3)


SUPPORTED = {
    0: [],
    3: [],
    4: [0.8],
    9: [0.8, 0.9],
    98: [0.8, 0.9, 0.95],
    99: [0.8, 0.9, 0.95, 0.99],
    999: [0.8, 0.9, 0.95, 0.99, 0.999],
}


@pytest.mark.parametrize(("calibrating", "expected"), SUPPORTED.items(), ids=map(str, SUPPORTED))
def test_coverages_leave_out_what_the_size_does_not_support(
    calibrating: int, expected: list[float]
) -> None:
    assert supported_coverages(calibrating) == expected


@pytest.mark.parametrize("calibrating", [size for size in SUPPORTED if size >= 4])
def test_every_supported_coverage_has_margins(calibrating: int) -> None:
    for coverage in supported_coverages(calibrating):
        margin = margins(coverage, calibrating=calibrating, tested=40)

        assert min(margin) >= 0
        assert max(margin) <= 1


def test_class_coverage_counts_sets_that_hold_the_truth() -> None:
    scores = np.linspace(0.1, 0.9, 9, dtype=np.float32)
    probabilities = np.array(
        [[0.7, 0.25, 0.05], [0.6, 0.3, 0.1], [0.9, 0.06, 0.04]], dtype=np.float32
    )

    measured = measure_sets(probabilities, np.array([1, 2, 0]), scores, 0.8)

    # The eighth of nine scores is 0.8: labels from a probability of 0.2 on are members.
    assert measured.observed == pytest.approx(2 / 3)
    assert measured.size == pytest.approx((2 + 2 + 1) / 3)
    assert measured.coverage == 0.8
    assert measured.margin == margins(0.8, calibrating=9, tested=3)


def test_value_coverage_counts_intervals_that_hold_the_truth() -> None:
    scores = np.array([0.5, 1, 1.5, 2], dtype=np.float32)
    values = np.array([10, 20, 30], dtype=np.float32)
    quantiles = np.array([[8, 13], [19, 21], [29, 33]], dtype=np.float32)
    truth = np.array([6.0, 22.5, 35.5])

    measured = measure_intervals(values, quantiles, truth, scores, 0.8)

    # The fourth of four scores is 2: 6 to 16, 18 to 22, 28 to 36.
    assert measured.observed == pytest.approx(2 / 3)
    assert measured.size == pytest.approx((10 + 4 + 8) / 3)
    assert measured.coverage == 0.8
    assert measured.margin == margins(0.8, calibrating=4, tested=3)


@pytest.mark.parametrize(("coverage", "width"), [(0.6, 6), (0.8, 8)])
def test_constant_width_reaches_to_the_residual_on_either_side(
    coverage: float, width: float
) -> None:
    residuals = np.array([3, 1, 4, 2], dtype=np.float32)

    assert constant_width(residuals, coverage) == width
