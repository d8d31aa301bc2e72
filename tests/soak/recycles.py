"""Months in minutes: workers that end, versions that come and go, and what the metrics tell."""

import http.client
import itertools
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from prometheus_client.parser import text_string_to_metric_families

from tests.servers import NOWHERE, ROOT, Server, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON
from tests.traffic import publish_both, publish_whole, until

WORKERS = 4
SOME, MANY = 50, 200
SCRAPES = 50
CLIENTS = 3
_PAUSE_SECONDS = 0.05
# Versions that come before the first look, so that some are served and some are gone by then.
_FIRST_VERSIONS = 6
_ROW = b'{"instances": [{"size": 1, "colour": "red"}]}'
_PATH = "/models/rooms/predict"
_KINDS = {"counter", "histogram"}
Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(slots=True)
class Sent:
    """What a client sent.

    Attributes:
        answered: Requests that were answered with 200.
        broken: Requests that broke, and may have been counted or not.
    """

    answered: int = 0
    broken: int = 0


@dataclass(slots=True)
class Seen:
    """What scrapes showed, one after the other.

    Attributes:
        values: Last value of each counter that was ever shown.
        falls: Counters that were lower than before.
        lines: Number of lines of each scrape.
        failed: Number of scrapes without an answer.
    """

    values: dict[Series, float] = field(default_factory=dict)
    falls: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    failed: int = 0

    def add(self, text: str) -> None:
        """Compare a scrape with those before."""
        self.lines.append(text.count("\n"))
        for series, value in counters(text).items():
            if value < self.values.get(series, 0.0):
                self.falls.append(f"{series}: {self.values[series]} to {value}")
            self.values[series] = value


def counters(text: str) -> Mapping[Series, float]:
    """Return every number of a scrape that may only grow."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        if family.type in _KINDS
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def some_recycles(checkout: Path = ROOT) -> Iterator[Figure]:
    """End fifty workers and publish fifty versions while clients send requests."""
    return _recycled(checkout, SOME)


def many_recycles(checkout: Path = ROOT) -> Iterator[Figure]:
    """End two hundred workers and publish two hundred versions while clients send requests."""
    return _recycled(checkout, MANY)


def _recycled(checkout: Path, times: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="recycles-") as name:
        folder = Path(name)
        publish_both(folder / "models")
        numbers = folder / "metrics"
        numbers.mkdir()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(numbers)
        try:
            with serving(
                SERVICE_PYTHON,
                checkout=checkout,
                models=folder / "models",
                workers=WORKERS,
                log=NOWHERE,
            ) as server:
                yield from _measured(server, folder, numbers, times)
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]


def _measured(server: Server, folder: Path, numbers: Path, times: int) -> Iterator[Figure]:
    sent, seen, over = [Sent() for _ in range(CLIENTS)], Seen(), threading.Event()
    for version in range(2, _FIRST_VERSIONS + 1):
        _publish(server, folder, version)
        _ask(server.connect(), sent[0], over, times=WORKERS)
    before = _scrape_seconds(server)
    lines_before, files_before = _scrape(server).count("\n"), _files(numbers)
    most_files = files_before
    threads = [threading.Thread(target=_send, args=(server, each, over)) for each in sent]
    threads.append(threading.Thread(target=_watch, args=(server, seen, over)))
    for thread in threads:
        thread.start()
    for turn in range(times):
        _recycle(server, is_killed=turn % 2 == 1)
        _publish(server, folder, _FIRST_VERSIONS + turn + 1)
        most_files = max(most_files, _files(numbers))
    time.sleep(_PAUSE_SECONDS)
    over.set()
    for thread in threads:
        thread.join()
    counted = _counted(_scrape(server))
    answered, broken = sum(each.answered for each in sent), sum(each.broken for each in sent)
    name = f"{times} recycles, {times} versions"
    yield Figure(name=f"{name}: requests answered", value=answered, unit="")
    yield Figure(name=f"{name}: requests broken", value=broken, unit="")
    yield Figure(
        name=f"{name}: answered, but not counted",
        value=max(0, answered - counted),
        unit="",
        at_most=times // 2 * CLIENTS,  # a worker is killed between its answer and the count
    )
    yield Figure(
        name=f"{name}: counted, but neither answered nor broken",
        value=max(0, counted - answered - broken),
        unit="",
        at_most=0,
    )
    yield Figure(name=f"{name}: scrapes", value=len(seen.lines), unit="")
    yield Figure(name=f"{name}: scrapes that failed", value=seen.failed, unit="")
    for fall in seen.falls[:5]:
        print(f"  {fall}")
    yield Figure(name=f"{name}: counters that fell", value=len(seen.falls), unit="", at_most=0)
    yield Figure(name=f"{name}: lines at first", value=lines_before, unit="")
    yield Figure(
        name=f"{name}: lines at most", value=max(seen.lines), unit="", at_most=2 * lines_before
    )
    yield Figure(name=f"{name}: files at first", value=files_before, unit="")
    yield Figure(name=f"{name}: files at most", value=most_files, unit="", at_most=4 * files_before)
    yield Figure(name=f"median of {SCRAPES} scrapes at first", value=before * 1e3, unit="ms")
    yield Figure(
        name="at the end, times as long",
        value=_scrape_seconds(server) / before,
        unit="",
        at_most=1.5,
    )


def _publish(server: Server, folder: Path, version: int) -> None:
    """Publish a version, and wait until it is served, where no worker ends meanwhile."""
    publish_whole(folder / "models", version, staging=folder / "staging")
    with closing(server.connect()) as connection, suppress(OSError, http.client.HTTPException):
        connection.request("POST", "/models/rooms/load")
        connection.getresponse().read()


def _recycle(server: Server, *, is_killed: bool) -> None:
    """Let a worker end, in the middle of what it does or when it has done it, and await another."""
    before = set(server.workers())
    with suppress(ProcessLookupError):
        os.kill(random.choice([*before]), signal.SIGKILL if is_killed else signal.SIGTERM)
    until(lambda: len(set(server.workers()) - before) > 0)


def _send(server: Server, sent: Sent, over: threading.Event) -> None:
    """Send rows until the end, on new connections and on kept ones in turn."""
    for number in itertools.count():
        if over.is_set():
            return
        with closing(server.connect()) as connection, suppress(OSError):
            connection.connect()
            _ask(connection, sent, over, times=1 + number % 20)


def _ask(
    connection: http.client.HTTPConnection, sent: Sent, over: threading.Event, *, times: int
) -> None:
    for _ in range(times):
        try:
            connection.request("POST", _PATH, _ROW, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            sent.broken += 1
            return
        sent.answered += response.status == http.HTTPStatus.OK
        if response.will_close or over.wait(_PAUSE_SECONDS / 10):
            return


def _watch(server: Server, seen: Seen, over: threading.Event) -> None:
    while not over.wait(_PAUSE_SECONDS):
        try:
            seen.add(_scrape(server))
        except (OSError, http.client.HTTPException):
            seen.failed += 1


def _scrape(server: Server) -> str:
    with closing(server.connect()) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


def _scrape_seconds(server: Server) -> float:
    seconds = []
    for _ in range(SCRAPES):
        begun = time.perf_counter()
        _scrape(server)
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def _counted(text: str) -> int:
    """Return how many predictions were answered with 200, as the metrics say."""
    return int(
        sum(
            value
            for (name, labels), value in counters(text).items()
            if name == "vitrine_requests_total"
            and {("status", "200"), ("route", "/models/<name>/predict")} <= labels
        )
    )
