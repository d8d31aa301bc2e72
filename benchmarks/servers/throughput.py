"""How much each server does, and what a request costs it."""

import time
from collections.abc import Iterator, Sequence

from benchmarks import processes
from benchmarks.servers.candidates import Server
from benchmarks.servers.client import Lane
from benchmarks.servers.load import Load, get, picture_for
from benchmarks.servers.report import Figure

_WARM_SECONDS = 0.7
_UNEVEN = 0.65


def measure(server: Server, numbers: Sequence[int], *, seconds: float) -> Iterator[Figure]:
    """Ask as fast as answers come, over few connections and many."""
    picture = picture_for("digits").decode("latin-1")
    for connections in numbers:
        plural = "s" if connections > 1 else ""
        yield _closed_loop(
            server,
            f"picture, {connections} connection{plural}",
            Lane(name="asked", request=picture, callers=connections),
            seconds=seconds,
        )
    live = Lane(name="asked", request=get("/livez").decode(), callers=16)
    yield _closed_loop(server, "/livez, 16 connections", live, seconds=seconds)


def _closed_loop(server: Server, name: str, lane: Lane, *, seconds: float) -> Figure:
    with Load(server.port, [lane]) as load:
        time.sleep(_WARM_SECONDS)
        start, before = time.monotonic(), _spent(server)
        time.sleep(seconds)
        end, after = time.monotonic(), _spent(server)
        answers = load.stop().between(start, end)
    spent = {process: after[process] - before.get(process, 0.0) for process in after}
    cost = sum(spent.values()) / max(1, answers.answered) * 1e6
    rate = answers.answered / (end - start)
    median, late = answers.percentile(0.5), answers.percentile(0.99)
    busiest = max(spent.values()) / (sum(spent.values()) or 1.0)
    shown = f"{rate:.0f}/s, {median:.1f} / {late:.1f} ms, {cost:.0f} µs"
    if lane.callers > 1 and busiest > _UNEVEN:
        shown += f", {100 * busiest:.0f} % by one worker"
    failed = len(answers) - answers.answered
    return Figure(
        name=f"{name}: rate, p50 / p99, CPU a request",
        shown=shown + (f", {failed} failed" if failed else ""),
        values={
            "requests_per_second": rate,
            "p50_ms": median,
            "p99_ms": late,
            "cpu_microseconds": cost,
            "busiest_worker": busiest,
            "outcomes": answers.outcomes,
        },
    )


def _spent(server: Server) -> dict[int, float]:
    """Return the processor seconds of each process of a server."""
    return {
        number: processes.cpu_seconds(number, below=False)
        for number in processes.tree(server.process)
    }
