"""The figures as the tables of docs/capacity.md: measured, simulated, and worked out from these."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import ceil

from benchmarks.capacity.experiments import CORES_OF_REPLICA, Fleetful
from benchmarks.capacity.figures import Figures
from benchmarks.capacity.validation import LOADS, SERVICE_SECONDS
from benchmarks.peers.report import number

SIZES = (1, 10, 100, 1000)
# Of all cores: what is recommended, so that a lost replica is borne.
USED = 0.6
MANY = 100_000
_MODELS = 10
_SCRAPE_SECONDS = 15
# By default; and Amazon's price of a LIST request, S3 Standard, us-east-1.
_LOOK_SECONDS = 1
_LIST_DOLLARS = 0.005 / 1000
_OBJECTS_OF_VERSION = 12
_OBJECTS_OF_PAGE = 1000
_DAY = 86_400
_MONTH = 30 * _DAY
_CALLS = (1, 10, 100, 1000)
_SLOW = (0.01, 0.001, 0.0001)
_STARTING_AT_ONCE = 0.25


def sections(figures: Figures) -> Mapping[str, str]:
    """Write the text of each section of the page for which all was measured, by its name."""
    measured = figures.others.keys()
    return {
        name: "\n".join(write(figures))
        for name, (write, parts) in _SECTIONS.items()
        if parts <= measured
    }


def _table(*heads: str) -> Iterator[str]:
    yield _row(heads)
    yield "|" + "---|" * len(heads)


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _percent(part: float) -> str:
    return f"{100 * part:.3g} %"


# Measured.


def _core(figures: Figures) -> Iterator[str]:
    yield f"Measured: {figures.machine}; other programs took {_percent(figures.others['core'])}."
    yield ""
    loads = [f"p99 at {load:.0%}" for load in LOADS]
    yield from _table("request", "a second, at most", "CPU", "received", "sent", "log line", *loads)
    for each in figures.core:
        times = [f"{number(value)} ms" for value in each.p99_ms]
        sizes = [each.request_bytes, each.response_bytes, each.log_bytes]
        shown = [f"{number(size)} B" for size in sizes]
        yield _row([each.name, number(each.rate), f"{number(each.cpu_ms)} ms", *shown, *times])


def _models(figures: Figures) -> Iterator[str]:
    yield f"Measured: {figures.machine}; one worker, copies of the shipped network for digits."
    yield ""
    yield from _table(
        *("models", "start to ready", "worker", "its parent", "series", "a scrape", "its time")
    )
    for each in figures.models:
        yield _row(
            [
                each.models,
                f"{number(each.seconds_to_ready)} s",
                f"{number(each.worker_mb)} MB",
                f"{number(each.parent_mb)} MB",
                number(each.series),
                f"{number(each.scrape_bytes / 1000)} kB",
                f"{number(each.scrape_ms)} ms",
            ]
        )
    yield ""
    yield (
        f"Each further model takes {number(_slope(figures, 'seconds_to_ready'))} s at the start, "
        f"{number(_slope(figures, 'worker_mb'))} MB in each worker, "
        f"{number(figures.version_mb)} MB on the disk and "
        f"{number(_slope(figures, 'series'))} series."
    )


def _slope(figures: Figures, of: str) -> float:
    """Return what each further model takes, from the fewest to the most models."""
    first, last = figures.models[0], figures.models[-1]
    more: float = getattr(last, of) - getattr(first, of)
    return more / (last.models - first.models)


def _validation(figures: Figures) -> Iterator[str]:
    runs = len(figures.validation[0].times)
    others = _percent(figures.others["validation"])
    yield f"Measured: {figures.machine}; medians of {runs} runs; other programs took {others}."
    yield ""
    yield from _table(
        *("load", "service time", "alone", "requests", "measured p99", "predicted p99", "error"),
        *("replayed p99", "runs differ by chance by"),
    )
    for each in figures.validation:
        yield _row(
            [
                f"{each.load:.0%}",
                f"{number(each.median('service_ms'))} ms",
                f"{number(each.median('alone_ms'))} ms",
                number(sum(times.requests for times in each.times)),
                f"{number(each.median('measured'))} ms",
                f"{number(each.predicted_ms)} ms",
                f"{100 * each.error:+.0f} %",
                f"{number(each.median('replayed'))} ms",
                f"{100 * each.spread:.0f} %",
            ]
        )
    yield ""
    what = "The predicted 99th percentile at three loads, beside that of each measured run"
    yield f"![{what}](capacity/validation.png)"


# Simulated.


def _replica(figures: Figures) -> Iterator[str]:
    yield f"Simulated: one replica, a worker for each core, requests of {_service_ms()} ms."
    yield ""
    yield from _table("cores", *(f"p99 at {load:.0%}" for load in LOADS))
    for each in figures.replica:
        yield _row([each.cores, *_times(each)])


def _fleets(figures: Figures) -> Iterator[str]:
    yield (
        f"Simulated: replicas of {CORES_OF_REPLICA} cores and {CORES_OF_REPLICA} workers, "
        f"requests of {_service_ms()} ms."
    )
    yield ""
    yield from _table(
        "cores", "replicas", "balancer chooses", *(f"p99 at {load:.0%}" for load in LOADS)
    )
    for each in figures.fleets:
        yield _row([number(each.cores), each.replicas, each.balancer, *_times(each)])
    yield ""
    what = "The 99th percentile by the number of cores, for each balancer, at three loads"
    yield f"![{what}](capacity/sizes.png)"


def _times(each: Fleetful) -> Iterator[str]:
    for value, refused in zip(each.p99_ms, each.refused, strict=True):
        yield f"{number(value)} ms" + (f", {_percent(refused)} refused" if refused else "")


def _losses(figures: Figures) -> Iterator[str]:
    yield f"Simulated: requests of {_service_ms()} ms; a loss is noticed after ten seconds."
    yield ""
    yield from _table(
        *("replicas", "lost", "balancer chooses", "load", "fail until noticed", "load after"),
        *("p99 before", "p99 after", "refused after"),
    )
    for each in figures.losses:
        yield _row(
            [
                each.replicas,
                each.lost,
                each.balancer,
                f"{each.load:.0%}",
                _percent(each.failed),
                f"{each.load_after:.0%}",
                f"{number(each.p99_before_ms)} ms",
                f"{number(each.p99_after_ms)} ms",
                _percent(each.refused_after),
            ]
        )


def _service_ms() -> str:
    return f"{1000 * SERVICE_SECONDS:.0f}"


# Worked out.


def _sizes(figures: Figures) -> Iterator[str]:
    yield (
        f"Worked out, but for the simulated p99: {USED:.0%} load, replicas of {CORES_OF_REPLICA} "
        f"cores, {_MODELS} models of two versions each, all of which are asked."
    )
    yield ""
    yield from _table("", *(f"{_count(size, 'core')}" for size in SIZES))
    for name, cells in _rows_of_sizes(figures):
        yield _row([name, *cells])


def _rows_of_sizes(figures: Figures) -> Iterator[tuple[str, list[str]]]:
    replicas = {size: max(1, size // CORES_OF_REPLICA) for size in SIZES}
    yield "replicas", [number(replicas[size]) for size in SIZES]
    for each in figures.core:
        yield (
            f"requests a second: {each.name}",
            [number(USED * size * each.rate) for size in SIZES],
        )
    slow = f"requests a second: a network of {_service_ms()} ms"
    yield slow, [number(USED * size / SERVICE_SECONDS) for size in SIZES]
    for balancer in ("by chance", "fewest requests of two"):
        times = [_p99(figures, size, balancer) for size in SIZES]
        yield f"p99 of these, balancer chooses {balancer}", times
    picture = figures.core[0]
    rates = [USED * size * picture.rate for size in SIZES]
    received, sent = picture.request_bytes, picture.response_bytes
    name = f"of {picture.name}"
    yield f"received, {name}", [f"{number(8e-6 * rate * received)} Mbit/s" for rate in rates]
    yield f"sent, {name}", [f"{number(8e-6 * rate * sent)} Mbit/s" for rate in rates]
    daily = [1e-9 * rate * picture.log_bytes * _DAY for rate in rates]
    yield f"log, {name}", [f"{number(gigabytes)} GB a day" for gigabytes in daily]
    versions = 2 * _MODELS
    first = figures.models[0]
    series = first.series + (versions - 1) * _slope(figures, "series")
    yield "series in Prometheus", [number(series * replicas[size]) for size in SIZES]
    samples = [series * replicas[size] / _SCRAPE_SECONDS for size in SIZES]
    yield f"samples, a scrape in {_SCRAPE_SECONDS} s", [f"{number(n)} a second" for n in samples]
    worker = first.worker_mb + (versions - 1) * _slope(figures, "worker_mb")
    memory = [(first.parent_mb * replicas[size] + worker * size) / 1000 for size in SIZES]
    yield "memory", [f"{number(gigabytes)} GB" for gigabytes in memory]
    pages = ceil(versions * _OBJECTS_OF_VERSION / _OBJECTS_OF_PAGE)
    listed = [pages * replicas[size] / _LOOK_SECONDS for size in SIZES]
    yield "lists of an S3 store, a look each second", [f"{number(n)} a second" for n in listed]
    dollars = [n * _LIST_DOLLARS * _MONTH for n in listed]
    yield "their price", [f"{number(each)} dollars a month" for each in dollars]
    fetched = [versions * figures.version_mb * replicas[size] / 1000 for size in SIZES]
    yield "fetched when all start anew", [f"{number(gigabytes)} GB" for gigabytes in fetched]
    start = first.seconds_to_ready + (versions - 1) * _slope(figures, "seconds_to_ready")
    turns = [_turns(replicas[size]) for size in SIZES]
    yield (
        "rolling update, a quarter at a time",
        [f"{number(start * turn)} s" for turn in turns],
    )
    yield "load after the loss of one replica", [_load_without(replicas[size], 1) for size in SIZES]
    zones = [_load_without(replicas[size], ceil(replicas[size] / 3)) for size in SIZES]
    yield "load after the loss of one zone of three", zones


def _load_without(replicas: int, lost: int) -> str:
    if lost == replicas:
        return "all is lost"
    return _percent(USED * replicas / (replicas - lost))


def _turns(replicas: int) -> int:
    return ceil(replicas / max(1, int(_STARTING_AT_ONCE * replicas)))


def _p99(figures: Figures, cores: int, balancer: str) -> str:
    """Return the simulated p99 at the load that is recommended; one core has no balancer."""
    index = LOADS.index(USED)
    found = [each for each in figures.fleets if (each.cores, each.balancer) == (cores, balancer)]
    alone = [each for each in figures.replica if each.cores == cores]
    return f"{number((found or alone)[0].p99_ms[index])} ms"


def _many(figures: Figures) -> Iterator[str]:
    yield f"Worked out: {number(MANY)} requests a second at {USED:.0%} load."
    yield ""
    yield from _table("request", "cores", "replicas", "received", "sent", "log", "a worker's share")
    for each in figures.core:
        sizes = each.request_bytes, each.response_bytes, each.log_bytes
        yield _cores_for(each.name, 1 / each.rate, *sizes)
    picture = figures.core[0]
    sizes = picture.request_bytes, picture.response_bytes, picture.log_bytes
    yield _cores_for(f"a picture to a network of {_service_ms()} ms", SERVICE_SECONDS, *sizes)


def _cores_for(name: str, seconds: float, received: float, sent: float, logged: float) -> str:
    cores = ceil(MANY * seconds / USED)
    return _row(
        [
            name,
            number(cores),
            number(ceil(cores / CORES_OF_REPLICA)),
            f"{number(8e-9 * MANY * received)} Gbit/s",
            f"{number(8e-9 * MANY * sent)} Gbit/s",
            f"{number(1e-12 * MANY * logged * _DAY)} TB a day",
            f"{number(MANY / cores)} a second",
        ]
    )


def _tail(_: Figures) -> Iterator[str]:
    yield "Worked out: the part of the pages that wait for at least one slow answer."
    yield ""
    yield from _table("calls of a page", *(f"{_percent(slow)} are slow" for slow in _SLOW))
    for calls in _CALLS:
        yield _row([number(calls), *(_percent(1 - (1 - slow) ** calls) for slow in _SLOW)])


def _count(number_of: int, what: str) -> str:
    return f"{number(number_of)} {what}{'s' if number_of > 1 else ''}"


# What writes each section, and the parts of the measurement that it shows.
_SECTIONS: Mapping[str, tuple[Callable[[Figures], Iterator[str]], set[str]]] = {
    "core": (_core, {"core"}),
    "models": (_models, {"models"}),
    "validation": (_validation, {"validation"}),
    "replica": (_replica, {"simulation"}),
    "fleets": (_fleets, {"simulation"}),
    "losses": (_losses, {"simulation"}),
    "sizes": (_sizes, {"core", "models", "simulation"}),
    "many": (_many, {"core"}),
    "tail": (_tail, set()),
}
