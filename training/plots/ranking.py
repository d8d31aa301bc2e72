"""ROC and precision-recall curves."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from training.plots.style import GREY, PRIMARY, saved_figure

Probabilities = NDArray[np.floating[Any]]
Truth = NDArray[np.bool_]


def plot_ranking_curves(
    path: Path, probabilities: Probabilities, truth: Truth, *, label: str
) -> None:
    """Draw the ROC and the precision-recall curve of one label.

    Args:
        path: The PNG to write.
        probabilities: Predicted probabilities of the label.
        truth: Whether each instance has the label.
        label: Name of the label.

    Shapes:
        probabilities, truth: (n,).
    """
    with saved_figure(path, width=9.2, height=4.2) as figure:
        left, right = figure.subplots(1, 2)
        _draw_roc(left, probabilities, truth, label)
        _draw_precision_recall(right, probabilities, truth, label)


def _draw_roc(axes: Axes, probabilities: Probabilities, truth: Truth, label: str) -> None:
    false_positives, true_positives, _ = roc_curve(truth, probabilities)
    area = auc(false_positives, true_positives)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="by chance")
    axes.plot(false_positives, true_positives, color=PRIMARY, label=f"area {area:.3f}")
    axes.set(
        title="ROC",
        xlabel=f"false positive rate of {label}",
        ylabel=f"true positive rate of {label}",
    )
    axes.legend(loc="lower right")


def _draw_precision_recall(
    axes: Axes, probabilities: Probabilities, truth: Truth, label: str
) -> None:
    precision, recall, _ = precision_recall_curve(truth, probabilities)
    area = average_precision_score(truth, probabilities)
    share = float(truth.mean())
    axes.axhline(share, color=GREY, linewidth=1, linestyle="--", label="by chance")
    axes.step(recall, precision, where="post", color=PRIMARY, label=f"area {area:.3f}")
    axes.set(
        title="Precision and recall",
        xlabel=f"recall of {label}",
        ylabel=f"precision of {label}",
        ylim=(0, 1.03),
    )
    axes.legend(loc="best")
