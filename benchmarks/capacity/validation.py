"""The simulation beside a real service: one core, one worker, a network of 20 ms, random arrivals.

The service has one core for itself, and the load the other one. A run goes like this:

1. One caller, who pauses after each answer, meets an idle service: the times of a request alone.
2. Four callers ask without a pause, so that something always waits. The times between two answers
   are the service times: how long a request holds the core. They are shorter, because a core that
   was idle is slow to begin, and because the way to the caller and back holds no core.
3. Requests arrive at random moments, at a rate that is 30, 60 and 80 % of what one core can answer:
   one request in the mean service time. Each is timed from the moment at which it was due, however
   late the load was in sending it.

The simulation knows the times of 1 and 2, and nothing of 3. It predicts the times twice: of runs
that are as long, with arrivals of its own, and for the moments at which requests arrived in the
run. The first is the prediction; the second says how much of what it misses by is the chance of the
arrivals.
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
_BUSY_CALLERS = 4
_SIMULATED_RUNS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long is measured, in seconds.

    Attributes:
        service: By the one caller before each run, and by the four.
        loaded: At each load.
    """

    service: float
    loaded: tuple[float, ...]


FULL = Length(service=4.0, loaded=(14.0, 16.0, 28.0))
SHORT = Length(service=2.5, loaded=(5.0, 5.0, 8.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Percentiles of one load in one run, in milliseconds, in the order of `PERCENTILES`.

    Attributes:
        measured: Of the real service.
        replayed: Of the simulation for the arrivals of the run.
        requests: How many arrived.
        unanswered: How many of these were refused or lost.
        service_ms: The mean of the service times.
        alone_ms: The mean of the times of a request alone.
    """

    measured: tuple[float, ...]
    replayed: tuple[float, ...]
    requests: int
    unanswered: int
    service_ms: float
    alone_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All runs of one load.

    Attributes:
        load: Arrivals in the mean service time.
        times: Of each run.
        predicted: The medians of many simulated runs of this length, like `Times.measured`.
        spread: Standard deviation of the p99 of these, as a part of it: by so much do runs differ
            by chance alone.
    """

    load: float
    times: tuple[Times, ...]
    predicted: tuple[float, ...]
    spread: float

    def median(self, of: str) -> float:
        """Return the median of all runs: of a time, or of the p99 of several, in milliseconds.

        Args:
            of: "measured", "replayed", "service_ms" or "alone_ms".
        """
        found = [getattr(each, of) for each in self.times]
        return float(np.median([each[-1] if isinstance(each, tuple) else each for each in found]))

    @property
    def predicted_ms(self) -> float:
        """The predicted p99."""
        return self.predicted[-1]

    @property
    def error(self) -> float:
        """The predicted p99 less the measured one, as a part of the measured one."""
        return self.predicted_ms / self.median("measured") - 1


@dataclass(frozen=True, slots=True)
class _Run:
    """What was measured in a run: the two kinds of times, and the requests of each load."""

    services: Seconds
    alone: Seconds
    loaded: Sequence[Answers]


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
    return [_comparison(place, seconds, found) for place, seconds in enumerate(length.loaded)]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Let this thread, and what it starts, run on one core alone until the block ends."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _run(server: Server, length: Length) -> _Run:
    alone = _alone(server, length.service)
    services = _between_answers(server, length.service)
    rates = [load / float(np.mean(services)) for load in LOADS]
    pairs = zip(rates, length.loaded, strict=True)
    loaded = [_loaded(server, rate, seconds) for rate, seconds in pairs]
    return _Run(services, alone, loaded)


def _alone(server: Server, seconds: float) -> Seconds:
    """Let one caller ask an idle service, and return the times of its answers."""
    lane = Lane(name="alone", request=_request(), pause_seconds=_PAUSE_SECONDS)
    return _seconds(_answers(server, lane, seconds))


def _between_answers(server: Server, seconds: float) -> Seconds:
    """Let several callers ask without a pause, and return the times between two answers."""
    lane = Lane(name="busy", request=_request(), callers=_BUSY_CALLERS)
    answers = _answers(server, lane, seconds).with_outcome(ANSWERED)
    ends = np.sort([answer.begun + answer.seconds for answer in answers])
    # The first and the last callers come and go one after the other.
    return np.diff(ends)[_BUSY_CALLERS:-_BUSY_CALLERS]


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


def _comparison(place: int, seconds: float, runs: Sequence[_Run]) -> Comparison:
    services = np.concatenate([run.services for run in runs])
    alone = np.concatenate([run.alone for run in runs])
    rate = LOADS[place] / float(np.mean(services))
    simulated = np.array(
        [
            _simulated(poisson(rate, round(rate * seconds), seed), services, alone, seed)
            for seed in range(_SIMULATED_RUNS)
        ]
    )
    p99 = simulated[:, -1]
    return Comparison(
        load=LOADS[place],
        times=tuple(_times(run, run.loaded[place]) for run in runs),
        predicted=tuple(np.median(simulated, axis=0).tolist()),
        spread=float(np.std(p99) / np.mean(p99)),
    )


def _times(run: _Run, answers: Answers) -> Times:
    arrivals = np.sort([answer.begun for answer in answers])
    return Times(
        measured=_percentiles(_seconds(answers)),
        replayed=_simulated(arrivals - arrivals[0], run.services, run.alone),
        requests=len(answers),
        unanswered=len(answers) - answers.answered,
        service_ms=1000 * float(np.mean(run.services)),
        alone_ms=1000 * float(np.mean(run.alone)),
    )


def _simulated(
    arrivals: Seconds, services: Seconds, alone: Seconds, seed: int = 0
) -> tuple[float, ...]:
    return _percentiles(simulate(Fleet(), arrivals, services, alone=alone, seed=seed).seconds)


def _percentiles(seconds: Seconds) -> tuple[float, ...]:
    return tuple(1000 * float(np.nanpercentile(seconds, percent)) for percent in PERCENTILES)
