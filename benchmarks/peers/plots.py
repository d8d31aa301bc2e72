"""What came out, as pictures."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.peers.cases import CASES, Case
from benchmarks.peers.report import BEFORE, OURS, THROUGH_FLASK, Medians, Results, medians, number

_COLOURS = {OURS: "#c1121f", THROUGH_FLASK: "#e5707a", BEFORE: "#e09f3e"}
_OTHER = "#4a5a70"
_LEAST_RATIO = 10  # of the ends of a scale
_FEW_DECADES = 50  # within this ratio, a tick at each power of ten alone would be too few
_MARKERS = ("o", "s", "D")  # few connections, more, many
_PANELS = (
    ("rate", "requests a second", "more is better"),
    ("p50_ms", "median time, ms", "less is better"),
    ("cpu_microseconds", "server's CPU a request, µs", "less is better"),
)


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw each case that more than one server was asked for, and return the files."""
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    found = medians(results.samples)
    drawn = []
    for case in CASES:
        names = [name for name in results.titles if _has(found, name, case)]
        if len(names) > 1:
            path = folder / f"{case.name}.png"
            _draw_case(results, found, case, names).savefig(path, dpi=100)
            drawn.append(path)
    return drawn


def _has(found: Medians, name: str, case: Case) -> bool:
    return any((name, case.name, connections) in found for connections in case.connections or (0,))


def _draw_case(results: Results, found: Medians, case: Case, names: Sequence[str]) -> Figure:
    panels = _PANELS if case.connections else (_PANELS[0], _PANELS[2])
    figure = Figure(figsize=(10, 1.5 + 0.33 * len(names)), layout="constrained")
    columns = figure.subplots(1, len(panels), sharey=True)
    for axes, (figure_name, label, better) in zip(columns, panels, strict=True):
        draw_panel = _draw_dots if len(case.connections) > 1 else _draw_bars
        draw_panel(axes, found, case, names, figure_name)
        axes.set_title(f"{_unit(label, case)}\n({better})", fontsize=9)
        axes.tick_params(labelsize=8, left=False)
        axes.spines[["top", "right", "left"]].set_visible(False)
    columns[0].set_yticks(range(len(names)), [results.titles[name] for name in names], fontsize=9)
    columns[0].set_ylim(len(names) - 0.4, -0.6)  # the first on top; shared by all
    figure.suptitle(case.title, fontsize=11)
    if len(case.connections) > 1:
        figure.legend(handles=_legend(case), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def _unit(label: str, case: Case) -> str:
    if not case.connections:
        return label.replace("request", "row")
    return label.replace("request", "picture") if case.instances > 1 else label


def _legend(case: Case) -> list[Line2D]:
    return [
        Line2D([], [], marker=marker, color=_OTHER, linestyle="", label=_connections(connections))
        for marker, connections in zip(_MARKERS, case.connections, strict=False)
    ]


def _connections(connections: int) -> str:
    return f"{connections} connection{'s' if connections > 1 else ''}"


def _draw_dots(
    axes: Axes, found: Medians, case: Case, names: Sequence[str], figure_name: str
) -> None:
    """Draw a mark for each server and number of connections on a logarithmic scale."""
    for row, name in enumerate(names):
        for marker, connections in zip(_MARKERS, case.connections, strict=False):
            cell = found.get((name, case.name, connections))
            if cell:
                axes.plot(cell[figure_name], row, marker, color=_colour(name), markersize=6)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    if high / low < _LEAST_RATIO:  # a small difference is to look small
        widening = (_LEAST_RATIO * low / high) ** 0.5
        low, high = low / widening, high * widening
        axes.set_xlim(low, high)
    steps = (1.0, 2.0, 5.0) if high / low < _FEW_DECADES else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="both", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)


def _draw_bars(
    axes: Axes, found: Medians, case: Case, names: Sequence[str], figure_name: str
) -> None:
    """Draw a bar from nought for each server, with its number."""
    connections = (case.connections or (0,))[0]
    for row, name in enumerate(names):
        value = found[name, case.name, connections][figure_name]
        axes.barh(row, value, 0.7, color=_colour(name))
        axes.annotate(
            number(value), (value, row), xytext=(3, 0), textcoords="offset points", fontsize=8,
            va="center",
        )  # fmt: skip
    axes.margins(x=0.15)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _colour(name: str) -> str:
    return _COLOURS.get(name, _OTHER)
