"""The style that all plots share: colours, fonts, and the PNG that a plot is saved as."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # draws without a screen

import matplotlib.pyplot as plt
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from training.plots.texts import font_families, make_legible

INK, GREY, GRID = "#1f2937", "#6b7280", "#e5e7eb"
PRIMARY, SECONDARY = "#2563eb", "#ea580c"
COLOURS = (
    *(PRIMARY, SECONDARY, "#059669", "#9333ea", "#ca8a04"),
    *("#db2777", "#0891b2", "#65a30d", "#4b5563", "#b91c1c"),
)
BLUES = LinearSegmentedColormap.from_list("white to blue", ["#ffffff", "#93c5fd", "#1e3a8a"])
_STYLE: Any = {
    "figure.dpi": 130,
    "savefig.dpi": 130,
    "figure.constrained_layout.use": True,
    "font.family": font_families(),
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # names and labels may have dollar signs
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "lines.linewidth": 2,
}


@contextmanager
def saved_figure(path: Path, *, width: float, height: float) -> Iterator[Figure]:
    """Give a figure to draw on, and save it when it is done.

    Args:
        path: The PNG to write.
        width: Width of the figure in inches.
        height: Height of the figure in inches.
    """
    with plt.rc_context(_STYLE):
        figure = plt.figure(figsize=(width, height))
        try:
            yield figure
            make_legible(figure)
            # Without the library's version in the file, equal plots are equal bytes.
            figure.savefig(path, metadata={"Software": None})
        finally:
            plt.close(figure)


def label_logarithmic(axis: Axis, *, minor: bool = True) -> None:
    """Write plain numbers at a logarithmic axis.

    By default matplotlib writes formulas, which the style of all plots does not read.

    Args:
        axis: The axis.
        minor: Whether twice and five times a power of ten are written too.
    """
    axis.set_minor_locator(LogLocator(subs=(2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(StrMethodFormatter("{x:,g}") if minor else NullFormatter())
