"""Frequency, precision and recall of each of several labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training.plots.style import GREY, PRIMARY, SECONDARY, saved_figure
from training.plots.texts import short_names

Values = NDArray[np.floating[Any]]


def plot_label_scores(
    path: Path, probabilities: Values, truth: Values, labels: Sequence[str]
) -> None:
    """Draw how frequent each label is, and its precision and recall.

    A label is predicted where its probability is at least one half.

    Shapes:
        probabilities, truth: (n, labels).
    """
    predicted = probabilities >= 0.5
    right = (predicted * truth).sum(axis=0)
    precision = right / np.maximum(predicted.sum(axis=0), 1)
    recall = right / np.maximum(truth.sum(axis=0), 1)
    with saved_figure(path, width=6.4, height=1.4 + 0.62 * len(labels)) as figure:
        axes = figure.add_subplot()
        _draw_bars(axes, truth.mean(axis=0), "frequency", GREY, offset=0.26)
        _draw_bars(axes, precision, "precision", PRIMARY, offset=0)
        _draw_bars(axes, recall, "recall", SECONDARY, offset=-0.26)
        axes.set_yticks(_heights(len(labels)), short_names(labels))
        axes.grid(visible=False, axis="y")
        axes.set(title="Each label on the test part", xlabel="share", xlim=(0, 1))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _heights(count: int) -> NDArray[np.float64]:
    """Return where the labels stand, the first one on top."""
    return np.arange(count)[::-1].astype(float)


def _draw_bars(axes: Axes, values: Values, name: str, colour: str, *, offset: float) -> None:
    heights = _heights(len(values)) + offset
    axes.barh(heights, values, height=0.24, color=colour, label=name, alpha=0.85)
