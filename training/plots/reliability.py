"""A reliability diagram."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from training.calibration.reliability import Reliability
from training.plots.style import GREY, PRIMARY, SECONDARY, label_logarithmic, saved_figure


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
        for each in before:
            _draw_curve(upper, each, SECONDARY, "before calibration")
        _draw_curve(upper, served, PRIMARY, "as served")
        _draw_counts(lower, served)
        upper.set(title=title, ylabel="share that is right", xlim=(0, 1), ylim=(-0.03, 1.03))
        lower.set(xlabel="probability of the most probable label", ylabel="instances")
        upper.legend(loc="lower right")


def _draw_curve(axes: Axes, reliability: Reliability, colour: str, name: str) -> None:
    filled = reliability.counts > 0
    axes.plot(
        reliability.confidence[filled],
        reliability.accuracy[filled],
        "o-",
        color=colour,
        linewidth=1.2,
        markersize=5,
        label=f"{name}: calibration error {100 * reliability.error:.2f} %",
    )


def _draw_counts(axes: Axes, reliability: Reliability) -> None:
    counts = reliability.counts
    edges = np.linspace(0, 1, len(counts) + 1)
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=PRIMARY, alpha=0.5)
    axes.set_yscale("log")
    label_logarithmic(axes.yaxis, minor=False)
