"""How wide prediction intervals are."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from training.formatting import format_number
from training.plots.style import BLUES, PRIMARY, SECONDARY, saved_figure

Values = NDArray[np.floating[Any]]


def plot_intervals(
    path: Path, values: Values, widths: Values, *, constant: float, coverage: float, unit: str
) -> None:
    """Draw how wide intervals are, beside the one width that all would need to share.

    Only densities are drawn, so that no single row of the data can be read from the plot.

    Args:
        path: The PNG to write.
        values: Predicted values.
        widths: Widths of their intervals.
        constant: The one width for all intervals.
        coverage: Coverage of both kinds of interval.
        unit: Unit of values and widths.

    Shapes:
        values, widths: (n,).
    """
    top = float(np.quantile(widths, 0.995)) * 1.1
    with saved_figure(path, width=7.2, height=4.2) as figure:
        axes = figure.subplots()
        _draw_density(axes, values, widths, top)
        _draw_mean(axes, constant, SECONDARY, "one width for all")
        _draw_mean(axes, float(widths.mean()), PRIMARY, "mean of these intervals")
        axes.set(
            title="Intervals are narrow where the network is sure",
            xlabel=f"predicted value {unit}".strip(),
            ylabel=f"width of the {coverage:.0%} interval",
            ylim=(0, top),
        )
        axes.xaxis.set_major_formatter(lambda value, _: format_number(value))
        axes.yaxis.set_major_formatter(lambda value, _: format_number(value))
        axes.legend(loc="upper left")


def _draw_density(axes: Axes, values: Values, widths: Values, top: float) -> None:
    low, high = np.quantile(values, [0.001, 0.999])
    axes.hexbin(
        values,
        widths,
        gridsize=(48, 24),
        extent=(low, high, 0, top),
        cmap=BLUES,
        norm=LogNorm(vmin=0.4),
        mincnt=1,
        linewidths=0,
    )


def _draw_mean(axes: Axes, width: float, colour: str, label: str) -> None:
    axes.axhline(width, color=colour, linewidth=1.4, label=f"{label}: {format_number(width)}")
