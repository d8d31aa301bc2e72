"""How credibility is distributed."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.plots.style import GREY, PRIMARY, SECONDARY, saved_figure


def plot_credibility(path: Path, credibility: NDArray[np.float64], *, title: str) -> None:
    """Draw how credibility is distributed.

    It is evenly distributed for instances like those of the training part.

    Shapes:
        credibility: (n,).
    """
    edges = np.linspace(0, 1, 21)
    shares = np.histogram(credibility, edges)[0] / len(credibility)
    colours = [SECONDARY, *[PRIMARY] * (len(shares) - 1)]
    with saved_figure(path, width=5.6, height=3.2) as figure:
        axes = figure.subplots()
        axes.bar(edges[:-1], shares, np.diff(edges), align="edge", color=colours, alpha=0.7)
        axes.axhline(1 / len(shares), color=GREY, linewidth=1, linestyle="--")
        axes.set(
            title=f"{title}: {shares[0]:.1%} below 0.05",
            xlabel="credibility",
            ylabel="share of instances",
            xlim=(0, 1),
        )
