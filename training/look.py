"""The one look of all plots: matplotlib without a screen, its colours, and a sheet to draw on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

INK, GREY, GRID = "#1f2937", "#6b7280", "#e5e7eb"
FIRST, SECOND = "#2563eb", "#ea580c"
COLOURS = (
    *(FIRST, SECOND, "#059669", "#9333ea", "#ca8a04"),
    *("#db2777", "#0891b2", "#65a30d", "#4b5563", "#b91c1c"),
)
BLUES = LinearSegmentedColormap.from_list("paper to blue", ["#ffffff", "#93c5fd", "#1e3a8a"])
_LOOK: Any = {
    "figure.dpi": 130,
    "savefig.dpi": 130,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
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
def sheet(path: Path, *, width: float, height: float) -> Iterator[Figure]:
    """Give a figure to draw on, in inches, and save it as a PNG."""
    with plt.rc_context(_LOOK):
        figure = plt.figure(figsize=(width, height))
        try:
            yield figure
            # Without the library's version in the file, equal plots are equal bytes.
            figure.savefig(path, metadata={"Software": None})
        finally:
            plt.close(figure)
