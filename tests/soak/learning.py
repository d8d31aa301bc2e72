"""How long the quickstart's network learns beside the tutorial's own script, in one run."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.servers import ROOT
from tests.soak.data import find_data
from tests.soak.figures import Figure

ROUNDS = 2
WAYS = ("tutorial", "ours")
_MEASURES = ("seconds", "pictures", "accuracy", "whole")


def quickstart() -> Iterator[Figure]:
    """Train in turn, each time in a process of its own, and compare medians."""
    data = find_data("mnist")
    if data is None:
        return
    runs = [{way: _run(way, data) for way in WAYS} for _ in range(ROUNDS)]
    found = {
        way: {name: median(run[way][name] for run in runs) for name in _MEASURES} for way in WAYS
    }
    for way in WAYS:
        yield Figure(name=f"{way}: fit, median", value=found[way]["seconds"], unit="s")
        yield Figure(name=f"{way}: whole process, median", value=found[way]["whole"], unit="s")
        yield Figure(name=f"{way}: test accuracy", value=100 * found[way]["accuracy"], unit="%")
    seconds, pictures = (
        found["ours"][name] / found["tutorial"][name] for name in ("seconds", "pictures")
    )
    yield Figure(name="their fits' ratio", value=seconds, unit="times", at_most=0.5)
    yield Figure(name="the same, a picture", value=seconds / pictures, unit="times")
    lost = 100 * (found["tutorial"]["accuracy"] - found["ours"]["accuracy"])
    yield Figure(name="accuracy lost", value=lost, unit="points", at_most=0.15)


def _run(way: str, data: Path) -> dict[str, float]:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.quickstart", way, str(data)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "whole": time.perf_counter() - started}
