"""How often the most probable label is right, by its probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 15


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often the most probable label is right, in bins of its probability.

    The bins are equally wide, from 0 to 1. A mean or a share of an empty bin is 0.

    Attributes:
        counts: Number of instances in each bin.
        confidence: Mean probability of the most probable label in each bin.
        accuracy: Share of these labels that are right in each bin.

    Shapes:
        Each (bins,).
    """

    counts: NDArray[np.intp]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: NDArray[np.float32], y: NDArray[np.int64]) -> "Reliability":
        """Count instances into bins.

        Shapes:
            probabilities: (n, classes); y: (n,), codes of the true labels.
        """
        highest = probabilities.max(axis=1).astype(np.float64)
        is_right = probabilities.argmax(axis=1) == y
        index = np.minimum((highest * _BINS).astype(np.intp), _BINS - 1)
        counts, confidence, accuracy = (
            np.bincount(index, weights, minlength=_BINS) for weights in (None, highest, is_right)
        )
        divisor = np.maximum(counts, 1)
        return cls(counts, confidence / divisor, accuracy / divisor)

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap of the bins, weighted by their instances."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(self.counts @ gaps / max(1, self.counts.sum()))
