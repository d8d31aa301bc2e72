"""What a table's network predicts for rows made by code."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from training.plots.style import BLUES, COLOURS, GRID, INK, PRIMARY, saved_figure
from training.plots.texts import short_names

Values = NDArray[np.floating[Any]]

_TITLE = "Predictions for rows made by code"
# On darker cells the text is white.
_DARK_FROM = 0.6


def plot_values(path: Path, names: Sequence[str], values: Values, *, label: str) -> None:
    """Draw predicted values as bars, one a row.

    Args:
        path: The PNG to write.
        names: Names of the rows.
        values: Predicted values.
        label: Name and unit of the values.

    Shapes:
        values: (n,).
    """
    with saved_figure(path, width=7.2, height=0.6 + 0.42 * len(values)) as figure:
        axes = figure.add_subplot()
        heights = _heights(names)
        axes.barh(heights, values, color=PRIMARY, alpha=0.85, height=0.62)
        for height, value in zip(heights, values, strict=True):
            _write_value(axes, value, height)
        axes.set_yticks(heights, list(names))
        axes.margins(x=0.16)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.set(title=_TITLE, xlabel=label)


def _write_value(axes: Axes, value: float, height: float) -> None:
    """Write a value at the end of its bar, away from zero."""
    side = -1 if value < 0 else 1
    axes.annotate(
        f"{value:,.6g}",
        (value, height),
        xytext=(4 * side, 0),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        va="center",
        fontsize=9,
    )


def plot_class_probabilities(
    path: Path, names: Sequence[str], probabilities: Values, labels: Sequence[str]
) -> None:
    """Draw probabilities that sum to 1 as stacked bars, one a row.

    Shapes:
        probabilities: (n, classes).
    """
    with saved_figure(path, width=7.2, height=1.2 + 0.36 * len(names)) as figure:
        axes = figure.add_subplot()
        _stack_bars(axes, names, probabilities, labels)
        axes.set_yticks(_heights(names), list(names))
        axes.grid(visible=False, axis="y")
        axes.set(title=_TITLE, xlabel="probability", xlim=(0, 1))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _stack_bars(
    axes: Axes, names: Sequence[str], probabilities: Values, labels: Sequence[str]
) -> None:
    """Draw the labels that are most probable anywhere, and the sum of all others."""
    most = np.argsort(-probabilities.max(axis=0), kind="stable")[: len(COLOURS) - 1]
    heights, left, labels = _heights(names), np.zeros(len(names)), short_names(labels)
    for code, colour in zip(sorted(most.tolist()), COLOURS, strict=False):
        width = probabilities[:, code]
        axes.barh(heights, width, left=left, color=colour, height=0.66, label=labels[code])
        left = left + width
    if len(labels) > len(most):
        axes.barh(heights, 1 - left, left=left, color=GRID, height=0.66, label="others")


def plot_label_probabilities(
    path: Path, names: Sequence[str], probabilities: Values, labels: Sequence[str]
) -> None:
    """Draw the probability of each of several labels as a cell, one row of cells a row.

    Shapes:
        probabilities: (n, labels).
    """
    labels = short_names(labels)
    width = max(4.8, 2.4 + 0.9 * len(labels))
    with saved_figure(path, width=width, height=1.4 + 0.34 * len(names)) as figure:
        axes = figure.add_subplot()
        axes.imshow(probabilities, cmap=BLUES, vmin=0, vmax=1, aspect="auto")
        for row, column in np.ndindex(*probabilities.shape):
            value = probabilities[row, column]
            colour = "white" if value > _DARK_FROM else INK
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
        axes.set(title=_TITLE)
        axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
        axes.set_yticks(range(len(names)), list(names))
        axes.grid(visible=False)


def _heights(names: Sequence[str]) -> NDArray[np.intp]:
    """Return where the bars stand, the first one on top."""
    return np.arange(len(names))[::-1]
