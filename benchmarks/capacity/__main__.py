"""Measure and simulate what docs/capacity.md says: `python -m benchmarks.capacity`.

With `--parts`, only some are measured; what is kept of the others stays. All of them take a quarter
of an hour. They need two cores, and a machine that does nothing else; only the simulation
does not mind.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import machine, page, processes
from benchmarks.capacity import experiments, figures, measuring, plots, report, validation
from benchmarks.capacity.figures import Figures
from benchmarks.machine import ROOT

PAGE = ROOT / "docs/capacity.md"
PARTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "validation": lambda: {"validation": validation.compare()},
    "core": lambda: {"core": measuring.measure_core()},
    "models": lambda: {
        "models": list(measuring.measure_models()),
        "version_mb": measuring.version_megabytes(),
    },
    "simulation": lambda: {
        "replica": list(experiments.one_replica()),
        "fleets": list(experiments.fleets()),
        "losses": list(experiments.losses()),
    },
}
_EMPTY = Figures(
    machine="",
    others={},
    validation=[],
    core=[],
    models=[],
    version_mb=0.0,
    replica=[],
    fleets=[],
    losses=[],
)


def main() -> None:
    """Measure what was asked for, keep it, and write it into the page."""
    parser = ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    what = "by default all of them"
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help=what)
    options = parser.parse_args()
    processes.adopt_orphans()
    for name in options.parts:
        others = machine.Others()
        members = PARTS[name]()
        found = figures.read() if figures.KEPT.exists() else _EMPTY
        for member, value in members.items():
            setattr(found, member, value)
        found.others[name] = others.share()
        found.machine = machine.describe()
        figures.keep(found)
    publish(figures.read())


def publish(found: Figures) -> None:
    """Write the figures into the page, and draw them."""
    for section, text in report.sections(found).items():
        page.publish(section, text, page=PAGE)
    plots.draw(found)


if __name__ == "__main__":
    main()
