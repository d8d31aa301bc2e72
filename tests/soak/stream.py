"""A long table through HTTP: does memory grow with its length, and how fast is it?"""

import http.client
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers import ROOT, Server, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

SHORT_ROWS = 200_000
LONG_ROWS = 2_000_000
PIECE_ROWS = 2_000
# Allocators take memory in steps, now and then and once; the long body, held whole, has 95 MB.
STEP_MEGABYTES = 25


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
    """Stream a short table, then a ten times longer one, through one worker."""
    with serving(SERVICE_PYTHON, workers=1) as server:
        (worker,) = server.workers()
        _stream(server, SHORT_ROWS)
        before = _peak_megabytes(worker)
        streamed = _stream(server, LONG_ROWS)
        growth = _peak_megabytes(worker) - before
    missing = abs(LONG_ROWS - streamed.rows)
    yield Figure(name="rows without a prediction", value=missing, unit="rows", at_most=0)
    yield Figure(name="peak memory after 200 000 rows", value=before, unit="MB")
    yield Figure(
        name="its growth over 2 000 000 more", value=growth, unit="MB", at_most=STEP_MEGABYTES
    )
    yield Figure(name="rows through one worker", value=streamed.rows / streamed.seconds, unit="1/s")


def _examples() -> tuple[str, list[str]]:
    header, *rows = (ROOT / "examples/houses.csv").read_text().splitlines()
    return header, rows


def _stream(server: Server, rows: int) -> Streamed:
    """Send a chunked body from one thread while reading the answer in this one."""
    connection = server.connect()
    connection.putrequest("POST", "/models/housing/predict")
    connection.putheader("Content-Type", "text/csv")
    connection.putheader("Transfer-Encoding", "chunked")
    started = time.perf_counter()
    connection.endheaders()
    sender = threading.Thread(target=_send, args=(connection, rows))
    sender.start()
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(answer.read().decode())
    answer.readline()  # the header
    count = sum(1 for _ in answer)
    seconds = time.perf_counter() - started
    sender.join()
    connection.close()
    return Streamed(count, seconds)


def _send(connection: http.client.HTTPConnection, rows: int) -> None:
    header, examples = _examples()
    piece = "".join(f"{examples[place % len(examples)]}\n" for place in range(PIECE_ROWS)).encode()
    connection.send(_chunk(f"{header}\n".encode()))
    for _ in range(rows // PIECE_ROWS):
        connection.send(_chunk(piece))
    connection.send(b"0\r\n\r\n")


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def _peak_megabytes(process: int) -> float:
    """Return the most memory that a process ever had resident."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"Process {process} has no VmHWM.")
