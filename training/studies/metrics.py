"""The metrics that studies report for each task.

This module uses NumPy and scikit-learn only; it knows nothing about networks.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from training.datasets.targets import Task
from training.evaluation.scores import classification_scores, regression_scores

Array = NDArray[Any]

# A probability of 0 would make the log loss infinite.
_LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that says how good predictions are.

    Attributes:
        name: Key of the metric among scores.
        title: Name of the metric in tables and plots.
        larger_is_better: Whether a larger number means better predictions.
    """

    name: str
    title: str
    larger_is_better: bool = False

    @property
    def sign(self) -> int:
        """1 where larger is better, else -1. The product with a score is better when larger."""
        return 1 if self.larger_is_better else -1


ACCURACY = Metric("accuracy", "accuracy", larger_is_better=True)
MACRO_F1 = Metric("f1", "F1, mean of classes", larger_is_better=True)
LOG_LOSS = Metric("log_loss", "log loss")
RMSE = Metric("rmse", "RMSE")
MAE = Metric("mae", "MAE")
R2 = Metric("r2", "R2", larger_is_better=True)

# The first metric of a task ranks its models.
METRICS: dict[Task, tuple[Metric, ...]] = {
    "regression": (RMSE, MAE, R2),
    "binary": (ACCURACY, LOG_LOSS, MACRO_F1),
    "multiclass": (ACCURACY, LOG_LOSS, MACRO_F1),
    "multilabel": (LOG_LOSS, ACCURACY),
}


def score(task: Task, predicted: Array, y: Array) -> dict[str, float]:
    """Return every metric of the task.

    Shapes:
        predicted: (n,) values or (n, classes) probabilities; y: (n,) values or codes, or
        (n, labels).
    """
    if task == "regression":
        scores = regression_scores(predicted, y)
    elif task == "multilabel":
        scores = _label_scores(predicted, y)
    else:
        scores = classification_scores(predicted, y)
        scores["f1"] = float(f1_score(y, predicted.argmax(axis=1), average="macro"))
    return {metric.name: scores[metric.name] for metric in METRICS[task]}


def _label_scores(predicted: Array, y: Array) -> dict[str, float]:
    """Return the log loss and the accuracy, each as the mean over all labels."""
    of_truth = np.where(y > 0.5, predicted, 1 - predicted).astype(np.float64)
    return {
        "log_loss": float(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean()),
        "accuracy": float((of_truth > 0.5).mean()),
    }
