"""What is predicted over two features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from training.plots.style import COLOURS, saved_figure
from training.plots.texts import short_names

_LABELS_TITLE = "Most probable label, paler where less sure, and true labels"
_VALUES_TITLE = "Predicted value, and true values as points"
# At full strength, points of the same colour would not stand out.
_STRONGEST = 0.7
_POINT: Any = {"s": 24, "linewidths": 0.8, "edgecolors": "white"}


@dataclass(frozen=True, slots=True)
class FeatureGrid:
    """The values of one feature that a surface is drawn at.

    Attributes:
        name: Name of the feature.
        values: Ascending numbers, or the texts of a category.
    """

    name: str
    values: NDArray[Any]

    @property
    def positions(self) -> NDArray[Any]:
        """Where the values stand along the axis of the plot."""
        return np.arange(len(self.values)) if self.is_category else self.values

    @property
    def is_category(self) -> bool:
        """Whether the values are texts."""
        return self.values.dtype == object

    def place(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return where values stand along the axis of the plot; NaN for missing or unknown ones.

        Shapes:
            (n,) to (n,).
        """
        if not self.is_category:
            return np.asarray(values, dtype=np.float64)
        position = {text: index for index, text in enumerate(self.values)}
        # A little noise keeps rows of the same category from hiding each other.
        noise = np.random.default_rng(0).uniform(-0.25, 0.25, len(values))
        return np.array([position.get(text, np.nan) for text in values], dtype=np.float64) + noise

    @property
    def texts(self) -> list[str]:
        """The texts of a category, as they are written at the axis."""
        return short_names("missing" if text is None else str(text) for text in self.values)


@dataclass(frozen=True, slots=True)
class Surface:
    """What is predicted over two features.

    Attributes:
        values: Predicted values, or probabilities of labels.
        name: Name of what is predicted.
        labels: Class labels; empty where values are predicted.

    Shapes:
        values: (first, second) or (first, second, labels).
    """

    values: NDArray[np.floating[Any]]
    name: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """Rows of the data that are drawn over a surface.

    Attributes:
        first: Values of the first feature: numbers, or texts of a category.
        second: Values of the second feature.
        true: True values, or codes of the true labels.

    Shapes:
        first, second, true: (n,).
    """

    first: NDArray[Any]
    second: NDArray[Any]
    true: NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a surface and its points stand on the axes.

    Attributes:
        grid: Positions of the surface along each axis.
        x: Positions of the points along the first axis.
        y: Positions of the points along the second axis.
        true: True values of the points, or codes of their true labels.
    """

    grid: tuple[NDArray[Any], NDArray[Any]]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    true: NDArray[Any]


def _place(first: FeatureGrid, second: FeatureGrid, points: Points) -> _Placed:
    x, y = first.place(points.first), second.place(points.second)
    is_known = np.isfinite(x) & np.isfinite(y)
    grid = first.positions, second.positions
    return _Placed(grid, x[is_known], y[is_known], points.true[is_known])


def plot_surface(
    path: Path, first: FeatureGrid, second: FeatureGrid, surface: Surface, points: Points
) -> None:
    """Draw a value over two features, or which label is most probable, and how probable it is.

    Points show the true values or labels of some rows; rows with a missing value are left out.
    """
    with saved_figure(path, width=7.8, height=5.2) as figure:
        axes = figure.add_subplot()
        draw = _draw_regions if surface.labels else _draw_values
        draw(axes, surface, _place(first, second, points))
        axes.set(xlabel=first.name, ylabel=second.name)
        if first.is_category:
            axes.set_xticks(first.positions, first.texts)
        if second.is_category:
            axes.set_yticks(second.positions, second.texts)
        axes.grid(visible=False)
        _cut_to(axes, first, second)
        axes.set(title=_LABELS_TITLE if surface.labels else _VALUES_TITLE)


def _cut_to(axes: Axes, first: FeatureGrid, second: FeatureGrid) -> None:
    """Leave out the points beyond the surface."""
    for limit, grid in ((axes.set_xlim, first), (axes.set_ylim, second)):
        if not grid.is_category and grid.values[0] < grid.values[-1]:
            limit(float(grid.values[0]), float(grid.values[-1]))


def _draw_values(axes: Axes, surface: Surface, placed: _Placed) -> None:
    both = np.concatenate([surface.values.ravel(), placed.true])
    colours: Any = {"cmap": "viridis", "vmin": both.min(), "vmax": both.max()}
    mesh = axes.pcolormesh(*placed.grid, surface.values.T, shading="nearest", **colours)
    axes.scatter(placed.x, placed.y, c=placed.true, **colours, **_POINT)
    axes.figure.colorbar(mesh, ax=axes, label=surface.name)


def _draw_regions(axes: Axes, surface: Surface, placed: _Placed) -> None:
    most_probable = surface.values.argmax(axis=-1)
    palette = np.array([to_rgb(colour) for colour in COLOURS])
    colours = palette[most_probable % len(palette)]
    colours = 1 - _strength(surface)[..., np.newaxis] * (1 - colours)
    axes.pcolormesh(*placed.grid, colours.transpose(1, 0, 2), shading="nearest")
    names = short_names(surface.labels)
    axes.scatter(placed.x, placed.y, c=palette[placed.true % len(palette)], **_POINT)
    for code in np.union1d(most_probable, placed.true):
        colour = COLOURS[code % len(COLOURS)]
        axes.plot([], [], "s", color=colour, label=names[code])
    axes.legend(title=surface.name, loc="upper left", bbox_to_anchor=(1, 1))


def _strength(surface: Surface) -> NDArray[np.float64]:
    """Return how strong the colours are, from 0 where the network does not know."""
    least = 1 / len(surface.labels)
    # Where an instance may have none of the labels, even the most probable one may be unlikely.
    strength = (surface.values.max(axis=-1) - least) / (1 - least)
    return np.asarray(_STRONGEST * np.clip(strength, 0, 1))
