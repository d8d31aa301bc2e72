"""Figures: as a table to read, and as JSON to keep."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine

PACKAGES = ("gunicorn", "flask", "gevent", "granian", "uvloop", "a2wsgi", "gunicorn_h1c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured of one candidate.

    Attributes:
        name: The row of the table.
        shown: The cell.
        values: The numbers behind it.
    """

    name: str
    shown: str
    values: Mapping[str, Any]


Figures = Mapping[str, Sequence[Figure]]  # by the candidate's name


def table(figures: Figures) -> str:
    """Write the figures in Markdown: a column for every candidate."""
    rows: dict[str, dict[str, str]] = {}
    for candidate, found in figures.items():
        for figure in found:
            rows.setdefault(figure.name, {})[candidate] = figure.shown
    lines = [["", *figures], ["---"] * (len(figures) + 1)]
    lines += [[name, *(row.get(one, "-") for one in figures)] for name, row in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def keep(figures: Figures, options: Mapping[str, Any]) -> Path:
    """Write the figures and the machine's facts under results/."""
    record = {
        "options": options,
        "packages": machine.versions(PACKAGES),
        "figures": {one: [asdict(figure) for figure in found] for one, found in figures.items()},
    }
    return machine.keep("servers", record)
