"""What came out, as pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.peers.cases import CASES, Case
from benchmarks.peers.report import Medians, Results, medians

_OURS, _BEFORE, _OTHER = "#d1495b", "#edae49", "#8d99ae"
_PANELS = (
    ("rate", "requests a second", "more is better"),
    ("p50_ms", "median time, ms", "less is better"),
    ("cpu_microseconds", "server's CPU a request, µs", "less is better"),
)


def draw(results: Results, folder: Path) -> Iterator[Path]:
    """Draw each case that more than one server was asked for, and yield the files."""
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    found = medians(results.samples)
    for case in CASES:
        names = [name for name in results.titles if _has(found, name, case)]
        if len(names) > 1:
            path = folder / f"{case.name}.png"
            _draw_case(results, found, case, names).savefig(path, dpi=110)
            yield path


def _has(found: Medians, name: str, case: Case) -> bool:
    return any((name, case.name, number) in found for number in case.connections or (0,))


def _draw_case(results: Results, found: Medians, case: Case, names: Sequence[str]) -> Figure:
    panels = _PANELS if case.connections else (_PANELS[0], _PANELS[2])
    figure = Figure(figsize=(9.5, 1.2 + 0.42 * len(names)), layout="constrained")
    for axes, (figure_name, label, better) in zip(
        figure.subplots(1, len(panels), sharey=True), panels, strict=True
    ):
        _draw_panel(axes, found, case, names, figure_name)
        axes.set_xlabel(f"{_unit(label, case)} ({better})", fontsize=8)
        axes.set_yticks(range(len(names)), [results.titles[name] for name in names])
        axes.invert_yaxis()
    figure.suptitle(case.title, fontsize=11)
    return figure


def _unit(label: str, case: Case) -> str:
    if not case.connections:
        return label.replace("request", "row")
    return label.replace("request", "picture") if case.instances > 1 else label


def _draw_panel(
    axes: Axes, found: Medians, case: Case, names: Sequence[str], figure_name: str
) -> None:
    """Draw a bar for each server and number of connections; the scale is logarithmic."""
    numbers = case.connections or (0,)
    height = 0.8 / len(numbers)
    for step, number in enumerate(numbers):
        for row, name in enumerate(names):
            cell = found.get((name, case.name, number))
            if cell:
                axes.barh(
                    row - 0.4 + height * (step + 0.5),
                    cell[figure_name],
                    height * 0.9,
                    color=_colour(name),
                    alpha=0.45 + 0.55 * (step + 1) / len(numbers),
                )
    axes.set_xscale("log")
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _colour(name: str) -> str:
    return {"vitrine": _OURS, "before": _BEFORE}.get(name, _OTHER)
