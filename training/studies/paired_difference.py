"""The difference between the scores of two models on the same folds, and its standard error.

This module uses NumPy only; it knows nothing about the models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """The scores of a first model less those of a second one, over folds.

    Attributes:
        mean: Mean difference over folds.
        error: Standard error of the mean, if the folds were independent of each other.
        cautious_error: Larger standard error, which allows for the training instances that the
            folds share.
    """

    mean: float
    error: float
    cautious_error: float


def paired_difference(
    first: Sequence[float], second: Sequence[float], *, scored: int, trained: int
) -> PairedDifference:
    """Compare the scores of two models fold by fold.

    Args:
        first: Scores of the first model by fold; at least two.
        second: Scores of the second model by fold.
        scored: Number of instances that a fold scores.
        trained: Number of instances that a fold trains on.

    References:
        Nadeau, Bengio (2003), Inference for the generalization error, doi:10.1023/A:1024068626366.
    """
    differences = np.subtract(first, second)
    variance = float(differences.var(ddof=1))
    folds = len(differences)
    return PairedDifference(
        mean=float(differences.mean()),
        error=float(np.sqrt(variance / folds)),
        cautious_error=float(np.sqrt(variance * (1 / folds + scored / trained))),
    )


def verdict(difference: PairedDifference, *, larger_is_better: bool) -> int:
    """Return 1 if the first model is better, -1 if the second is, and 0 if it may be chance.

    A difference of at most two cautious standard errors may be chance.
    """
    if abs(difference.mean) <= 2 * difference.cautious_error:
        return 0
    return 1 if (difference.mean > 0) == larger_is_better else -1
