"""Scores of two kinds of model on the same folds: how far apart they are and how sure that is.

NumPy only; knows nothing of what the models are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Of paired scores, the first less the second.

    Attributes:
        mean: Over folds.
        error: Its standard error, had the folds been independent of each other.
        cautious_error: The same, made larger because folds share most of what trains them.
    """

    mean: float
    error: float
    cautious_error: float


def pair(
    first: Sequence[float], second: Sequence[float], *, scored: int, trained: int
) -> Difference:
    """Compare scores fold by fold.

    Args:
        first: Of the one kind, by fold; at least two.
        second: Of the other, by fold.
        scored: Instances that are scored in a fold.
        trained: Instances that train for it.

    References:
        Nadeau, Bengio (2003), Inference for the generalization error, doi:10.1023/A:1024068626366.
    """
    differences = np.subtract(first, second)
    variance = float(differences.var(ddof=1))
    folds = len(differences)
    return Difference(
        mean=float(differences.mean()),
        error=float(np.sqrt(variance / folds)),
        cautious_error=float(np.sqrt(variance * (1 / folds + scored / trained))),
    )


def verdict(difference: Difference, *, larger_is_better: bool) -> int:
    """Return 1 if the first is better, -1 if the second, 0 where that may be chance.

    Further from 0 than twice the cautious error is not taken for chance.
    """
    if abs(difference.mean) <= 2 * difference.cautious_error:
        return 0
    return 1 if (difference.mean > 0) == larger_is_better else -1
