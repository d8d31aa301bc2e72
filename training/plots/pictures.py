"""Pictures with what is predicted for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training.plots.style import GRID, INK, SECONDARY, saved_figure
from training.plots.texts import short_names

Pixels = NDArray[np.uint8]
Probabilities = NDArray[np.floating[Any]]
# A title's letters are so wide at size 1, and a picture has so much room for them, both in points.
_LETTER, _ROOM = 0.66, 106


def plot_predictions(
    path: Path,
    pictures: Pixels,
    probabilities: Probabilities,
    labels: Sequence[str],
    *,
    columns: int = 5,
) -> None:
    """Draw pictures, each with its most probable label.

    Shapes:
        pictures: (n, height, width, channels); probabilities: (n, classes).
    """
    gap = "   " if max(len(label) for label in labels) <= 2 else "\n"
    most_probable = probabilities.argmax(axis=1)
    titles = [
        f"{labels[code]}{gap}{each[code]:.1%}"
        for code, each in zip(most_probable, probabilities, strict=True)
    ]
    plot_titled(path, pictures, titles, columns=columns)


def plot_mistakes(
    path: Path,
    pictures: Pixels,
    probabilities: Probabilities,
    y: NDArray[np.int64],
    labels: Sequence[str],
    *,
    columns: int = 6,
) -> None:
    """Draw pictures with their most probable labels, and with the true one where that differs.

    Shapes:
        pictures: (n, height, width, channels); probabilities: (n, classes); y: (n,), codes.
    """
    most_probable = probabilities.argmax(axis=1)
    titles = [
        f"{labels[code]}\n{each[code]:.1%}" + ("" if code == true else f", is {labels[true]}")
        for code, each, true in zip(most_probable, probabilities, y, strict=True)
    ]
    plot_titled(path, pictures, titles, columns=columns, marked=most_probable != y)


def plot_titled(
    path: Path,
    pictures: Pixels,
    titles: Sequence[str],
    *,
    columns: int,
    marked: NDArray[np.bool_] | None = None,
) -> None:
    """Draw pictures under titles of one or two lines.

    Args:
        path: The PNG to write.
        pictures: Pictures with levels in [0, 255].
        titles: One title a picture.
        columns: Number of pictures in a row.
        marked: Whether each title has the second colour; by default none has.

    Shapes:
        pictures: (n, height, width, channels); marked: (n,).
    """
    titles = ["\n".join(short_names(title.split("\n"))) for title in titles]
    rows = -(-len(pictures) // columns)
    breaks = max(title.count("\n") for title in titles)
    is_marked = np.zeros(len(titles), dtype=bool) if marked is None else marked
    with saved_figure(path, width=1.55 * columns, height=(1.8 + 0.2 * breaks) * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(titles) :]:
            axes.axis("off")
        for axes, picture, title, mark in zip(grid, pictures, titles, is_marked, strict=False):
            colour = SECONDARY if mark else INK
            axes.set_title(title, loc="center", fontsize=_font_size(titles), color=colour)
            _draw_picture(axes, picture)


def _font_size(titles: Sequence[str]) -> float:
    longest = max(len(line) for title in titles for line in title.split("\n"))
    return min(10.0, _ROOM / (_LETTER * longest))


def _draw_picture(axes: Axes, picture: Pixels) -> None:
    axes.imshow(np.squeeze(picture), cmap="gray", vmin=0, vmax=255)
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=GRID)
