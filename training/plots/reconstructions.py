"""Pictures and what an autoencoder makes of them."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training.plots.style import saved_figure

Values = NDArray[np.floating[Any]]


def plot_reconstructions(
    path: Path, pictures: Values, reconstructions: Values, scores: Values, *, columns: int
) -> None:
    """Draw pictures with their anomaly scores, each above its reconstruction.

    Shapes:
        pictures, reconstructions: (n, height, width, channels), levels in [0, 1]; scores: (n,).
    """
    rows = -(-len(pictures) // columns)
    with saved_figure(path, width=0.95 * columns, height=2.2 * rows) as figure:
        grid = figure.subplots(2 * rows, columns, squeeze=False)
        pairs = zip(pictures, reconstructions, scores, strict=True)
        for index, (picture, reconstruction, score) in enumerate(pairs):
            row, column = divmod(index, columns)
            upper, lower = grid[2 * row, column], grid[2 * row + 1, column]
            upper.set_title(f"{score:.3f}", loc="center", fontsize=9, fontweight="normal")
            _draw_picture(upper, picture)
            _draw_picture(lower, reconstruction)


def _draw_picture(axes: Axes, picture: Values) -> None:
    axes.imshow(np.squeeze(picture), cmap="gray", vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
