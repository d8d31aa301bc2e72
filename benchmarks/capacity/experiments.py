"""What is asked of the simulation: how soon answers come by load, size, balancer and loss.

All requests take 20 ms of one core. Times of a network that is twice as slow are twice as long: the
simulation knows no other time, but for the bounds of the service's admission.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.capacity.simulation import (
    Balancer,
    Fleet,
    Loss,
    choose_by_chance,
    choose_fewest,
    choose_fewest_of_two,
    choose_in_turn,
    poisson,
    simulate,
)
from benchmarks.capacity.validation import LOADS, SERVICE_SECONDS

CORES_OF_REPLICA = 2
BALANCERS: dict[str, Callable[[], Balancer]] = {
    "by chance": choose_by_chance,
    "in turn": choose_in_turn,
    "fewest requests of two": choose_fewest_of_two,
    "fewest requests of all": choose_fewest,
}
# Until then queues are shorter than they will be.
_WARM_UP_SECONDS = 2.0
_LEAST_REQUESTS = 40_000
_LEAST_SECONDS = 3.0
_NOTICED_SECONDS = 10.0
_AFTER_SECONDS = 10.0
_SERVICES = np.array([SERVICE_SECONDS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleetful:
    """How soon a number of cores answers.

    Attributes:
        cores: Of all replicas.
        replicas: Their number.
        balancer: Name of it.
        p99_ms: At each load of `LOADS`.
        refused: Part of the requests that is refused, at each load.
    """

    cores: int
    replicas: int
    balancer: str
    p99_ms: tuple[float, ...]
    refused: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What is felt of lost replicas, until their loss is noticed and afterwards.

    Attributes:
        replicas: How many there were.
        lost: How many of them were lost.
        balancer: Name of it.
        load: Before the loss.
        failed: Part of the requests that fails until the loss is noticed.
        load_after: Of what is left.
        p99_before_ms, p99_after_ms: Before the loss, and once it is noticed.
        refused_after: Part of the requests that is refused once it is noticed.
    """

    replicas: int
    lost: int
    balancer: str
    load: float
    failed: float
    load_after: float
    p99_before_ms: float
    p99_after_ms: float
    refused_after: float


def _fleet(cores: int, balancer: str, of_replica: int = CORES_OF_REPLICA) -> Fleet:
    each = min(cores, of_replica)
    return Fleet(replicas=cores // each, cores=each, workers=each, balancer=BALANCERS[balancer])


def one_replica() -> Iterator[Fleetful]:
    """Give one replica more and more cores."""
    for cores in (1, 2, 4, 8, 16):
        yield _loaded(_fleet(cores, "in turn", of_replica=cores), "in turn")


def fleets() -> Iterator[Fleetful]:
    """Let each balancer spread requests over more and more replicas of two cores."""
    for cores in (10, 100, 1000):
        for balancer in BALANCERS:
            yield _loaded(_fleet(cores, balancer), balancer)


def _loaded(fleet: Fleet, balancer: str) -> Fleetful:
    cores = fleet.replicas * fleet.cores
    outcomes = []
    for load in LOADS:
        rate = load * cores / SERVICE_SECONDS
        count = int(max(_LEAST_REQUESTS, rate * (_WARM_UP_SECONDS + _LEAST_SECONDS)))
        outcome = simulate(fleet, poisson(rate, count), _SERVICES)
        outcomes.append(outcome.between(_WARM_UP_SECONDS))
    return Fleetful(
        cores=cores,
        replicas=fleet.replicas,
        balancer=balancer,
        p99_ms=tuple(1000 * outcome.percentile(99) for outcome in outcomes),
        refused=tuple(float(np.mean(outcome.refused)) for outcome in outcomes),
    )


def losses() -> Iterator[Lost]:
    """Lose a replica, or a zone of three, of a fleet that is loaded to 60 or 80 %."""
    for replicas, lost in ((2, 1), (5, 1), (50, 1), (51, 17)):
        for load in (0.6, 0.8):
            yield _lose(replicas, lost, load, "by chance")
    yield _lose(50, 1, 0.6, "fewest requests of two")
    yield _lose(50, 1, 0.6, "fewest requests of all")


def _lose(replicas: int, lost: int, load: float, balancer: str) -> Lost:
    fleet = _fleet(replicas * CORES_OF_REPLICA, balancer)
    rate = load * replicas * CORES_OF_REPLICA / SERVICE_SECONDS
    # A small fleet is given more time before the loss, so that as many requests are counted.
    at = _WARM_UP_SECONDS + max(_AFTER_SECONDS, _LEAST_REQUESTS / 4 / rate)
    noticed = at + _NOTICED_SECONDS
    end = noticed + at
    loss = Loss(at=at, replicas=lost, noticed_seconds=_NOTICED_SECONDS)
    outcome = simulate(fleet, poisson(rate, int(rate * end)), _SERVICES, losses=[loss])
    before = outcome.between(_WARM_UP_SECONDS, at)
    meanwhile, after = outcome.between(at, noticed), outcome.between(noticed + _WARM_UP_SECONDS)
    return Lost(
        replicas=replicas,
        lost=lost,
        balancer=balancer,
        load=load,
        failed=float(np.mean(meanwhile.lost)),
        load_after=load * replicas / (replicas - lost),
        p99_before_ms=1000 * before.percentile(99),
        p99_after_ms=1000 * after.percentile(99),
        refused_after=float(np.mean(after.refused)),
    )
