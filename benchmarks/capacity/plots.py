"""The figures of docs/capacity.md as pictures."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from benchmarks.capacity.experiments import BALANCERS
from benchmarks.capacity.figures import FOLDER, Figures
from benchmarks.capacity.validation import LOADS, SERVICE_SECONDS
from benchmarks.peers.report import number

_COLOURS = ("#c1121f", "#e09f3e", "#4a5a70", "#2a9d8f")
_OURS, _OTHER = _COLOURS[0], _COLOURS[2]


def draw(figures: Figures, folder: Path = FOLDER) -> None:
    """Draw all pictures into a folder."""
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    if figures.validation:
        _validation(figures).savefig(folder / "validation.png", dpi=100)
    if figures.fleets:
        _sizes(figures).savefig(folder / "sizes.png", dpi=100)


def _validation(figures: Figures) -> Figure:
    """Draw the p99 of each run beside the prediction."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for place, each in enumerate(figures.validation):
        runs = [times.measured[-1] for times in each.times]
        axes.plot([place - 0.12] * len(runs), runs, "o", color=_OTHER, alpha=0.45, markersize=6)
        median, predicted = each.median("measured"), each.predicted_ms
        axes.plot([place - 0.24, place], [median] * 2, color=_OTHER, linewidth=2.5)
        axes.errorbar(
            place + 0.15, predicted, yerr=2 * each.spread * predicted, fmt="D", color=_OURS,
            capsize=4, markersize=6,
        )  # fmt: skip
    axes.plot([], [], "o", color=_OTHER, alpha=0.45, label="measured, each run")
    axes.plot([], [], color=_OTHER, linewidth=2.5, label="measured, median")
    axes.errorbar(
        [], [], yerr=[], fmt="D", color=_OURS, capsize=4, markersize=6,
        label="predicted, with what 95 % of the runs keep to by chance",
    )  # fmt: skip
    axes.set_xticks(range(len(LOADS)), [f"{load:.0%} load" for load in LOADS])
    axes.set_xlim(-0.5, len(LOADS) - 0.5)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("99th percentile, ms")
    axes.set_title("One core, a network of 20 ms: predicted and measured", fontsize=11)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    _style(axes)
    return figure


def _sizes(figures: Figures) -> Figure:
    """Draw the p99 by the number of cores, for each balancer, at each load."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(LOADS), sharey=True)
    for index, (axes, load) in enumerate(zip(panels, LOADS, strict=True)):
        for balancer, colour in zip(BALANCERS, _COLOURS, strict=True):
            some = [each for each in figures.fleets if each.balancer == balancer]
            axes.plot(
                [each.cores for each in some], [each.p99_ms[index] for each in some], "o-",
                color=colour, label=balancer,
            )  # fmt: skip
        axes.axhline(
            1000 * SERVICE_SECONDS, color="#999999", linewidth=1, linestyle="--", label="alone"
        )
        axes.set_xscale("log")
        axes.set_xlabel("cores, in replicas of two")
        axes.set_title(f"{load:.0%} load", fontsize=10)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        _style(axes)
    first = panels[0]
    first.set_yscale("log")
    first.set_yticks([20, 30, 50, 100, 200])
    first.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    first.yaxis.set_minor_locator(NullLocator())
    first.set_ylabel("99th percentile, ms")
    handles, labels = first.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=5, fontsize=8, frameon=False,
        title="the balancer chooses a replica; or the request is alone", title_fontsize=8,
    )  # fmt: skip
    return figure


def _style(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
