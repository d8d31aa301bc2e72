"""A network beside one constant answer for the same instances, none of which trained it.

Of labels, it is the constant answer that is best for these very instances. So a network that has
learned to give always the same labels is never better, not even by luck. Of values, it is the mean
of the training part: that of a few instances would be closer to them than any network can know.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.scores import Codes, Values
from vitrine.errors import shown

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advantage:
    """How much better a network is than one constant answer.

    Attributes:
        measure: Name of the score.
        constant: The constant answer, such as the commonest class of the instances.
        score: Score of the network.
        constant_score: Score of the constant answer.
        gain: Difference of the scores; above 0 where the network is better.
        error: Standard error of the difference, over pairs of answers to the same instance.
        instances: Number of instances.
    """

    measure: str
    constant: str
    score: float
    constant_score: float
    gain: float
    error: float
    instances: int

    @property
    def is_clear(self) -> bool:
        """Whether the network is better by more than one standard error."""
        return self.gain > self.error


def classes_advantage(
    probabilities: Values,
    y: Codes,
    *,
    labels: tuple[str, ...],
    balanced: bool = False,
) -> Advantage:
    """Compare the most probable labels with the commonest one, by accuracy.

    Args:
        probabilities: Predicted probabilities.
        y: Codes of the true labels.
        labels: Class labels in the order of their codes.
        balanced: Whether every label counts the same, however rare it is.

    Shapes:
        probabilities: (n, classes); y: (n,).
    """
    commonest = int(np.bincount(y).argmax())
    right, constant_right = probabilities.argmax(axis=1) == y, y == commonest
    return _accuracy_advantage(
        right[:, np.newaxis],
        constant_right[:, np.newaxis],
        y[:, np.newaxis],
        constant=shown(labels[commonest]),
        balanced=balanced,
    )


def labels_advantage(probabilities: Values, y: Values, *, balanced: bool = False) -> Advantage:
    """Compare which labels are given with the commoner value of each, by their mean accuracy.

    Args:
        probabilities: Predicted probabilities.
        y: Which labels each instance has.
        balanced: Whether an instance with a label counts as much as one without it, however many
            there are of each.

    Shapes:
        probabilities, y: (n, labels).
    """
    truth = y > 0.5
    return _accuracy_advantage(
        (probabilities > 0.5) == truth,
        truth == (truth.mean(axis=0) > 0.5),
        truth,
        constant="the commoner value of each label",
        balanced=balanced,
    )


def _accuracy_advantage(
    right: NDArray[np.bool_],
    constant_right: NDArray[np.bool_],
    y: NDArray[Any],
    *,
    constant: str,
    balanced: bool,
) -> Advantage:
    """Compare which answers are right; where balanced, every value of y counts the same."""
    gains = right.astype(np.float64) - constant_right
    weights, usual = _weights_and_means(gains, y if balanced else np.zeros_like(y))
    # The delta method: a balanced mean varies as the gains vary among instances of one value.
    deviations = (weights * (gains - usual)).mean(axis=1)
    return Advantage(
        measure="balanced accuracy" if balanced else "accuracy",
        constant=constant,
        score=float((weights * right).mean()),
        constant_score=float((weights * constant_right).mean()),
        gain=float((weights * gains).mean()),
        error=float(np.sqrt((deviations**2).mean() / len(deviations))),
        instances=len(deviations),
    )


def _weights_and_means(gains: Numbers, y: NDArray[Any]) -> tuple[Numbers, Numbers]:
    """Return, for each element, its weight and the mean of the gains with the same value of y.

    By these weights, every value of a column counts the same; their mean is 1.
    """
    weights, means = np.empty(gains.shape), np.empty(gains.shape)
    for column, values in enumerate(y.T):
        _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
        weights[:, column] = len(values) / (len(counts) * counts[codes])
        means[:, column] = (np.bincount(codes, gains[:, column]) / counts)[codes]
    return weights, means


def values_advantage(values: Values, y: Numbers, *, mean: float) -> Advantage:
    """Compare values with the mean of the training part, by RMSE.

    The standard error is that of the delta method: that of the difference of the mean squared
    errors, divided by the sum of both RMSEs.

    Shapes:
        values, y: (n,).
    """
    squares = (values.astype(np.float64) - y) ** 2
    constant_squares = (mean - y) ** 2
    rmse, constant_rmse = np.sqrt(squares.mean()), np.sqrt(constant_squares.mean())
    error = (constant_squares - squares).std() / np.sqrt(len(y))
    return Advantage(
        measure="RMSE",
        constant="the mean",
        score=float(rmse),
        constant_score=float(constant_rmse),
        gain=float(constant_rmse - rmse),
        error=float(error / (rmse + constant_rmse)) if constant_rmse else 0.0,
        instances=len(y),
    )


def pictures_advantage(errors: Values, constant_errors: Values) -> Advantage:
    """Compare redrawn pictures with the mean picture of the training part, by their errors.

    Args:
        errors: Mean squared error of each redrawn picture.
        constant_errors: Mean squared error of the mean picture in the place of each.

    Shapes:
        errors, constant_errors: (n,).
    """
    gains = constant_errors.astype(np.float64) - errors
    return Advantage(
        measure="mean error",
        constant="the mean picture",
        score=float(errors.mean(dtype=np.float64)),
        constant_score=float(constant_errors.mean(dtype=np.float64)),
        gain=float(gains.mean()),
        error=float(gains.std() / np.sqrt(len(gains))),
        instances=len(gains),
    )
