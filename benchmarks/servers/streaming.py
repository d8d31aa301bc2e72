"""A long table in, a long table out: every row, and no memory for it."""

import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from benchmarks import processes
from benchmarks.exchange import body_of, exchange
from benchmarks.servers.candidates import Server
from benchmarks.servers.load import post
from benchmarks.servers.report import Figure

PATIENCE_SECONDS = 15.0
_SAMPLE_SECONDS = 0.05
_HEAD = (
    b"longitude,latitude,housing_median_age,total_rooms,total_bedrooms,population,households,"
    b"median_income,ocean_proximity\n"
)
_ROW = b"-122.41,37.76,48,2100,455,1020,430,5.2,NEAR BAY\n"


class _Memory:
    """The most that a server held while the block ran, beyond what it held before."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._before = self._most = processes.private_mebibytes(process)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def _sample(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            self._most = max(self._most, processes.private_mebibytes(self._process))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def grown(self) -> float:
        """In MiB."""
        return self._most - self._before


def measure(server: Server, *, rows: int) -> Iterator[Figure]:
    """Send a table twice: reading only after its end, and reading while sending."""
    for reads in (False, True):  # what a first request costs once is no growth
        exchange(
            server.port, _request(rows // 10), reads_meanwhile=reads, patience=PATIENCE_SECONDS
        )
    request = _request(rows)
    for name, reads in (("reading afterwards", False), ("reading meanwhile", True)):
        started = time.monotonic()
        with _Memory(server.process) as memory:
            received = exchange(
                server.port, request, reads_meanwhile=reads, patience=PATIENCE_SECONDS
            )
        seconds = time.monotonic() - started
        answered = body_of(received).count(b"NEAR BAY")
        verdict = "all rows" if answered == rows else f"{answered} rows"
        yield Figure(
            name=f"CSV of {rows} rows, {name}: answered, time, memory",
            shown=f"{verdict}, {seconds:.1f} s, +{memory.grown:.0f} MiB",
            values={"rows": answered, "seconds": seconds, "grown_mib": memory.grown},
        )


def _request(rows: int) -> bytes:
    return post("/models/housing/predict?echo=true", "text/csv", _HEAD + _ROW * rows)
