"""More requests than can be answered: what is answered, how soon, and what becomes of the rest."""

import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.peers import networks
from benchmarks.peers.cases import picture
from benchmarks.servers.client import ANSWERED, LOST, STATUS, UNANSWERED, WRONG, Lane
from benchmarks.servers.load import Answers, Load, picture_for, post
from tests.servers import NOWHERE, ROOT, Server, serving
from tests.soak import bursts
from tests.soak.attacks import bodies
from tests.soak.attacks.measuring import allow_many_files
from tests.soak.ballast import add_ballast
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

WORKERS = 2
PASS_SECONDS = 0.010
TIMES = 5
# What is promised.
LEAST_GOODPUT = 0.8
MOST_P99_TIMES = 2
MOST_REFUSAL_MS = 50
MOST_RECOVERY_SECONDS = 1.0
MOST_LOAD_CORES = 0.2
_CLOSED_CALLERS = 16
# Callers who wait for each answer: of the first, none may be refused.
_CALLERS = (64, 200)
_CLOSED_SECONDS = 8.0
_WARM_UP_SECONDS = 2.0
_AFTER_SECONDS = 4.0
# A request that is neither answered nor refused by then is lost.
_DRAIN_SECONDS = 10.0
_NORMAL_RATE = 10.0
_LARGE_RATE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way to ask for too much.

    Attributes:
        name: Of it, in the table.
        kind: Of the requests: "picture", "larger picture" or "row".
        is_random: Whether they come at random moments.
        reuse: Whether they come on connections that are kept.
        large: Number of pictures in each of the large requests that come besides; 0 for none.
    """

    name: str
    kind: str = "picture"
    is_random: bool = True
    reuse: bool = True
    large: int = 0

    @property
    def model(self) -> str:
        """Name of the slow model that answers."""
        return "slow-rows" if self.kind == "row" else "slow-pictures"

    def request(self) -> bytes:
        """Write a request."""
        path = f"/models/{self.model}/predict"
        if self.kind == "row":
            return bodies.houses(1).replace(bodies.HOUSING.encode(), path.encode(), 1)
        if self.kind == "larger picture":
            return bodies.picture_request(bodies.larger_picture(), path)
        return picture_for(self.model)


VARIANTS = (
    Variant(name="random, kept connections"),
    Variant(name="steady, kept connections", is_random=False),
    Variant(name="random, new connections", reuse=False),
    Variant(name="random, pictures of 640 x 640", kind="larger picture"),
    Variant(name="random, rows of JSON", kind="row"),
    Variant(name="random, beside large requests", large=20),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """What came back in one second."""

    answered: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an overload.

    Attributes:
        capacity: Requests a second that a closed loop gets answered.
        at_80_ms: 99 of 100 answers came within this time at 80 % of it.
        goodput: Answers in each second, as a share of the capacity, from the second on.
        accepted_ms: 99 of 100 of those that were answered came within this time.
        refusal_ms: Half of the refusals came within this time.
        refusals: Number of them by status.
        without_retry: How many of them do not say when to come again.
        lost: Requests that were answered with nothing, or twice, or with another's answer.
        recovery_seconds: From the end until all requests were answered as at 80 % again.
        load_cores: Processor time of the load itself, in cores.
    """

    variant: Variant
    capacity: float
    at_80_ms: float
    goodput: list[float]
    accepted_ms: float
    refusal_ms: float
    refusals: dict[int, int]
    without_retry: int
    lost: dict[str, int]
    recovery_seconds: float
    load_cores: float


def one_overload(checkout: Path = ROOT) -> Iterator[Figure]:
    """Ask for five times too much for a short time."""
    with _models(checkout) as models:
        yield from figures(measure(VARIANTS[0], checkout, models, seconds=15))


def all_overloads(checkout: Path = ROOT) -> Iterator[Figure]:
    """Ask for five times too much in every way, for a minute each, and by callers who wait."""
    with _models(checkout) as models:
        for variant in VARIANTS:
            yield from figures(measure(variant, checkout, models, seconds=60))
        yield from _closed_loops(checkout, models)
        yield from _small_requests(checkout)


@contextmanager
def _models(checkout: Path) -> Iterator[Path]:
    """Make a folder of two slow models."""
    with tempfile.TemporaryDirectory(prefix="overload-") as name:
        for source, slow in (("digits", "slow-pictures"), ("housing", "slow-rows")):
            version = checkout / "models" / source / "1"
            add_ballast(Path(name), version, slow, seconds=PASS_SECONDS)
        yield Path(name)


def _served(checkout: Path, models: Path) -> AbstractContextManager[Server]:
    return serving(SERVICE_PYTHON, checkout=checkout, models=models, workers=WORKERS, log=NOWHERE)


def measure(variant: Variant, checkout: Path, models: Path, *, seconds: float) -> Outcome:
    """Serve a checkout, and overload the server in one way."""
    allow_many_files()
    with _served(checkout, models) as server:
        capacity = _capacity(server, variant, seconds=max(4.0, seconds / 6))
        calm = _open(server, variant, rate=0.8 * capacity, seconds=max(6.0, seconds / 3))
        with Load(server.port, [_lane(variant, rate=_NORMAL_RATE)]) as normal:
            lanes = [_lane(variant, rate=TIMES * capacity), *_large_lanes(variant)]
            with Load(server.port, lanes, drain_seconds=_DRAIN_SECONDS) as load:
                begun = time.monotonic()
                time.sleep(seconds)
                ended = time.monotonic()
                answers = load.stop()
            time.sleep(_AFTER_SECONDS)
            after = normal.stop().between(ended, math.inf)
    at_80 = p99_ms(calm)
    small, large = answers.of("requests"), answers.of("large")
    refused = small.with_outcome(STATUS)
    return Outcome(
        variant=variant,
        capacity=capacity,
        at_80_ms=at_80,
        goodput=[
            (one + variant.large * another) / capacity
            for one, another in zip(
                _per_second(small, begun, ended), _per_second(large, begun, ended), strict=True
            )
        ],
        accepted_ms=p99_ms(small),
        refusal_ms=refused.percentile(0.5),
        refusals=dict(Counter(answer.status for answer in refused)),
        without_retry=sum(answer.retry_after is None for answer in refused),
        lost={name: n for name in (LOST, WRONG, UNANSWERED) if (n := answers.count(name))},
        recovery_seconds=_recovery(after, ended, MOST_P99_TIMES * at_80 / 1000),
        load_cores=load.cpu_seconds / (ended - begun),
    )


def _closed_loops(checkout: Path, models: Path) -> Iterator[Figure]:
    """Count the refusals of callers who wait for each answer: they cannot overload for long."""
    for callers in _CALLERS:
        with _served(checkout, models) as server:
            lane = _lane(VARIANTS[0], callers=callers)
            answers, begun, ended = _during(server, lane, _CLOSED_SECONDS)
        answers = answers.finished_between(begun, ended)
        name = f"{callers} callers who wait"
        yield Figure(name=f"{name}: answered", value=answers.answered / (ended - begun), unit="1/s")
        yield Figure(name=f"{name}: 99 of 100", value=p99_ms(answers), unit="ms")
        yield Figure(
            name=f"{name}: refused",
            value=answers.count(STATUS),
            unit="",
            at_most=0 if callers == _CALLERS[0] else None,
        )


def _small_requests(checkout: Path) -> Iterator[Figure]:
    """Ask the MLP of Keras' quickstart for twice what it can answer."""
    request = post("/models/mlp/predict", "image/png", picture())
    with _served(checkout, networks.prepare(checkout)) as server:
        capacity = bursts.closed(server.port, request, seconds=_CLOSED_SECONDS).answered
        outcome = bursts.opened(server.port, request, rate=2 * capacity, seconds=_CLOSED_SECONDS)
    yield Figure(name="MLP: capacity", value=capacity, unit="1/s")
    yield Figure(name="MLP at twice its capacity: sent", value=outcome.sent, unit="1/s")
    yield Figure(name="MLP at twice its capacity: answered", value=outcome.answered, unit="1/s")
    yield Figure(name="MLP at twice its capacity: refused", value=outcome.refused, unit="1/s")


def _lane(variant: Variant, **options: float) -> Lane:
    return Lane(
        name="requests",
        request=variant.request().decode("latin-1"),
        reuse=variant.reuse,
        is_random=variant.is_random,
        is_numbered=True,
        **options,  # type: ignore[arg-type]
    )


def _large_lanes(variant: Variant) -> list[Lane]:
    if not variant.large:
        return []
    request = bodies.drawn_pictures(variant.large, f"/models/{variant.model}/predict")
    return [Lane(name="large", request=request.decode(), rate=_LARGE_RATE, is_random=True)]


def _capacity(server: Server, variant: Variant, *, seconds: float) -> float:
    """Return the answers a second that callers get who wait for them."""
    lane = _lane(variant, callers=_CLOSED_CALLERS)
    answers, begun, ended = _during(server, lane, seconds)
    return sum(begun <= each.begun + each.seconds < ended for each in answers) / (ended - begun)


def _open(server: Server, variant: Variant, *, rate: float, seconds: float) -> Answers:
    answers, begun, ended = _during(server, _lane(variant, rate=rate), seconds)
    return answers.between(begun, ended)


def _during(server: Server, lane: Lane, seconds: float) -> tuple[Answers, float, float]:
    with Load(server.port, [lane]) as load:
        time.sleep(_WARM_UP_SECONDS)
        begun = time.monotonic()
        time.sleep(seconds)
        ended = time.monotonic()
        return load.stop(), begun, ended


def p99_ms(answers: Answers) -> float:
    """Return the milliseconds within which 99 of 100 answers came."""
    return answers.with_outcome(ANSWERED).percentile(0.99)


def _per_second(answers: Answers, begun: float, ended: float) -> list[int]:
    """Count the answers in each whole second but the first."""
    counts = Counter(
        int(answer.begun + answer.seconds - begun)
        for answer in answers
        if answer.outcome == ANSWERED
    )
    return [counts[second] for second in range(1, int(ended - begun))]


def _recovery(after: Answers, ended: float, usual_seconds: float) -> float:
    """Return the seconds until the last request that was not answered as usual."""
    unusual = [
        answer.begun - ended
        for answer in after
        if answer.outcome != ANSWERED or answer.seconds > usual_seconds
    ]
    return max(unusual, default=0.0)


def figures(outcome: Outcome) -> Iterator[Figure]:
    """Return what was measured beside what is promised."""
    name = f"overload, {outcome.variant.name}"
    yield Figure(name=f"{name}: capacity", value=outcome.capacity, unit="1/s")
    yield Figure(
        name=f"{name}: load's own processor time",
        value=outcome.load_cores,
        unit="cores",
        at_most=MOST_LOAD_CORES,
    )
    yield Figure(
        name=f"{name}: goodput, worst second",
        value=min(outcome.goodput),
        unit="of it",
        at_least=LEAST_GOODPUT,
    )
    yield Figure(name=f"{name}: goodput, median", value=median(outcome.goodput), unit="of it")
    yield Figure(name=f"{name}: 99 of 100 at 80 %", value=outcome.at_80_ms, unit="ms")
    yield Figure(
        name=f"{name}: 99 of 100 accepted",
        value=outcome.accepted_ms,
        unit="ms",
        at_most=MOST_P99_TIMES * outcome.at_80_ms,
    )
    yield Figure(
        name=f"{name}: refusals, median",
        value=outcome.refusal_ms,
        unit="ms",
        at_most=MOST_REFUSAL_MS,
    )
    for status, number in sorted(outcome.refusals.items()):
        yield Figure(name=f"{name}: refused with {status}", value=number, unit="")
    yield Figure(
        name=f"{name}: without Retry-After", value=outcome.without_retry, unit="", at_most=0
    )
    yield Figure(
        name=f"{name}: lost, wrong or twice",
        value=sum(outcome.lost.values()),
        unit="",
        at_most=0,
    )
    yield Figure(
        name=f"{name}: normal again after",
        value=outcome.recovery_seconds,
        unit="s",
        at_most=MOST_RECOVERY_SECONDS,
    )
