"""Figures: as a table to read, and as JSON to keep."""

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.servers.load import ROOT

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


def machine() -> str:
    """Say in a line where the figures were taken."""
    return f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def keep(figures: Figures, options: Mapping[str, Any]) -> Path:
    """Write the figures and the machine's facts under results/."""
    now = datetime.now(UTC)
    path = ROOT / "results" / f"servers-{now:%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(exist_ok=True)
    record = {
        "time": now.isoformat(timespec="seconds"),
        "options": options,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "figures": {one: [asdict(figure) for figure in found] for one, found in figures.items()},
    }
    path.write_text(json.dumps(_finite(record), indent=2) + "\n")
    return path


def _finite(value: Any) -> Any:
    """Return the same with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _finite(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
