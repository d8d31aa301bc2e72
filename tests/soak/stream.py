"""A long table through HTTP: does memory grow with its length, and how fast is it?"""

import http.client
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, ipc

from tests.servers import ROOT, Server, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

SHORT_ROWS = 200_000
LONG_ROWS = 2_000_000
PIECE_ROWS = 2_000
# Allocators take memory in steps, now and then and once; the long bodies, held whole, have 95 and
# 150 MB.
STEP_MEGABYTES = 25


@dataclass(frozen=True, slots=True)
class Format:
    """How a table is sent.

    Attributes:
        name: For the figures.
        media_type: Of the body and of the answer.
        pieces: Makes a body of so many rows, piece by piece.
        count: Reads an answer to its end, and counts its rows.
    """

    name: str
    media_type: str
    pieces: Callable[[int], Iterator[bytes]]
    count: Callable[[http.client.HTTPResponse], int]


@dataclass(frozen=True, slots=True)
class Streamed:
    """What came back for a table.

    Attributes:
        rows: How many predictions.
        seconds: From the first byte sent to the last received.
    """

    rows: int
    seconds: float


def two_million_rows() -> Iterator[Figure]:
    """Stream a short table, then a ten times longer one, through one worker, in each format."""
    for each in (
        Format("CSV", "text/csv", _csv, lambda answer: sum(1 for _ in answer) - 1),
        Format("Arrow", "application/vnd.apache.arrow.stream", _arrow, _count_arrow),
    ):
        yield from _figures(each)


def _figures(table: Format) -> Iterator[Figure]:
    with serving(SERVICE_PYTHON, workers=1) as server:
        (worker,) = server.workers()
        _stream(server, table, SHORT_ROWS)
        before = _peak_megabytes(worker)
        streamed = _stream(server, table, LONG_ROWS)
        growth = _peak_megabytes(worker) - before
    missing = abs(LONG_ROWS - streamed.rows)
    of = f" of {table.name}"
    yield Figure(name=f"rows{of} without a prediction", value=missing, unit="rows", at_most=0)
    yield Figure(name=f"peak memory after 200 000 rows{of}", value=before, unit="MB")
    yield Figure(
        name=f"its growth over 2 000 000 more{of}", value=growth, unit="MB", at_most=STEP_MEGABYTES
    )
    speed = streamed.rows / streamed.seconds
    yield Figure(name=f"rows{of} through one worker", value=speed, unit="1/s")


def _stream(server: Server, table: Format, rows: int) -> Streamed:
    """Send a chunked body from one thread while reading the answer in this one."""
    connection = server.connect()
    connection.putrequest("POST", "/models/housing/predict")
    connection.putheader("Content-Type", table.media_type)
    connection.putheader("Transfer-Encoding", "chunked")
    started = time.perf_counter()
    connection.endheaders()
    sender = threading.Thread(target=_send, args=(connection, table.pieces(rows)))
    sender.start()
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(answer.read().decode())
    count = table.count(answer)
    seconds = time.perf_counter() - started
    sender.join()
    connection.close()
    return Streamed(count, seconds)


def _send(connection: http.client.HTTPConnection, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        connection.send(_chunk(piece))
    connection.send(b"0\r\n\r\n")


def _csv(rows: int) -> Iterator[bytes]:
    header, *examples = (ROOT / "examples/houses.csv").read_text().splitlines()
    piece = "".join(f"{examples[place % len(examples)]}\n" for place in range(PIECE_ROWS)).encode()
    yield f"{header}\n".encode()
    for _ in range(rows // PIECE_ROWS):
        yield piece


def _arrow(rows: int) -> Iterator[bytes]:
    houses = csv.read_csv(ROOT / "examples/houses.csv")
    piece = pa.concat_tables([houses] * (PIECE_ROWS // len(houses) + 1))[:PIECE_ROWS]
    (batch,) = piece.combine_chunks().to_batches()
    sink = io.BytesIO()
    with ipc.new_stream(sink, batch.schema) as stream:
        for _ in range(rows // PIECE_ROWS):
            stream.write_batch(batch)
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue()


def _count_arrow(answer: http.client.HTTPResponse) -> int:
    with ipc.open_stream(answer) as batches:
        return sum(batch.num_rows for batch in batches)


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def _peak_megabytes(process: int) -> float:
    """Return the most memory that a process ever had resident."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"Process {process} has no VmHWM.")
