"""Compare web servers under the real application: `python -m benchmarks.servers`."""

import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine, processes
from benchmarks.servers import hazards, models, report, signals, streaming, throughput
from benchmarks.servers.candidates import (
    CANDIDATES,
    WORKERS,
    Candidate,
    CannotRun,
    Server,
    serving,
)
from benchmarks.servers.report import Figure

_RECOVERY_SECONDS = 2.0
_LOOK_SECONDS = 0.25
_IDLE_SHARE = 0.1  # of a processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long, in seconds, or how often things are measured."""

    before: float = 3.0
    arrival: float = 2.0
    during: float = 4.0
    throughput: float = 3.0
    connections: tuple[int, ...] = (1, 16, 64)
    rows: int = 200_000
    reloads: int = 3


QUICK = Times(
    before=1.0, arrival=1.0, during=1.5, throughput=0.8, connections=(16,), rows=50_000, reloads=1
)

Measurement = Callable[[Server, Times], Iterator[Figure]]


def _hazard(hazard: hazards.Hazard) -> Measurement:
    return lambda server, times: hazards.measure(
        server.port, hazard, before=times.before, arrival=times.arrival, during=times.during
    )


# In this order: those after which a server is no longer the same come last.
MEASUREMENTS: dict[str, Measurement] = {
    "throughput": lambda server, times: throughput.measure(
        server, times.connections, seconds=times.throughput
    ),
    "streaming": lambda server, times: streaming.measure(server, rows=times.rows),
    **{name: _hazard(hazard) for name, hazard in hazards.HAZARDS.items()},
    "reload": lambda server, times: signals.reload(server, times.reloads),
    "kill": lambda server, _: signals.kill(server),
    "stop": lambda server, _: signals.stop(server),
}

# Granian takes a worker that dies soon after a reload for one that never will live, and stops.
_ON_A_FRESH_ONE = {"kill"}


class _Keeper:
    """Keeps a candidate's server, and starts another where the last is of no more use."""

    def __init__(self, candidate: Candidate, models_folder: Path) -> None:
        self._candidate = candidate
        self._models = models_folder
        self._server: Server | None = None
        self._running = ExitStack()

    def server(self, *, fresh: bool) -> Server:
        """Return one that answers, and has nothing left to do."""
        if fresh or self._server is None or not _has_recovered(self._server):
            self.stop()
            self._server = self._running.enter_context(serving(self._candidate, self._models))
        return self._server

    def stop(self) -> None:
        """End it."""
        self._server = None
        self._running.close()


def _has_recovered(server: Server) -> bool:
    deadline = time.monotonic() + _RECOVERY_SECONDS
    while time.monotonic() < deadline:
        spent = processes.cpu_seconds(server.process)
        time.sleep(_LOOK_SECONDS)
        spent = processes.cpu_seconds(server.process) - spent
        if spent < _IDLE_SHARE * _LOOK_SECONDS:
            return server.answers_within(_RECOVERY_SECONDS) and len(server.workers()) == WORKERS
    return False


def _of_others(share: float) -> Figure:
    return Figure(
        name="the machine's time taken by others meanwhile",
        shown=f"{100 * share:.0f} %",
        values={"share": share},
    )


def _measure(candidate: Candidate, folder: Path, names: list[str], times: Times) -> list[Figure]:
    figures: list[Figure] = []
    if missing := candidate.missing():
        _say(f"{candidate.name}: skipped, there is no {', '.join(missing)}")
        return figures
    keeper = _Keeper(candidate, folder)
    others = machine.Others()
    try:
        for name in names:
            for figure in MEASUREMENTS[name](keeper.server(fresh=name in _ON_A_FRESH_ONE), times):
                figures.append(figure)
                _say(f"{candidate.name}: {figure.name}: {figure.shown}")
    except CannotRun as error:
        _say(f"{candidate.name}: cannot be run: {error}")
        figures.append(Figure(name="cannot be run", shown=str(error), values={}))
    finally:
        keeper.stop()
    return [*figures, _of_others(others.share())]


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what was asked for, print the table, keep the figures."""
    options = _options()
    started = time.monotonic()
    figures = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        folder = Path(scratch)
        models.write(folder)
        for candidate in CANDIDATES:
            if candidate.name in options.candidates:
                times = QUICK if options.quick else Times()
                figures[candidate.name] = _measure(candidate, folder, options.hazards, times)
    _say(f"took {time.monotonic() - started:.0f} s")
    print(f"{machine.describe()}\n")
    print(report.table({name: found for name, found in figures.items() if found}))
    _say(f"kept in {report.keep(figures, vars(options))}")


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    names = [candidate.name for candidate in CANDIDATES]
    parser.add_argument("--candidates", nargs="+", choices=names, default=names)
    measurements = list(MEASUREMENTS)
    parser.add_argument("--hazards", nargs="+", choices=measurements, default=measurements)
    parser.add_argument("--quick", action="store_true", help="shorter, and less sure")
    options = parser.parse_args()
    options.hazards = [name for name in MEASUREMENTS if name in options.hazards]
    return options


main()
