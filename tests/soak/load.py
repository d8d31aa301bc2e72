"""What callers feel: the load test in both loops, beside each other on one machine."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.servers import ROOT, Server, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

SECONDS = 20
USERS = 16
RATE = 50


def both_loops() -> Iterator[Figure]:
    """Ask as fast as answers come, then at a rate that does not wait for them."""
    with serving(SERVICE_PYTHON) as server:
        closed = _run(server, users=USERS, rate=0)
        opened = _run(server, users=2, rate=RATE)
    yield from _figures(f"{USERS} callers", closed)
    yield from _figures(f"{2 * RATE}/s", opened)


def _run(server: Server, *, users: int, rate: int) -> list[dict[str, Any]]:
    options = ["--host", server.url, "--users", str(users), "--spawn-rate", str(users)]
    options += ["--run-time", str(SECONDS), "--rate", str(rate), "--headless", "--json"]
    options += ["Pictures", "Rows"]
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "tests/load/locustfile.py")]
    finished = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    entries: list[dict[str, Any]] = json.loads(finished.stdout)
    return entries


def _figures(loop: str, entries: list[dict[str, Any]]) -> Iterator[Figure]:
    failures = sum(entry["num_failures"] for entry in entries)
    yield Figure(name=f"{loop}: requests failed", value=failures, unit="", at_most=0)
    for entry in entries:
        kind = entry["name"].lower()
        yield Figure(
            name=f"{loop}: {kind} answered", value=entry["num_requests"] / SECONDS, unit="1/s"
        )
        yield Figure(name=f"{loop}: {kind}, median", value=_percentile(entry, 0.5), unit="ms")
        yield Figure(name=f"{loop}: {kind}, 99 of 100", value=_percentile(entry, 0.99), unit="ms")


def _percentile(entry: dict[str, Any], share: float) -> float:
    """Return the time within which this share was answered, from locust's rounded counts."""
    counts = sorted((float(time), count) for time, count in entry["response_times"].items())
    wanted = share * entry["num_requests"]
    for time, count in counts:
        wanted -= count
        if wanted <= 0:
            return time
    return float("nan")
