"""What months do to the metrics, in minutes: workers that end, and versions that come and go."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.scrapes import Scrape, scrape, watched
from tests.servers import ROOT, Server, serving
from tests.soak.changes import change
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON
from tests.traffic import (
    AllowedVersions,
    kill_workers,
    publish_both,
    publish_whole,
    restart_workers,
    traffic,
    until,
)

WORKERS = 2
# Half of the recycles are kills of both workers at once, half are restarts.
RECYCLES = 200
VERSIONS = 200
SCRAPES = 50
CLIENTS = 2
PREDICT = "/models/<name>/predict"
MOST_TIMES = 1.5
# Workers that have just started are still busy with their models.
SETTLE_SECONDS = 5.0


def recycles_and_versions(checkout: Path = ROOT) -> Iterator[Figure]:
    """Publish versions and replace workers while clients send requests and scrapes are compared."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as numbers:
        models = Path(name) / "models"
        publish_both(models)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = numbers
        try:
            with serving(
                SERVICE_PYTHON,
                checkout=checkout,
                models=models,
                workers=WORKERS,
                log_level="ERROR",
            ) as server:
                yield from _measured(server, models, Path(numbers))
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]


def _measured(server: Server, models: Path, numbers: Path) -> Iterator[Figure]:
    allowed = AllowedVersions(1)
    with traffic(server, allowed, clients=CLIENTS) as early:
        until(lambda: early.count > 20)
    before, first = _scrapes(server), _size(numbers)
    with watched(server) as watch, traffic(server, allowed, clients=CLIENTS) as outcomes:
        for version in range(2, VERSIONS + 2):
            allowed.set(version - 1, version)
            publish_whole(models, version, staging=models.parent / "staging")
            change(server, "POST", "/models/rooms/load")
            allowed.set(version)
        for _ in range(RECYCLES // 2 // WORKERS):
            kill_workers(server)
            scrape(server)  # waits in the listening socket until it is answered
            restart_workers(server, WORKERS)
    time.sleep(SETTLE_SECONDS)
    after, last = _scrapes(server), _size(numbers)
    what = f"{VERSIONS} versions, {RECYCLES} recycles"
    yield Figure(name=f"{what}: scrapes meanwhile", value=watch.scrapes, unit="")
    yield Figure(name="counters that fell", value=len(watch.fallen), unit="", at_most=0)
    answered = early.count + outcomes.count
    counted = after[-1].total("vitrine_requests_total", route=PREDICT, status="200")
    yield Figure(name="requests that were answered", value=answered, unit="")
    yield Figure(name="requests that were counted", value=counted, unit="")
    lost = len(outcomes.broken)
    yield Figure(name="requests in flight on a killed worker", value=lost, unit="")
    # A worker that is killed may have answered a request of each client, and not counted it yet.
    error = max(0.0, abs(answered - counted) - max(lost, CLIENTS * RECYCLES // 2))
    yield Figure(name="miscounted", value=error, unit="", at_most=0)
    yield from _grown("files", first[0], last[0], most_times=2)
    yield from _grown("bytes of files", first[1], last[1], most_times=2)
    yield from _grown("lines", before[-1].lines, after[-1].lines, most_times=MOST_TIMES)
    milliseconds = [1000 * median(each.seconds for each in those) for those in (before, after)]
    yield from _grown("median scrape, ms", *milliseconds, most_times=MOST_TIMES)


def _grown(what: str, start: float, end: float, *, most_times: float) -> Iterator[Figure]:
    yield Figure(name=f"{what} at the start", value=start, unit="")
    yield Figure(name=f"{what} at the end", value=end, unit="", at_most=most_times * start)


def _scrapes(server: Server) -> list[Scrape]:
    return [scrape(server) for _ in range(SCRAPES)]


def _size(numbers: Path) -> tuple[int, int]:
    """Return the number of files, and how much space they take."""
    sizes = [path.stat().st_blocks * 512 for path in numbers.iterdir()]
    return len(sizes), sum(sizes)
