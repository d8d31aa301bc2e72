"""A long table in, a long table out: every row, and no memory for it."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from benchmarks.servers import processes
from benchmarks.servers.candidates import Server
from benchmarks.servers.load import post
from benchmarks.servers.report import Figure

PATIENCE_SECONDS = 15.0
_PIECE_BYTES = 2**16
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
        _exchange(server.port, _request(rows // 10), reads_meanwhile=reads)
    request = _request(rows)
    for name, reads in (("reading afterwards", False), ("reading meanwhile", True)):
        started = time.monotonic()
        with _Memory(server.process) as memory:
            received = _exchange(server.port, request, reads_meanwhile=reads)
        seconds = time.monotonic() - started
        answered = _joined(received).count(b"NEAR BAY")
        verdict = "all rows" if answered == rows else f"{answered} rows"
        yield Figure(
            name=f"CSV of {rows} rows, {name}: answered, time, memory",
            shown=f"{verdict}, {seconds:.1f} s, +{memory.grown:.0f} MiB",
            values={"rows": answered, "seconds": seconds, "grown_mib": memory.grown},
        )


def _request(rows: int) -> bytes:
    return post("/models/housing/predict?echo=true", "text/csv", _HEAD + _ROW * rows)


def _exchange(port: int, request: bytes, *, reads_meanwhile: bool) -> bytes:
    """Return what came until the answer's end, or until patience did."""
    received = bytearray()
    rest = memoryview(request)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.setblocking(False)
        poller = select.poll()
        while not received.endswith(b"\r\n0\r\n\r\n"):
            reading = select.POLLIN if reads_meanwhile or not rest else 0
            poller.register(connection, reading | (select.POLLOUT if rest else 0))
            left = deadline - time.monotonic()
            if left <= 0 or not (events := poller.poll(left * 1000)):
                break
            try:
                if events[0][1] & select.POLLOUT:
                    rest = rest[connection.send(rest[:_PIECE_BYTES]) :]
                if events[0][1] & ~select.POLLOUT and not _receive(connection, received):
                    break
            except OSError:
                break
    return bytes(received)


def _receive(connection: socket.socket, received: bytearray) -> bool:
    data = connection.recv(2**18)
    received += data
    return bool(data)


def _joined(received: bytes) -> bytes:
    """Return the body of a chunked answer, as far as it came."""
    _, _, rest = received.partition(b"\r\n\r\n")
    pieces = []
    start = 0
    while (line_end := rest.find(b"\r\n", start)) >= 0:
        length = int(rest[start:line_end], 16)
        pieces.append(rest[line_end + 2 : line_end + 2 + length])
        start = line_end + 2 + length + 2
    return b"".join(pieces)
