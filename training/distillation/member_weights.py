"""How much each member of the ensemble counts, by its predictions for rows of other folds."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls  # type: ignore[import-untyped]

Doubles = NDArray[np.float64]

_LEAST_PROBABILITY = 1e-6
_ROUNDS = 200


def value_weights(predictions: Doubles, target: Doubles) -> Doubles:
    """Weigh members by least squares, none negative.

    Args:
        predictions: What each member predicted for rows that it had not learned from.
        target: The true values.

    Shapes:
        predictions: (n, members); target: (n,); result: (members,), of sum 1.
    """
    weights, _ = nnls(predictions - target.mean(), target - target.mean())
    total = weights.sum()
    return np.asarray(weights / total if total > 0 else np.full(len(weights), 1 / len(weights)))


def class_weights(of_truth: Doubles) -> Doubles:
    """Weigh members by maximum likelihood, as a mixture, by expectation and maximisation.

    Args:
        of_truth: Probability that each member gave the true label of rows that it had not learned
            from.

    Shapes:
        of_truth: (n, members); result: (members,), of sum 1.

    References:
        Dempster, Laird, Rubin (1977), Maximum likelihood from incomplete data via the EM
        algorithm, section 4.3, JSTOR 2984875.
    """
    of_truth = np.maximum(of_truth, _LEAST_PROBABILITY)
    weights = np.full(of_truth.shape[1], 1 / of_truth.shape[1])
    for _ in range(_ROUNDS):
        # Expectation: how likely each member is to have made each row's label.
        shares = of_truth * weights
        # Maximisation: a member's weight is its mean share.
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights
