"""A confusion matrix."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training.plots.style import BLUES, GREY, INK, saved_figure
from training.plots.texts import short_names

# The counts of more classes would not be legible.
_MOST_COUNTED = 20
# So many letters fit side by side below the matrix.
_LETTERS = 30


def plot_confusion(
    path: Path, counts: NDArray[np.int64], labels: Sequence[str], *, title: str
) -> None:
    """Draw a confusion matrix, coloured by the share of each true class that is wrong.

    The counts are written into the matrix of at most twenty classes.

    Shapes:
        counts: (classes, classes), one true class a row.
    """
    labels = short_names(labels)
    side = _side(len(labels))
    with saved_figure(path, width=side + 0.4, height=side) as figure:
        axes = figure.add_subplot()
        _colour_mistakes(axes, counts)
        if len(labels) <= _MOST_COUNTED:
            _write_counts(axes, counts)
        _name_classes(axes, labels, size=min(10, 55 * side / len(labels)))
        axes.set(title=title, xlabel="predicted", ylabel="true")
        axes.grid(visible=False)


def _side(classes: int) -> float:
    """Return the height of the figure in inches."""
    return min(5.8, 2.8 + 0.6 * classes) if classes <= _MOST_COUNTED else min(0.25 * classes, 11.5)


def _colour_mistakes(axes: Axes, counts: NDArray[np.int64]) -> None:
    mistakes = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Beside a full diagonal all mistakes would look white.
    np.fill_diagonal(mistakes, 0)
    axes.imshow(mistakes, cmap=BLUES, vmin=0, vmax=max(mistakes.max() * 1.6, 1e-9))


def _write_counts(axes: Axes, counts: NDArray[np.int64]) -> None:
    for row, column in zip(*np.nonzero(counts), strict=True):
        right = row == column
        axes.text(
            column,
            row,
            f"{counts[row, column]}",
            ha="center",
            va="center",
            color=GREY if right else INK,
            fontsize=9,
            fontweight="normal" if right else "bold",
        )


def _name_classes(axes: Axes, labels: Sequence[str], *, size: float) -> None:
    is_level = max(map(len, labels)) * len(labels) <= _LETTERS
    axes.set_xticks(range(len(labels)), labels, rotation=0 if is_level else 90, fontsize=size)
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
