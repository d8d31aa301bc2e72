"""What the predictions of a study are worth, by task.

NumPy and scikit-learn only; knows nothing of networks.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from training.datasets.targets import Task
from training.evaluation import classification_scores, regression_scores

Array = NDArray[Any]

_LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that says how good predictions are.

    Attributes:
        name: Its key among scores.
        title: For people.
        larger_is_better: Whether.
    """

    name: str
    title: str
    larger_is_better: bool = False

    @property
    def sign(self) -> int:
        """1 where larger is better, else -1: times it, larger is always better."""
        return 1 if self.larger_is_better else -1


ACCURACY = Measure("accuracy", "accuracy", larger_is_better=True)
MACRO_F1 = Measure("f1", "F1, mean of classes", larger_is_better=True)
LOG_LOSS = Measure("log_loss", "log loss")
RMSE = Measure("rmse", "RMSE")
MAE = Measure("mae", "MAE")
R2 = Measure("r2", "R2", larger_is_better=True)

# The first one ranks.
MEASURES: dict[Task, tuple[Measure, ...]] = {
    "regression": (RMSE, MAE, R2),
    "binary": (ACCURACY, LOG_LOSS, MACRO_F1),
    "multiclass": (ACCURACY, LOG_LOSS, MACRO_F1),
    "multilabel": (LOG_LOSS, ACCURACY),
}


def score(task: Task, predicted: Array, y: Array) -> dict[str, float]:
    """Return every measure of the task.

    Shapes:
        predicted: (n,) values or (n, classes) probabilities; y: (n,) values or codes, or
        (n, labels).
    """
    if task == "regression":
        found = regression_scores(predicted, y)
    elif task == "multilabel":
        found = _label_scores(predicted, y)
    else:
        found = classification_scores(predicted, y)
        found["f1"] = float(f1_score(y, predicted.argmax(axis=1), average="macro"))
    return {measure.name: found[measure.name] for measure in MEASURES[task]}


def _label_scores(predicted: Array, y: Array) -> dict[str, float]:
    """Return the mean over labels: of the log loss, and of the share that was told right."""
    of_truth = np.where(y > 0.5, predicted, 1 - predicted).astype(np.float64)
    return {
        "log_loss": float(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean()),
        "accuracy": float((of_truth > 0.5).mean()),
    }
