"""What is predicted over two features."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from training.plots.style import COLOURS, saved_figure


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

    @property
    def texts(self) -> list[str]:
        """The texts of a category, as they are written at the axis."""
        return ["missing" if text is None else str(text) for text in self.values]


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


def plot_surface(path: Path, first: FeatureGrid, second: FeatureGrid, surface: Surface) -> None:
    """Draw a value over two features, or which label is most probable, and how probable it is."""
    with saved_figure(path, width=7.2, height=5.2) as figure:
        axes = figure.add_subplot()
        positions = [first.positions, second.positions]
        if surface.labels:
            _draw_regions(axes, positions, surface)
        else:
            mesh = axes.pcolormesh(*positions, surface.values.T, cmap="viridis", shading="nearest")
            figure.colorbar(mesh, ax=axes, label=surface.name)
        axes.set(xlabel=first.name, ylabel=second.name)
        if first.is_category:
            axes.set_xticks(first.positions, first.texts)
        if second.is_category:
            axes.set_yticks(second.positions, second.texts)
        axes.grid(visible=False)
        title = "Most probable label" if surface.labels else "Predicted value"
        axes.set(title=f"{title} over both features")


def _draw_regions(axes: Axes, positions: Sequence[NDArray[Any]], surface: Surface) -> None:
    most_probable = surface.values.argmax(axis=-1)
    palette = np.array([to_rgb(colour) for colour in COLOURS])
    colours = palette[most_probable % len(palette)]
    colours = 1 - _strength(surface)[..., np.newaxis] * (1 - colours)
    axes.pcolormesh(*positions, colours.transpose(1, 0, 2), shading="nearest")
    for code in np.unique(most_probable):
        colour = COLOURS[code % len(COLOURS)]
        axes.plot([], [], "s", color=colour, label=surface.labels[code])
    axes.legend(title=f"{surface.name}, paler where less sure", loc="upper left", frameon=True)


def _strength(surface: Surface) -> NDArray[np.float64]:
    """Return how strong the colours are: 0 where the network does not know, 1 where it is sure."""
    least = 1 / len(surface.labels)
    # Where an instance may have none of the labels, even the most probable one may be unlikely.
    strength = (surface.values.max(axis=-1) - least) / (1 - least)
    return np.asarray(np.clip(strength, 0, 1))
