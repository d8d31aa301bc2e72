"""Scrapes of a real server, one after the other: do its counters fall, does its text grow?"""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from tests.servers import Server

# Name of a sample, and its labels.
Series = tuple[str, tuple[tuple[str, str], ...]]
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape.

    Attributes:
        counters: The numbers that may only rise.
        gauges: The other numbers.
        lines: Number of lines.
        seconds: Time that it took.
    """

    counters: dict[Series, float]
    gauges: dict[Series, float]
    lines: int
    seconds: float

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of all counters of a name that have these labels."""
        return sum(
            value
            for (each, pairs), value in self.counters.items()
            if each == name and labels.items() <= dict(pairs).items()
        )

    def fallen(self, before: "Scrape") -> list[str]:
        """Describe the counters of an earlier scrape that are still there and less than then."""
        return [
            f"{series}: {value} after {before.counters[series]}"
            for series, value in self.counters.items()
            if value < before.counters.get(series, value)
        ]


def scrape(server: Server) -> Scrape:
    """Read the metrics."""
    with closing(server.connect()) as connection:
        started = time.perf_counter()
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
        seconds = time.perf_counter() - started
        if answer.status != 200:
            raise RuntimeError(f"The metrics were answered with {answer.status}.")
    numbers: dict[bool, dict[Series, float]] = {False: {}, True: {}}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            series = sample.name, tuple(sorted(sample.labels.items()))
            numbers[family.type == "gauge"][series] = sample.value
    return Scrape(numbers[False], numbers[True], text.count("\n"), seconds)


class Watch:
    """Scrapes a server again and again.

    Args:
        server: The server.

    Attributes:
        scrapes: Number of scrapes.
        fallen: What fell from one scrape to the next.
        broken: Number of scrapes whose worker was killed.
    """

    def __init__(self, server: Server) -> None:
        self.scrapes = 0
        self.fallen: list[str] = []
        self.broken = 0
        self._server = server
        self._last: Scrape | None = None

    def run(self, stop: threading.Event) -> None:
        """Scrape until the event is set."""
        while not stop.wait(_PAUSE_SECONDS):
            try:
                found = scrape(self._server)
            except (OSError, http.client.HTTPException):
                self.broken += 1
                continue
            if self._last is not None:
                self.fallen += found.fallen(self._last)
            self._last = found
            self.scrapes += 1


@contextmanager
def watched(server: Server) -> Iterator[Watch]:
    """Scrape a server until the block ends."""
    watch, stop = Watch(server), threading.Event()
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()
