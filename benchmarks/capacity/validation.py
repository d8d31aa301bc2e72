"""The simulation beside a real service: one core, one worker, a network of 20 ms, random arrivals.

The service has one core for itself, and the load the other one. A run goes like this:

1. One caller, who pauses after each answer, meets an idle service. Its times are the service times:
   all that the simulation is told of the service.
2. Requests arrive at random moments, at a rate that is 30, 60 and 80 % of what one core can answer:
   one request in the mean service time. Each is timed from the moment at which it was due, however
   late the load was in sending it.

The simulation predicts the times twice: for long loads at the same rates, and for the moments at
which requests arrived in the run. The first is the prediction; the second says how much of what it
misses by is the chance of the arrivals.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.capacity.simulation import Fleet, Seconds, poisson, simulate
from benchmarks.servers.client import ANSWERED, Lane
from benchmarks.servers.load import Answers, Load, picture_for
from tests.servers import NOWHERE, ROOT, Server, serving
from tests.soak.ballast import add_ballast

LOADS = (0.3, 0.6, 0.8)
PERCENTILES = (50, 95, 99)
SERVICE_SECONDS = 0.020
RUNS = 5
_MODEL = "slow-pictures"
_WARM_UP_SECONDS = 1.0
# Longer than any wait at these loads, so that no request is cut off at the end of a run.
_DRAIN_SECONDS = 3.0
_PAUSE_SECONDS = 0.005
_SIMULATED_REQUESTS = 40_000
# To find out by how much runs of one length differ.
_REPEATED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long is measured, in seconds.

    Attributes:
        alone: By the one caller, before each run.
        loaded: At each load.
    """

    alone: float
    loaded: tuple[float, ...]


FULL = Length(alone=4.0, loaded=(14.0, 18.0, 30.0))
SHORT = Length(alone=4.0, loaded=(5.0, 5.0, 7.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Percentiles of one load in one run, in milliseconds, in the order of `PERCENTILES`.

    Attributes:
        measured: Of the real service.
        predicted: Of the simulation.
        replayed: Of the simulation for the arrivals of the run.
        requests: How many arrived.
        unanswered: How many of these were refused or lost.
        service_ms: The mean of the service times.
    """

    measured: tuple[float, ...]
    predicted: tuple[float, ...]
    replayed: tuple[float, ...]
    requests: int
    unanswered: int
    service_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All runs of one load.

    Attributes:
        load: Arrivals in the mean service time.
        times: Of each run.
        spread: Standard deviation of the p99 of runs of this length, as a part of it: what the
            simulation says of runs that differ by chance alone.
    """

    load: float
    times: tuple[Times, ...]
    spread: float

    def median(self, of: str, percentile: int = 99) -> float:
        """Return the median of all runs, in milliseconds.

        Args:
            of: "measured", "predicted" or "replayed".
            percentile: One of `PERCENTILES`.
        """
        index = PERCENTILES.index(percentile)
        return float(np.median([getattr(each, of)[index] for each in self.times]))

    @property
    def service_ms(self) -> float:
        """The mean of the service times, in milliseconds: the median of all runs."""
        return float(np.median([each.service_ms for each in self.times]))

    @property
    def error(self) -> float:
        """The predicted p99 less the measured one, as a part of the measured one."""
        return self.median("predicted") / self.median("measured") - 1


def compare(length: Length = FULL, runs: int = RUNS) -> list[Comparison]:
    """Measure some runs, and simulate them.

    Raises:
        OSError: The machine has one core only.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise OSError("The service needs one core, and the load another one.")
    with tempfile.TemporaryDirectory(prefix="capacity-") as name, pinned(cores[0]):
        models = Path(name)
        add_ballast(models, ROOT / "models/digits/1", _MODEL, seconds=SERVICE_SECONDS)
        # What is started here runs where this thread may: the service on one core, the load on
        # another.
        with serving(models=models, workers=1, log=NOWHERE) as server, pinned(cores[1]):
            _alone(server, _WARM_UP_SECONDS)
            found = [_run(server, length) for _ in range(runs)]
    return [
        _comparison(load, seconds, [(services, loaded[place]) for services, loaded in found])
        for place, (load, seconds) in enumerate(zip(LOADS, length.loaded, strict=True))
    ]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Let this thread, and what it starts, run on one core alone until the block ends."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _run(server: Server, length: Length) -> tuple[Seconds, list[Answers]]:
    """Return the service times, and what became of the requests at each load."""
    services = _alone(server, length.alone)
    rates = [load / float(np.mean(services)) for load in LOADS]
    pairs = zip(rates, length.loaded, strict=True)
    return services, [_loaded(server, rate, seconds) for rate, seconds in pairs]


def _alone(server: Server, seconds: float) -> Seconds:
    """Let one caller ask an idle service, and return the times of its answers."""
    lane = Lane(name="alone", request=_request(), pause_seconds=_PAUSE_SECONDS)
    return _seconds(_answers(server, lane, seconds))


def _loaded(server: Server, rate: float, seconds: float) -> Answers:
    lane = Lane(name="loaded", request=_request(), rate=rate, is_random=True)
    return _answers(server, lane, seconds)


def _request() -> str:
    return picture_for(_MODEL).decode("latin-1")


def _answers(server: Server, lane: Lane, seconds: float) -> Answers:
    with Load(server.port, [lane], drain_seconds=_DRAIN_SECONDS) as load:
        time.sleep(seconds)
        return load.stop()


def _seconds(answers: Answers) -> Seconds:
    return np.array([answer.seconds for answer in answers.with_outcome(ANSWERED)])


# The same in simulated time.


def _comparison(load: float, seconds: float, runs: Sequence[tuple[Seconds, Answers]]) -> Comparison:
    times = tuple(_times(load, services, answers) for services, answers in runs)
    return Comparison(load=load, times=times, spread=_spread(load, runs[0][0], seconds))


def _times(load: float, services: Seconds, answers: Answers) -> Times:
    mean = float(np.mean(services))
    arrivals = np.sort([answer.begun for answer in answers])
    return Times(
        measured=_percentiles(_seconds(answers)),
        predicted=_percentiles(
            simulate(Fleet(), poisson(load / mean, _SIMULATED_REQUESTS), services).seconds
        ),
        replayed=_percentiles(simulate(Fleet(), arrivals - arrivals[0], services).seconds),
        requests=len(answers),
        unanswered=len(answers) - answers.answered,
        service_ms=1000 * mean,
    )


def _percentiles(seconds: Seconds) -> tuple[float, ...]:
    return tuple(1000 * float(np.nanpercentile(seconds, percent)) for percent in PERCENTILES)


def _spread(load: float, services: Seconds, seconds: float) -> float:
    """Simulate runs that differ in their arrivals alone, and compare their p99."""
    rate = load / float(np.mean(services))
    count = round(rate * seconds)
    p99 = [
        simulate(Fleet(), poisson(rate, count, seed), services, seed=seed).percentile(99)
        for seed in range(_REPEATED)
    ]
    return float(np.std(p99) / np.mean(p99))
