"""Predicted and true values of a regression, and their differences."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from training.plots.style import BLUES, GREY, PRIMARY, SECONDARY, saved_figure

Values = NDArray[np.floating[Any]]


def plot_residuals(path: Path, predicted: Values, true: Values, *, unit: str) -> None:
    """Draw predicted against true values, and how their differences are distributed.

    Only densities are drawn, so that no single row of the data can be read from the plot.

    Shapes:
        predicted, true: (n,).
    """
    with saved_figure(path, width=9.6, height=4.2) as figure:
        left, right = figure.subplots(1, 2)
        _draw_density(left, predicted, true, unit)
        _draw_differences(right, predicted - true, unit)
        for axis in (left.xaxis, left.yaxis, right.xaxis):
            axis.set_major_locator(MaxNLocator(5))
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))


def _draw_density(axes: Axes, predicted: Values, true: Values, unit: str) -> None:
    low, high = np.quantile(np.concatenate([predicted, true]), [0.001, 0.999])
    axes.hexbin(
        true,
        predicted,
        gridsize=36,
        extent=(low, high, low, high),
        cmap=BLUES,
        norm=LogNorm(vmin=0.4),
        mincnt=1,
        linewidths=0,
    )
    axes.plot([low, high], [low, high], color=SECONDARY, linewidth=1.2)
    axes.set(
        title="Predicted and true values",
        xlabel=f"true value {unit}".strip(),
        ylabel=f"predicted value {unit}".strip(),
    )


def _draw_differences(axes: Axes, residuals: Values, unit: str) -> None:
    reach = float(np.quantile(np.abs(residuals), 0.99)) or 1.0
    axes.hist(residuals, bins=np.linspace(-reach, reach, 41).tolist(), color=PRIMARY, alpha=0.85)
    for share in (0.1, 0.9):
        axes.axvline(float(np.quantile(residuals, share)), color=SECONDARY, linewidth=1.2)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(
        title="Residuals, 80 % between the lines",
        xlabel=f"predicted - true value {unit}".strip(),
        ylabel="instances",
    )
