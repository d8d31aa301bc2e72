"""Clients that send half and never read: what do they cost the others?"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.servers import models
from benchmarks.servers.hazards import HAZARDS, Hazard, measure
from benchmarks.servers.holders import holding
from tests.servers import Server, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

BEFORE_SECONDS = 8
ARRIVAL_SECONDS = 12
DURING_SECONDS = 12


def slow_clients() -> Iterator[Figure]:
    """Hold two hundred clients of each kind beside callers of a network that takes 20 ms."""
    readers = replace(HAZARDS["readers"], what="200 who do not read 3 MB", number=200)
    for hazard in (HAZARDS["half-pictures"], HAZARDS["half-tables"], readers):
        with _served() as server:
            yield from _measured(server, hazard)
    halves = HAZARDS["half-tables"]
    with (
        _served() as server,
        holding(server.port, halves.payload(), number=halves.number, seconds=BEFORE_SECONDS),
    ):
        yield from _measured(server, replace(readers, what=f"{readers.what} beside {halves.what}"))


@contextmanager
def _served() -> Iterator[Server]:
    """Serve with so much patience that nobody is sent away meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models.write(folder)
        with serving(SERVICE_PYTHON, models=folder, workers=2, body_timeout_seconds=300) as server:
            yield server


def _measured(server: Server, hazard: Hazard) -> Iterator[Figure]:
    alive, others = measure(
        server.port,
        hazard,
        before=BEFORE_SECONDS,
        arrival=ARRIVAL_SECONDS,
        during=DURING_SECONDS,
    )
    yield Figure(name=f"{hazard.what}: late /livez", value=alive.values["late"], unit="", at_most=0)
    yield Figure(name="slowest /livez", value=alive.values["worst_ms"], unit="ms")
    calm, troubled = others.values["p99_without_ms"], others.values["p99_with_ms"]
    yield Figure(name="99 of 100 others, without", value=calm, unit="ms")
    yield Figure(name="with them, times as long", value=troubled / calm, unit="", at_most=1.5)
    yield Figure(name="lost", value=others.values["lost"], unit="", at_most=0)
