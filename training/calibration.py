"""What is measured on the calibration split, and how well it holds on other data.

NumPy, SciPy and scikit-learn only; knows nothing of Keras, files or plots.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats  # type: ignore[import-untyped]
from sklearn.cluster import MiniBatchKMeans

from vitrine import trust

Values = NDArray[np.float32]
Codes = NDArray[np.int64]

COVERAGES = (0.8, 0.9, 0.95, 0.99, 0.999)
# Of how often an honest calibration may fall short of what it states by more than the margin.
_CONFIDENCE = 0.999
_LEAST_PROBABILITY = 1e-38  # the smallest that a float32 holds in full
_RELIABILITY_BINS = 15

_MOST_PROTOTYPES = 50
_ROWS_A_PROTOTYPE = 20
# More move the centres by next to nothing.
_CLUSTERING_ROUNDS = 20
# A quarter of a million numbers are a megabyte.
_MOST_PROTOTYPE_NUMBERS = 240_000


def fit_temperature(probabilities: Values, y: Codes) -> float:
    """Find what the logits must be divided by so that probabilities mean what they say.

    It is the one that gives the true labels the highest likelihood. Where every most probable label
    is right, that would be certainty: then nothing says how sure to be, and it is 1 at least.

    Shapes:
        probabilities: (n, classes); y: (n,), codes.

    References:
        Guo, Pleiss, Sun, Weinberger (2017), On calibration of modern neural networks,
        arXiv:1706.04599.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _LEAST_PROBABILITY))
    truth = np.arange(len(y)), y

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[truth]))

    is_faultless = bool((probabilities.argmax(axis=1) == y).all())
    bounds = (0.0 if is_faultless else -3.0, 3.0)  # of its logarithm: up to twentyfold either way
    found = optimize.minimize_scalar(loss, bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def tempered(probabilities: Values, temperature: float) -> Values:
    """Return what the probabilities become when the logits are divided by a temperature.

    Shapes:
        (n, classes).
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _LEAST_PROBABILITY)) / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(shares, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often the most probable label is right, by how probable it was.

    Attributes:
        counts: Instances a bin; bins are equally wide, from 0 to 1.
        confidence: Mean probability of the most probable label, by bin; 0 in an empty one.
        accuracy: Share of these labels that are right, by bin; 0 in an empty one.

    Shapes:
        Each (bins,).
    """

    counts: NDArray[np.intp]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: Values, y: Codes) -> "Reliability":
        """Count instances into bins.

        Shapes:
            probabilities: (n, classes); y: (n,), codes.
        """
        top = probabilities.max(axis=1).astype(np.float64)
        right = probabilities.argmax(axis=1) == y
        place = np.minimum((top * _RELIABILITY_BINS).astype(np.intp), _RELIABILITY_BINS - 1)
        counts, confidence, accuracy = (
            np.bincount(place, weights, minlength=_RELIABILITY_BINS)
            for weights in (None, top, right)
        )
        some = np.maximum(counts, 1)
        return cls(counts, confidence / some, accuracy / some)

    @property
    def error(self) -> float:
        """The expected calibration error: how far the two are apart, weighted by instances."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(self.counts @ gaps / max(1, self.counts.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """How often an answer of one coverage held the truth on other data than it was calibrated on.

    Attributes:
        asked: The coverage.
        found: The share of instances whose answer held the truth.
        margin: How far the share may fall below, and above, by chance alone: in one of a thousand
            honest calibrations it falls further.
        size: Mean labels of a set, or mean width of an interval.
    """

    asked: float
    found: float
    margin: tuple[float, float]
    size: float


def margins(asked: float, *, calibrating: int, tested: int) -> tuple[float, float]:
    """Return how far below and above the asked coverage a share may be found by chance.

    The share of `tested` instances that is covered is beta-binomial, since what calibrates is a
    sample as well. The margins are its 0.1 % and 99.9 % quantiles, each for itself.

    References:
        Angelopoulos and Bates (2021), section 3.2 and appendix C.
    """
    rank = trust.threshold_rank(calibrating, asked)
    share = stats.betabinom(tested, rank, calibrating + 1 - rank)
    low, high = share.ppf([1 - _CONFIDENCE, _CONFIDENCE]) / tested
    return asked - float(low), float(high) - asked


def coverages(calibrating: int) -> Iterable[float]:
    """Return the usual coverages that so many instances support."""
    return [asked for asked in COVERAGES if asked <= trust.largest_coverage(calibrating)]


def class_coverage(probabilities: Values, y: Codes, scores: Values, asked: float) -> Covered:
    """Measure prediction sets.

    Args:
        probabilities: Of instances that did not calibrate.
        y: What they show.
        scores: Of the instances that calibrated, ascending.
        asked: The coverage.

    Shapes:
        probabilities: (n, classes); y: (n,); scores: (m,).
    """
    members = trust.prediction_sets(probabilities, trust.threshold(scores, asked))
    return Covered(
        asked=asked,
        found=float(members[np.arange(len(y)), y].mean()),
        margin=margins(asked, calibrating=len(scores), tested=len(y)),
        size=float(members.sum(axis=1).mean()),
    )


def value_coverage(
    values: Values, quantiles: Values, y: NDArray[np.float64], scores: Values, asked: float
) -> Covered:
    """Measure intervals.

    Args:
        values: As predicted, of instances that did not calibrate.
        quantiles: As predicted.
        y: Their true values.
        scores: Of the instances that calibrated, ascending.
        asked: The coverage.

    Shapes:
        values, y: (n,); quantiles: (n, 2); scores: (m,).
    """
    ends = trust.intervals(values, quantiles, trust.threshold(scores, asked))
    return Covered(
        asked=asked,
        found=float(((ends[:, 0] <= y) & (y <= ends[:, 1])).mean()),
        margin=margins(asked, calibrating=len(scores), tested=len(y)),
        size=float((ends[:, 1] - ends[:, 0]).mean()),
    )


def constant_width(residuals: Values, asked: float) -> float:
    """Return how wide an interval of one width for all must be, by split conformal prediction.

    Args:
        residuals: Absolute ones of the calibration instances.
        asked: The coverage.
    """
    return 2 * float(trust.threshold(np.sort(residuals), asked))


def find_prototypes(features: Values, y: Codes, *, seed: int) -> Values:
    """Find typical directions of each class among the features of the training instances.

    They are the centres of clusters, made as long as 1: averages of many instances, none of which
    could be told from them.

    Args:
        features: As the network has them.
        y: Codes of class labels.
        seed: Of the clusters.

    Returns:
        At most a megabyte of numbers.

    Shapes:
        features: (n, width); y: (n,); result: (prototypes, width).
    """
    directions = _unit(features)
    classes = np.unique(y)
    room = _MOST_PROTOTYPE_NUMBERS // features.shape[1]
    if len(classes) > room:  # too many for each to have its own
        classes, y = np.zeros(1, dtype=y.dtype), np.zeros_like(y)
    most = min(_MOST_PROTOTYPES, room // len(classes))
    found = []
    for code in classes:
        own = directions[y == code]
        count = max(1, min(most, len(own) // _ROWS_A_PROTOTYPE))
        clusters = MiniBatchKMeans(
            count, random_state=seed, n_init=3, batch_size=2048, max_iter=_CLUSTERING_ROUNDS
        ).fit(own)
        found.append(clusters.cluster_centers_)
    return _unit(np.concatenate(found)).astype(np.float32)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6))
