"""Where figures are taken, what else happens there meanwhile, and where the figures are kept."""

import json
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import processes

ROOT = Path(__file__).parent.parent


def processor() -> str:
    """Name the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def describe() -> str:
    """Say in a line where the figures were taken."""
    return f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def facts() -> dict[str, Any]:
    """Return what a reader of kept figures has to know of the machine."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """Name the commit that is measured, where this is a checkout."""
    command = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed here."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def keep(name: str, record: Mapping[str, Any]) -> Path:
    """Write figures with the time and the machine's facts under results/."""
    now = datetime.now(UTC)
    path = ROOT / "results" / f"{name}-{now:%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(exist_ok=True)
    whole = {"time": now.isoformat(timespec="seconds"), **facts(), **record}
    path.write_text(json.dumps(finite(whole), indent=1) + "\n")
    return path


def finite(value: Any) -> Any:
    """Return the same with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {name: finite(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Others:
    """What programs that do not belong to the measurement take from the machine meanwhile."""

    def __init__(self) -> None:
        self._before = self._counters()

    def _counters(self) -> tuple[float, float]:
        ours = processes.own_seconds() + processes.cpu_seconds_below()
        return processes.machine_seconds() - ours, time.monotonic() * (os.cpu_count() or 1)

    def share(self) -> float:
        """Return their share of all cores; where it is large, the figures say little."""
        after = self._counters()
        return max(0.0, (after[0] - self._before[0]) / (after[1] - self._before[1]))
