"""A reliability diagram."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from training.calibration.reliability import Reliability
from training.plots.style import GREY, PRIMARY, SECONDARY, label_logarithmic, saved_figure

# Points of bins with fewer instances are hollow, because chance moves them far.
_FEW = 10
_FEW_LABEL = f"fewer than {_FEW} instances"


def plot_reliability(path: Path, reliabilities: Sequence[Reliability], *, title: str) -> None:
    """Draw how often the most probable label is right, against its probability.

    Args:
        path: The PNG to write.
        reliabilities: Reliability as it is served, which comes last, and before it the one before
            calibration, if there was any.
        title: Title of the plot.
    """
    *before, served = reliabilities
    with saved_figure(path, width=5.6, height=5.6) as figure:
        upper, lower = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
        upper.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="perfect")
        upper.plot([], [], "o", color=GREY, markerfacecolor="white", label=_FEW_LABEL)
        for each in before:
            _draw_curve(upper, each, SECONDARY, "before calibration")
        _draw_curve(upper, served, PRIMARY, "as served")
        _draw_counts(lower, served)
        upper.set(title=title, ylabel="share that is right", xlim=(0, 1.01), ylim=(-0.03, 1.03))
        lower.set(xlabel="probability of the most probable label", ylabel="instances")
        # Curves may lead anywhere in the panel, so the legend is below it.
        figure.legend(*upper.get_legend_handles_labels(), loc="outside lower center")


def _draw_curve(axes: Axes, reliability: Reliability, colour: str, name: str) -> None:
    counts = reliability.counts
    axes.plot(
        reliability.confidence[counts > 0],
        reliability.accuracy[counts > 0],
        "o-",
        color=colour,
        linewidth=1.2,
        markersize=5,
        label=f"{name}: calibration error {100 * reliability.error:.2f} %",
    )
    is_rare = (counts > 0) & (counts < _FEW)
    axes.plot(
        reliability.confidence[is_rare],
        reliability.accuracy[is_rare],
        "o",
        color=colour,
        markerfacecolor="white",
        markersize=5,
    )


def _draw_counts(axes: Axes, reliability: Reliability) -> None:
    counts = reliability.counts
    edges = np.linspace(0, 1, len(counts) + 1)
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=PRIMARY, alpha=0.5)
    axes.set_yscale("log")
    # A bin with one instance is still seen.
    axes.set_ylim(bottom=0.6)
    label_logarithmic(axes.yaxis, minor=False)
