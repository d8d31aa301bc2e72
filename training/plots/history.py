"""A measure of training and of validation by epoch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from training.formatting import format_number
from training.history import History
from training.plots.style import PRIMARY, SECONDARY, label_logarithmic, saved_figure

# From this ratio of the largest value to the smallest, the axis is logarithmic.
_LOGARITHMIC_FROM = 8
# With more epochs the points would run together.
_MOST_MARKED = 40
_NAMES = {"rmse": "RMSE"}


def plot_history(path: Path, history: History, measure: str, *, title: str) -> None:
    """Draw one measure of training and validation by epoch.

    Args:
        path: The PNG to write.
        history: The measures of the fit.
        measure: Name of the measure to draw.
        title: Title of the plot.
    """
    training, validation = history.measures[measure], history.measures[f"val_{measure}"]
    with saved_figure(path, width=6.4, height=3.8) as figure:
        axes = figure.add_subplot()
        _draw_line(axes, training, SECONDARY, "training")
        _draw_line(axes, validation, PRIMARY, "validation")
        _mark_kept(axes, validation, history.kept)
        _scale(axes, [*training, *validation])
        axes.set(title=title, xlabel="epoch", ylabel=_NAMES.get(measure, measure.replace("_", " ")))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()


def _draw_line(axes: Axes, values: Sequence[float], colour: str, label: str) -> None:
    marker = "o" if len(values) < _MOST_MARKED else ""
    epochs = np.arange(1, len(values) + 1)
    axes.plot(epochs, values, marker=marker, markersize=4, color=colour, label=label)


def _mark_kept(axes: Axes, validation: Sequence[float], kept: int) -> None:
    """Draw a ring around the epoch whose weights were kept."""
    value = validation[kept - 1]
    axes.plot(
        *(kept, value),
        "o",
        markersize=10,
        markerfacecolor="none",
        color=PRIMARY,
        label=f"kept: epoch {kept}, {format_number(value)}",
    )


def _scale(axes: Axes, values: Sequence[float]) -> None:
    if min(values) <= 0 or max(values) <= _LOGARITHMIC_FROM * min(values):
        return
    axes.set_yscale("log")
    label_logarithmic(axes.yaxis)
