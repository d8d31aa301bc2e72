"""How anomaly scores of several kinds of pictures are distributed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training.plots.style import COLOURS, INK, label_logarithmic, saved_figure

Values = NDArray[np.floating[Any]]


def plot_anomaly_scores(
    path: Path, scores: Mapping[str, Values], *, limit: float, title: str
) -> None:
    """Draw how the scores of several kinds of pictures are distributed.

    Args:
        path: The PNG to write.
        scores: Positive scores by kind of picture; those like the training pictures come first.
        limit: Score above which a picture is called unlike the training pictures.
        title: Title of the plot.

    Shapes:
        Each value of scores (n,).
    """
    together = np.concatenate(list(scores.values()))
    edges = np.geomspace(max(together.min(), 1e-6), max(together.max(), 1e-5), 61)
    with saved_figure(path, width=8.4, height=3.8) as figure:
        axes = figure.subplots()
        for (kind, each), colour in zip(scores.items(), COLOURS, strict=False):
            _draw_distribution(axes, each, edges, colour, kind)
        axes.axvline(limit, color=INK, linewidth=1, linestyle="--", label="credibility 0.05")
        axes.set_xscale("log")
        label_logarithmic(axes.xaxis)
        axes.set(title=title, xlabel="anomaly score", ylabel="relative frequency within a kind")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _draw_distribution(axes: Axes, scores: Values, edges: Values, colour: str, kind: str) -> None:
    shares = np.histogram(scores, edges)[0] / len(scores)
    shares = shares / max(shares.max(), 1e-9)
    axes.stairs(shares, edges, fill=True, color=colour, alpha=0.25)
    axes.stairs(shares, edges, color=colour, linewidth=1.4, label=kind)
