"""How often prediction sets and intervals hold the truth on data that did not calibrate them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]

from vitrine import trust

Values = NDArray[np.float32]
Codes = NDArray[np.int64]

# The coverages that cards list.
COVERAGES = (0.8, 0.9, 0.95, 0.99, 0.999)
# Share of honest calibrations whose observed coverage lies within the margin.
_CONFIDENCE = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCoverage:
    """How often sets or intervals held the truth on data that did not calibrate them.

    Attributes:
        coverage: The coverage that the sets or intervals promise.
        observed: Share of the instances whose set or interval held the truth.
        margin: How far below, and how far above, the observed share may lie by chance alone: in
            one of a thousand honest calibrations it lies further below.
        size: Mean number of labels in a set, or mean width of an interval.
    """

    coverage: float
    observed: float
    margin: tuple[float, float]
    size: float


def margins(coverage: float, *, calibrating: int, tested: int) -> tuple[float, float]:
    """Return how far below and above a coverage the observed share may lie by chance.

    The number of tested instances that are covered is beta-binomial, since what calibrates is a
    sample as well. The margins are its 0.1 % and its 99.9 % quantile, each for itself.

    Args:
        coverage: The coverage that is promised.
        calibrating: Number of instances that calibrate.
        tested: Number of instances that are tested.

    References:
        Angelopoulos and Bates (2021), A gentle introduction to conformal prediction and
        distribution-free uncertainty quantification, arXiv:2107.07511, section 3.2 and appendix C.
    """
    rank = trust.threshold_rank(calibrating, coverage)
    covered = stats.betabinom(tested, rank, calibrating + 1 - rank)
    low, high = covered.ppf([1 - _CONFIDENCE, _CONFIDENCE]) / tested
    return coverage - float(low), float(high) - coverage


def supported_coverages(calibrating: int) -> list[float]:
    """Return the listed coverages that so many calibration instances support."""
    largest = trust.largest_coverage(calibrating)
    return [coverage for coverage in COVERAGES if coverage <= largest]


def measure_sets(
    probabilities: Values, y: Codes, scores: Values, coverage: float
) -> ObservedCoverage:
    """Measure prediction sets on instances that did not calibrate them.

    Args:
        probabilities: Predicted probabilities.
        y: Codes of the true labels.
        scores: Scores of the calibration instances, ascending.
        coverage: The coverage that the sets promise.

    Shapes:
        probabilities: (n, classes); y: (n,); scores: (m,).
    """
    members = trust.prediction_sets(probabilities, trust.threshold(scores, coverage))
    return ObservedCoverage(
        coverage=coverage,
        observed=float(members[np.arange(len(y)), y].mean()),
        margin=margins(coverage, calibrating=len(scores), tested=len(y)),
        size=float(members.sum(axis=1).mean()),
    )


def measure_intervals(
    values: Values, quantiles: Values, y: NDArray[np.float64], scores: Values, coverage: float
) -> ObservedCoverage:
    """Measure intervals on instances that did not calibrate them.

    Args:
        values: Predicted values.
        quantiles: Predicted quantiles.
        y: True values.
        scores: Scores of the calibration instances, ascending.
        coverage: The coverage that the intervals promise.

    Shapes:
        values, y: (n,); quantiles: (n, 2); scores: (m,).
    """
    ends = trust.intervals(values, quantiles, trust.threshold(scores, coverage))
    return ObservedCoverage(
        coverage=coverage,
        observed=float(((ends[:, 0] <= y) & (y <= ends[:, 1])).mean()),
        margin=margins(coverage, calibrating=len(scores), tested=len(y)),
        size=float((ends[:, 1] - ends[:, 0]).mean()),
    )


def constant_width(residuals: Values, coverage: float) -> float:
    """Return the width that all intervals need if they share one, by split conformal prediction.

    Args:
        residuals: Absolute residuals of the calibration instances.
        coverage: The coverage that the intervals promise.
    """
    return 2 * float(trust.threshold(np.sort(residuals), coverage))
