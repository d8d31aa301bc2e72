"""Whether the simulation of docs/capacity.md predicts what a real service does under load."""

from collections.abc import Iterator

from benchmarks.capacity.validation import FULL, RUNS, SHORT, Comparison, Length, compare
from benchmarks.machine import Others
from tests.soak.figures import Figure

MOST_ERRORS = {0.3: 0.20, 0.6: 0.20, 0.8: 0.35}
_FEW_RUNS = 3


def some_runs() -> Iterator[Figure]:
    """Compare three short runs at each load."""
    return _compared(SHORT, _FEW_RUNS)


def all_runs() -> Iterator[Figure]:
    """Compare five runs at each load, of such a length that chance matters little."""
    return _compared(FULL, RUNS)


def _compared(length: Length, runs: int) -> Iterator[Figure]:
    others = Others()
    comparisons = compare(length, runs)
    # Where it is large, the figures say little.
    yield Figure(name="other programs took of the machine", value=others.share(), unit="of it")
    for comparison in comparisons:
        yield from _figures(comparison)


def _figures(comparison: Comparison) -> Iterator[Figure]:
    name = f"{comparison.load:.0%} load"
    times = comparison.times
    for what in ("service", "alone"):
        yield Figure(name=f"{name}: {what}", value=comparison.median(f"{what}_ms"), unit="ms")
    unanswered = sum(each.unanswered for each in times)
    yield Figure(name=f"{name}: requests", value=sum(each.requests for each in times), unit="")
    yield Figure(name=f"{name}: refused or lost", value=unanswered, unit="")
    found = {what: comparison.median(what) for what in ("measured", "replayed")}
    for what, value in (*found.items(), ("predicted", comparison.predicted_ms)):
        yield Figure(name=f"{name}: 99 of 100, {what}", value=value, unit="ms")
    yield Figure(
        name=f"{name}: a run's 99 of 100 differ by chance by", value=comparison.spread, unit="of it"
    )
    yield Figure(
        name=f"{name}: predicted differs from measured by",
        value=abs(comparison.error),
        unit="of it",
        at_most=MOST_ERRORS[comparison.load],
    )
