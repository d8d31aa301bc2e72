"""How far to trust an answer: prediction sets, intervals and credibility.

This is split conformal prediction. On n instances that the network never saw, calibration measured
how strange each true answer was, by a nonconformity score. Let another instance be drawn like them.
Then, with at least the probability `coverage`, its true answer is no stranger than the k-th
smallest of these scores, k = ceil((n + 1) * coverage), whatever the network and the distribution.
So the labels, or the values, that are no stranger make up the answer.

References:
    Angelopoulos and Bates (2021), A gentle introduction to conformal prediction and
    distribution-free uncertainty quantification, arXiv:2107.07511.
    Romano, Patterson, Candès (2019), Conformalized quantile regression, arXiv:1905.03222.
    Kivaranovic, Johnson, Leeb (2020), Adaptive, distribution-free prediction intervals for deep
    networks, arXiv:1905.10634 (the scaled form of the score for values).
    Vovk, Gammerman, Shafer (2005), Algorithmic learning in a random world, chapter 2 (p-values).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


def class_scores(probabilities: Values) -> Values:
    """Return the nonconformity of each label: 1 - its probability.

    Shapes:
        (n, classes) to (n, classes).

    References:
        Sadinle, Lei, Wasserman (2019), Least ambiguous set-valued classifiers with bounded error
        levels, arXiv:1609.00451.
    """
    scores: Values = np.float32(1) - probabilities
    return scores


def value_scores(values: Values, quantiles: Values, truth: NDArray[np.floating]) -> Values:
    """Return the nonconformity of true values.

    It is the distance of the true value from the predicted one, divided by the distance of the
    predicted quantile on the same side.

    Args:
        values: Predicted values.
        quantiles: Predicted lower and upper quantiles.
        truth: True values, in the same unit.

    Shapes:
        values, truth: (n,); quantiles: (n, 2).
    """
    down, up = _reach(values, quantiles)
    above = truth - values.astype(np.float64)
    return np.asarray(np.maximum(-above / down, above / up), dtype=np.float32)


def _reach(values: Values, quantiles: Values) -> tuple[Values, Values]:
    """Return how far the quantiles are below and above the values; never 0."""
    # Scores are divided by these distances.
    least = np.abs(values) * np.float32(1e-6) + np.float32(1e-30)
    down = np.maximum(values - quantiles[:, 0], least)
    up = np.maximum(quantiles[:, 1] - values, least)
    return down, up


def largest_coverage(count: int) -> float:
    """Return the highest coverage that a number of calibration instances supports; 0 for none."""
    return count / (count + 1)


def threshold_rank(count: int, coverage: float) -> int:
    """Return the rank, from 1, of the score that is the threshold of a coverage.

    Args:
        count: Number of calibration scores.
        coverage: Coverage above 0, at most `largest_coverage`.
    """
    # (n + 1) * coverage may exceed a whole number by a rounding error.
    return max(1, ceil((count + 1) * coverage - 1e-9))


def threshold(scores: Values, coverage: float) -> np.float32:
    """Return the score that a true answer does not exceed with the probability `coverage`.

    Args:
        scores: Nonconformity scores of the calibration instances, ascending.
        coverage: Coverage above 0, at most `largest_coverage`.

    Shapes:
        scores: (n,).
    """
    limit: np.float32 = scores[threshold_rank(len(scores), coverage) - 1]
    return limit


def prediction_sets(probabilities: Values, limit: np.float32) -> NDArray[np.bool_]:
    """Say which labels belong to each instance's set; the most probable one always does.

    Shapes:
        (n, classes) to (n, classes).
    """
    members = class_scores(probabilities) <= limit
    best = probabilities.argmax(axis=1)
    # A single instance needs no array of indices, which takes longer than the rest.
    members[0 if len(best) == 1 else np.arange(len(best)), best] = True
    return members


def intervals(values: Values, quantiles: Values, limit: np.float32) -> Values:
    """Return the lower and upper end of each instance's interval, which holds the value.

    Shapes:
        values: (n,); quantiles: (n, 2); result: (n, 2).
    """
    # A value that is no finite number has no interval either; its instance is refused elsewhere.
    with np.errstate(over="ignore", invalid="ignore"):
        down, up = _reach(values, quantiles)
        return np.stack([values - limit * down, values + limit * up], axis=1)


def p_values(scores: Values, calibration: Values) -> NDArray[np.float64]:
    """Return the share of calibration instances that were at least as strange; it is never 0.

    Args:
        scores: Scores of the instances.
        calibration: Scores of the calibration instances, ascending.

    Shapes:
        scores: (n,); calibration: (m,); result: (n,).
    """
    stranger = len(calibration) - calibration.searchsorted(scores, side="left")
    return (1 + stranger) / (1 + len(calibration))


@dataclass(frozen=True, slots=True)
class Trust:
    """The calibration scores of one version.

    Attributes:
        scores: Nonconformity scores of the true answers, ascending.
        novelty: Novelty scores of the network, ascending; empty where it has no such output.

    Shapes:
        scores: (n,); novelty: (n,) or (0,).
    """

    scores: Values
    novelty: Values

    @classmethod
    def of(cls, scores: Sequence[float], novelty: Sequence[float]) -> "Trust":
        """Make it of the numbers in a manifest."""
        return cls(np.array(scores, dtype=np.float32), np.array(novelty, dtype=np.float32))

    @property
    def largest_coverage(self) -> float:
        """The highest coverage that the scores support."""
        return largest_coverage(len(self.scores))

    def sets(self, probabilities: Values, coverage: float) -> NDArray[np.bool_]:
        """Say which labels belong to each instance's prediction set; it is never empty.

        Shapes:
            (n, classes) to (n, classes).
        """
        return prediction_sets(probabilities, threshold(self.scores, coverage))

    def intervals(self, values: Values, quantiles: Values, coverage: float) -> Values:
        """Return the lower and upper end of each instance's interval.

        Shapes:
            values: (n,); quantiles: (n, 2); result: (n, 2).
        """
        return intervals(values, quantiles, threshold(self.scores, coverage))

    def credibility(self, probabilities: Values, novelty: Values | None) -> NDArray[np.float64]:
        """Return each instance's conformal p-value: it is low where training had nothing like it.

        It is that of the network's novelty score. A network without one has the p-value of its most
        probable label, which tells doubt between labels from certainty, but does not tell an
        instance of none of the classes.

        Shapes:
            probabilities: (n, classes); novelty, result: (n,).
        """
        if novelty is not None:
            return p_values(novelty, self.novelty)
        return p_values(class_scores(probabilities.max(axis=1)), self.scores)
