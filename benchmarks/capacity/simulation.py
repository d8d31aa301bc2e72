"""Servers behind a balancer, in simulated time: arrivals, queues, compute slots, lost replicas.

Who may compute, who waits and who is refused is not modelled: the service's own `Scheduler` decides
it, with a clock that the simulation turns. Around it is what the scheduler does not see:

- Requests arrive at random moments, or at given ones.
- A balancer chooses the replica, and a kept connection the worker.
- A request takes a time that is drawn from given ones, on a core of its own. Where more requests
  compute in a replica than it has cores, all of them are slower by the same factor, as threads are
  that take turns.
- A replica that is lost answers nothing. What it had is lost, and what the balancer still sends
  there until it notices.

What is left out: the network between client, balancer and replica; the time of the balancer itself;
connections that are slow. These add to each time, and hardly to a queue.

References:
    Kleinrock (1976), Queueing Systems, volume 2, chapter 4.4: processor sharing.
    Welch (1964), On a Generalized M/G/1 Queuing Process in which the First Customer of Each Busy
    Period Receives Exceptional Service, Operations Research 12(5), doi:10.1287/opre.12.5.736.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from service.admission.jobs import SHORT_SECONDS, Deadline, Job, UnknownClient
from service.admission.scheduler import Scheduler
from vitrine.errors import VitrineError

# While anything waits, a worker looks so often for what has waited for too long.
_SWEEP_SECONDS = 0.01
# The longest time that a client waits, by default.
_TIMEOUT_SECONDS = 60.0
_CLIENT = UnknownClient()

Seconds = NDArray[np.float64]
# Chooses among replicas; given how many requests each of them has.
Balancer = Callable[[Sequence["Replica"]], "Replica"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What answers the requests.

    Attributes:
        replicas: Number of servers behind the balancer.
        cores: Of each replica.
        workers: Of each replica; each is a process with a queue of its own.
        balancer: Makes what chooses the replica of a request.
    """

    replicas: int = 1
    cores: int = 1
    workers: int = 1
    balancer: Callable[[], Balancer] = field(default_factory=lambda: choose_in_turn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Replicas that are lost at a moment.

    Attributes:
        at: The moment, in seconds from the start.
        replicas: How many.
        noticed_seconds: Time until the balancer sends nothing there any more.
    """

    at: float
    replicas: int
    noticed_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of requests, in the order in which they arrived.

    Attributes:
        arrived: Moment of each.
        seconds: From there to its answer; NaN where it was not answered.
        refused: Whether it was answered with 503.
        lost: Whether its replica was lost.
    """

    arrived: Seconds
    seconds: Seconds
    refused: NDArray[np.bool_]
    lost: NDArray[np.bool_]

    def between(self, start: float, end: float = inf) -> "Outcome":
        """Return the requests that arrived in a span of time."""
        chosen = (self.arrived >= start) & (self.arrived < end)
        return Outcome(
            self.arrived[chosen], self.seconds[chosen], self.refused[chosen], self.lost[chosen]
        )

    def percentile(self, percent: float) -> float:
        """Return the seconds within which this part of the answers came."""
        answered = self.seconds[~np.isnan(self.seconds)]
        return float(np.percentile(answered, percent)) if answered.size else float("nan")


# Balancers.


def choose_in_turn() -> Balancer:
    """Choose each replica in its turn: round robin."""
    turn = 0

    def choose(replicas: Sequence["Replica"]) -> "Replica":
        nonlocal turn
        turn += 1
        return replicas[turn % len(replicas)]

    return choose


def choose_by_chance(seed: int = 0) -> Balancer:
    """Choose any replica. Many balancers that do not know of each other come to the same."""
    return random.Random(seed).choice


def choose_fewest_of_two(seed: int = 0) -> Balancer:
    """Choose two replicas by chance, and of these the one with fewer requests, as Envoy does.

    References:
        Mitzenmacher (2001), The Power of Two Choices in Randomized Load Balancing, IEEE
        Transactions on Parallel and Distributed Systems 12(10), doi:10.1109/71.963420.
    """
    chance = random.Random(seed)

    def choose(replicas: Sequence["Replica"]) -> "Replica":
        first, second = chance.choice(replicas), chance.choice(replicas)
        return first if first.requests <= second.requests else second

    return choose


def choose_fewest() -> Balancer:
    """Choose the replica with the fewest requests; a balancer must see all of them for that."""

    def choose(replicas: Sequence["Replica"]) -> "Replica":
        return min(replicas, key=lambda replica: replica.requests)

    return choose


# The simulation.


def poisson(rate: float, requests: int, seed: int = 0) -> Seconds:
    """Return random moments of arrival, of callers who know nothing of each other."""
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate, requests))


def simulate(
    fleet: Fleet,
    arrivals: Seconds,
    services: Seconds,
    *,
    alone: Seconds | None = None,
    losses: Sequence[Loss] = (),
    seed: int = 0,
) -> Outcome:
    """Let requests arrive, and return what became of them.

    Args:
        fleet: What answers them.
        arrivals: Moment at which each arrives, in ascending order.
        services: Times that requests may take on a core; each request takes one of these by chance.
        alone: The same for a request that finds a replica idle, which takes longer to begin; by
            default it takes as long as others.
        losses: Replicas that are lost.
        seed: Of all chances.

    Raises:
        ValueError: The requests are so large that the service computes them in pieces.
    """
    if np.mean(services) > SHORT_SECONDS:
        raise ValueError(
            f"Requests of {np.mean(services):.3f} s are computed in pieces; only those of up to "
            f"{SHORT_SECONDS} s can be simulated."
        )
    chance = np.random.default_rng(seed)
    times = [chance.choice(each, arrivals.size) for each in (services, alone) if each is not None]
    simulation = _Simulation(fleet, arrivals, times[0], times[-1], seed)
    for loss in losses:
        simulation.lose(loss)
    return simulation.run()


class _Simulation:
    """The queue of what happens, and the moment that it has come to."""

    def __init__(
        self, fleet: Fleet, arrivals: Seconds, services: Seconds, alone: Seconds, seed: int
    ) -> None:
        self.now = 0.0
        self._happening: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._arrivals = arrivals
        self._services = services
        self._alone = alone
        # What each request is estimated to take.
        self._cost_seconds = float(np.mean(services))
        self._chance = random.Random(seed)
        self._balance = fleet.balancer()
        self._replicas = [Replica(self, fleet) for _ in range(fleet.replicas)]
        self._lost = np.zeros(arrivals.size, dtype=np.bool_)
        self.seconds = np.full(arrivals.size, np.nan)
        self.refused = np.zeros(arrivals.size, dtype=np.bool_)

    def lose(self, loss: Loss) -> None:
        """Lose replicas when the time has come; no request reaches them once that is noticed."""
        gone = self._replicas[: loss.replicas]

        def end() -> None:
            for replica in gone:
                self._lost[replica.end()] = True

        def notice() -> None:
            self._replicas = [each for each in self._replicas if each not in gone]

        self.at(loss.at, end)
        self.at(loss.at + loss.noticed_seconds, notice)

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Let something happen at a moment."""
        self._number += 1
        heapq.heappush(self._happening, (moment, self._number, action))

    def run(self) -> Outcome:
        """Let everything happen in its order."""
        for number, moment in enumerate(self._arrivals.tolist()):
            self._go_on(until=moment)
            self.now = moment
            self._arrive(number)
        self._go_on(until=inf)
        return Outcome(self._arrivals, self.seconds, self.refused, self._lost)

    def _go_on(self, *, until: float) -> None:
        while self._happening and self._happening[0][0] <= until:
            self.now, _, action = heapq.heappop(self._happening)
            action()

    def _arrive(self, number: int) -> None:
        replica = self._balance(self._replicas)
        if replica.has_ended:
            self._lost[number] = True
            return
        worker = self._chance.choice(replica.workers)
        times = self._services if replica.requests else self._alone
        seconds = float(times[number])
        worker.submit(_Request(worker, number, seconds, self._cost_seconds))


class Replica:
    """Some workers on some cores.

    Attributes:
        workers: Its processes.
        has_ended: Whether it is lost.
        requests: Number of requests that wait or compute here.
    """

    def __init__(self, simulation: _Simulation, fleet: Fleet) -> None:
        self._simulation = simulation
        self._cores = fleet.cores
        self.workers = [_Worker(simulation, self, fleet) for _ in range(fleet.workers)]
        self.has_ended = False
        self.requests = 0
        # Time that each computing request has had of a core since the start, and when each will
        # have had what it needs: only the first of them has to be waited for.
        self._progress = self._seen = 0.0
        self._computing: list[tuple[float, int, _Request]] = []
        self._next = 0

    def compute(self, request: "_Request") -> None:
        """Compute a request beside the others."""
        self._catch_up()
        end = self._progress + request.service_seconds
        heapq.heappush(self._computing, (end, request.number, request))
        self._expect_next()

    def end(self) -> list[int]:
        """Answer nothing any more; return the numbers of the requests that are lost."""
        self.has_ended = True
        self._next += 1
        waiting = [number for worker in self.workers for number in worker.unanswered]
        self.requests = 0
        return waiting

    def _speed(self) -> float:
        """Return the part of a core that each computing request has."""
        return min(1.0, self._cores / max(len(self._computing), 1))

    def _catch_up(self) -> None:
        elapsed = self._simulation.now - self._seen
        self._progress += elapsed * self._speed()
        self._seen = self._simulation.now

    def _expect_next(self) -> None:
        """Wait for the next request to end; what was waited for until now is out of date."""
        self._next += 1
        if self._computing:
            left = self._computing[0][0] - self._progress
            expected = self._next
            moment = self._simulation.now + left / self._speed()
            self._simulation.at(moment, lambda: self._finish(expected))

    def _finish(self, expected: int) -> None:
        if expected != self._next:
            return
        self._catch_up()
        request = heapq.heappop(self._computing)[2]
        self._expect_next()
        request.worker.finish(request)


class _Worker:
    """A process: a scheduler of the service, and what was handed to it."""

    def __init__(self, simulation: _Simulation, replica: Replica, fleet: Fleet) -> None:
        self._simulation = simulation
        self.replica = replica
        others = _Others(self) if fleet.workers > 1 else None
        self._scheduler = Scheduler(fleet.cores, others=others, clock=lambda: simulation.now)
        self._is_sweeping = False
        self.running = (0, 0)
        self.unanswered: set[int] = set()

    @property
    def now(self) -> float:
        """The moment."""
        return self._simulation.now

    def submit(self, request: "_Request") -> None:
        """Take a request."""
        self.replica.requests += 1
        self.unanswered.add(request.number)
        self._scheduler.submit(request)
        self._watch()

    def finish(self, request: "_Request") -> None:
        """Answer a request, and let the next one begin."""
        self._leave(request)
        self._simulation.seconds[request.number] = self.now - request.arrived
        seconds = self.now - request.started
        self._scheduler.finish(
            is_short=request.is_short, estimated_seconds=request.cost_seconds, seconds=seconds
        )

    def refuse(self, request: "_Request") -> None:
        """Answer a request with 503."""
        self._leave(request)
        self._simulation.refused[request.number] = True

    def _leave(self, request: "_Request") -> None:
        self.replica.requests -= 1
        self.unanswered.remove(request.number)

    def _watch(self) -> None:
        if not self._is_sweeping and self._scheduler.waiting:
            self._is_sweeping = True
            self._simulation.at(self.now + _SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._is_sweeping = False
        if not self.replica.has_ended:
            self._scheduler.sweep()
            self._watch()


class _Others:
    """What the other workers of a replica compute."""

    def __init__(self, worker: _Worker) -> None:
        self._worker = worker

    def set(self, short: int, long: int) -> None:
        self._worker.running = (short, long)

    def others(self) -> tuple[int, int]:
        others = [each for each in self._worker.replica.workers if each is not self._worker]
        return sum(each.running[0] for each in others), sum(each.running[1] for each in others)


class _Request(Job):
    """A request: it waits in the service's scheduler, and computes in a replica."""

    __slots__ = ("number", "service_seconds", "started", "worker")

    def __init__(
        self, worker: _Worker, number: int, service_seconds: float, cost_seconds: float
    ) -> None:
        now = worker.now
        super().__init__(cost_seconds, _CLIENT, Deadline(now + _TIMEOUT_SECONDS, _TIMEOUT_SECONDS))
        self.arrived = now
        self.worker = worker
        self.number = number
        self.service_seconds = service_seconds
        self.started = now

    def start(self) -> None:
        """Compute."""
        self.started = self.worker.now
        self.worker.replica.compute(self)

    def refuse(self, error: VitrineError | None) -> None:  # noqa: ARG002
        """Be refused."""
        self.worker.refuse(self)
