"""Scores of predictions: accuracy, log loss, areas under curves, RMSE, R2."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

Values = NDArray[np.float32]
Codes = NDArray[np.int64]

# Keeps the log loss finite where a true label was given no probability at all.
_LEAST_PROBABILITY = 1e-12


def classification_scores(probabilities: Values, y: Codes) -> dict[str, float]:
    """Return accuracy, its standard error, and log loss.

    Shapes:
        probabilities: (n, classes); y: (n,), codes of the true labels.
    """
    accuracy = float((probabilities.argmax(axis=1) == y).mean())
    of_truth = probabilities[np.arange(len(y)), y].astype(np.float64)
    return {
        "accuracy": accuracy,
        "accuracy_standard_error": float(np.sqrt(accuracy * (1 - accuracy) / len(y))),
        "log_loss": float(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean()),
    }


def ranking_scores(probabilities: Values, y: Codes, *, of: int | None) -> dict[str, float]:
    """Return the areas under the ROC and the precision-recall curve, and F1.

    Of more than two labels, each score is the mean over the labels, one against the rest. A label
    that no instance has, or that all have, has no areas and is left out of their mean.

    Args:
        probabilities: Predicted probabilities.
        y: Codes of the true labels.
        of: Code of the one label that two labels are scored by; None where there are more.

    Shapes:
        probabilities: (n, classes); y: (n,).
    """
    classes = probabilities.shape[1]
    counts = np.bincount(y, minlength=classes)
    present = [code for code in (range(classes) if of is None else [of]) if counts[code]]
    scores = _mean_areas(probabilities, y, [code for code in present if counts[code] < len(y)])
    if present:
        predicted = probabilities.argmax(axis=1)
        f1 = f1_score(y, predicted, labels=present, average="macro", zero_division=0)
        scores["macro_f1" if of is None else "f1"] = float(f1)
    return scores


def _mean_areas(probabilities: Values, y: Codes, codes: list[int]) -> dict[str, float]:
    if not codes:
        return {}
    measures = {"roc_auc": roc_auc_score, "pr_auc": average_precision_score}
    return {
        name: float(np.mean([measure(y == code, probabilities[:, code]) for code in codes]))
        for name, measure in measures.items()
    }


def regression_scores(values: Values, y: NDArray[np.float64]) -> dict[str, float]:
    """Return RMSE with its standard error, MAE and R2.

    The standard error is that of the delta method: the standard error of the mean squared error,
    divided by twice the RMSE.

    Shapes:
        values, y: (n,).
    """
    residuals = values.astype(np.float64) - y
    squares = residuals**2
    rmse = float(np.sqrt(squares.mean()))
    spread = float(np.sum((y - y.mean()) ** 2))
    return {
        "rmse": rmse,
        "rmse_standard_error": float(squares.std() / np.sqrt(len(y)) / (2 * rmse)) if rmse else 0.0,
        "mae": float(np.abs(residuals).mean()),
        "r2": 1 - float(squares.sum()) / spread if spread else 0.0,
    }


def confusion_matrix(predicted: Codes, y: Codes, classes: int) -> Codes:
    """Count how often each true class (row) is predicted as each class (column).

    Shapes:
        predicted, y: (n,); result: (classes, classes).
    """
    return np.bincount(y * classes + predicted, minlength=classes**2).reshape(classes, classes)
