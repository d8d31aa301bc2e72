"""One case on one server."""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks import machine, processes
from benchmarks.exchange import body_of, exchange, status_of
from benchmarks.peers import checkouts, wrk
from benchmarks.peers.cases import Case
from benchmarks.peers.serving import CannotServe, Running

_WARM_CONNECTIONS = 16
_WARM_SECONDS = 1
_TABLE_SECONDS = 120
_TABLE_CONNECTIONS = 2  # where a table is sent in several requests
_SETTLING_SECONDS = 10
_LOOK_SECONDS = 0.2
_IDLE_SHARE = 0.3  # of a processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was measured once.

    Attributes:
        server: Name of the server.
        case: Name of the case.
        connections: Number of connections; 0 where one table is streamed.
        round: Number of the round.
        rate: Instances a second.
        p50_ms: Within this time, half of the requests were answered.
        p99_ms: Within this time, 99 of 100 requests were answered.
        cpu_microseconds: Processor time of the server's processes for each instance.
        load_cpu_share: Part of one core that the load generator took.
        others_share: Part of all cores that programs took which have nothing to do with this.
        failed: Number of requests that were refused or lost.
    """

    server: str
    case: str
    connections: int
    round: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_microseconds: float
    load_cpu_share: float
    others_share: float
    failed: int


def measure(running: Running, case: Case, round_number: int, *, seconds: float) -> list[Sample]:
    """Measure a case over each of its numbers of connections.

    Raises:
        CannotServe: Nothing was answered.
    """
    facts: dict[str, Any] = {
        "server": running.server.name,
        "case": case.name,
        "round": round_number,
    }
    if not case.connections:
        return [Sample(connections=0, **facts, **_table(running, case))]
    request = running.server.asks[case.kind](case.network)
    warm = min(_WARM_CONNECTIONS, max(case.connections))
    wrk.send(running.port, request, connections=warm, seconds=_WARM_SECONDS, folder=running.folder)
    return [
        Sample(connections=number, **facts, **_load(running, case, request, number, seconds))
        for number in case.connections
    ]


def _settle() -> None:
    """Wait until the server is done with what the last load left behind."""
    deadline = time.monotonic() + _SETTLING_SECONDS
    while time.monotonic() < deadline:
        spent = processes.cpu_seconds_below()
        time.sleep(_LOOK_SECONDS)
        if processes.cpu_seconds_below() - spent < _IDLE_SHARE * _LOOK_SECONDS:
            return


def _load(
    running: Running, case: Case, request: wrk.Request, connections: int, seconds: float
) -> dict[str, Any]:
    _settle()
    others, spent = machine.Others(), processes.cpu_seconds_below()
    outcome = wrk.send(
        running.port, request, connections=connections, seconds=seconds, folder=running.folder
    )
    spent = processes.cpu_seconds_below() - spent
    if not outcome.answered:
        raise CannotServe(f"{running.server.title} answered nothing of {case.name}.")
    return {
        "rate": outcome.rate * case.instances,
        "p50_ms": outcome.p50_ms,
        "p99_ms": outcome.p99_ms,
        "cpu_microseconds": spent / outcome.answered / case.instances * 1e6,
        "load_cpu_share": outcome.load_cpu_seconds / outcome.seconds,
        "others_share": others.share(),
        "failed": outcome.failed + outcome.lost,
    }


def _table(running: Running, case: Case) -> dict[str, Any]:
    """Send a million rows: in one request, or in several over two connections."""
    request = running.server.asks[case.kind](case.network).written()
    each = running.server.table_rows or checkouts.ROWS
    number = checkouts.ROWS // each
    exchange(running.port, request, patience=_TABLE_SECONDS)  # what a first request costs once
    _settle()
    others, spent, own = machine.Others(), processes.cpu_seconds_below(), time.process_time()
    started = time.perf_counter()
    with ThreadPoolExecutor(min(number, _TABLE_CONNECTIONS)) as pool:
        send = lambda _: exchange(running.port, request, patience=_TABLE_SECONDS)  # noqa: E731
        answers = list(pool.map(send, range(number)))
    seconds = time.perf_counter() - started
    spent, own = processes.cpu_seconds_below() - spent, time.process_time() - own
    failed = [answer for answer in answers if not _is_whole(answer, each)]
    return {
        "rate": checkouts.ROWS / seconds,
        "p50_ms": seconds * 1000 / number,
        "p99_ms": seconds * 1000 / number,
        "cpu_microseconds": spent / checkouts.ROWS * 1e6,
        "load_cpu_share": own / seconds,
        "others_share": others.share(),
        "failed": len(failed),
    }


def _is_whole(answer: bytes, rows: int) -> bool:
    """Tell whether each row has its prediction: a line of CSV, or a member of MLflow's list."""
    if status_of(answer) != http.client.OK:
        return False
    body = body_of(answer)
    found = body.count(b"\n") - 1 if not body.startswith(b"{") else body.count(b",") + 1
    return found == rows
