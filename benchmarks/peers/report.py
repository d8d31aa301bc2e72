"""What came out: medians over the rounds, as a table to read and as JSON to keep."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.peers.cases import CASES, Case
from benchmarks.peers.measuring import Sample

OURS, THROUGH_FLASK, BEFORE = "vitrine", "vitrine-flask", "before"
_OWN = {OURS, THROUGH_FLASK, BEFORE}
_FIGURES = ("rate", "p50_ms", "p99_ms", "cpu_microseconds", "load_cpu_share", "others_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a start took, and what the server held after a first load.

    Attributes:
        server: Name of the server.
        network: Name of the network that was served.
        round: Number of the round.
        seconds: From the start to the first right answer.
        cpu_seconds: Processor time until then.
        megabytes: Proportional memory of all its processes after the load of its first case.
        processes: Number of its processes.
    """

    server: str
    network: str
    round: int
    seconds: float
    cpu_seconds: float
    megabytes: float
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All that was measured in one run.

    Attributes:
        seconds: How long each load took.
        workers: Number of processes that computed in each server.
        machine: Where it was measured.
        versions: Of the servers' packages, by the servers' names.
        titles: Of the servers, by their names, in the order of the tables.
        samples: Of the load.
        starts: Of the servers.
        skipped: Why a server is missing, by its name.
    """

    seconds: float
    workers: int
    machine: str
    versions: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


Cell = dict[str, float]  # medians by the names of `_FIGURES`, and the number of failures
Medians = dict[tuple[str, str, int], Cell]  # by server, case and number of connections


def medians(samples: Iterable[Sample]) -> Medians:
    """Return the median of each figure over the rounds, and the sum of the failures."""
    groups: dict[tuple[str, str, int], list[Sample]] = {}
    for sample in samples:
        key = (sample.server, sample.case, sample.connections)
        groups.setdefault(key, []).append(sample)
    return {
        key: {name: median(getattr(sample, name) for sample in group) for name in _FIGURES}
        | {"failed": float(sum(sample.failed for sample in group))}
        for key, group in groups.items()
    }


def write(results: Results, pictures: Mapping[str, str] | None = None) -> str:
    """Write a table for each case that was measured, and one of memory and starts.

    Args:
        results: What was measured.
        pictures: Addresses of the plots, by the names of the cases.
    """
    found = medians(results.samples)
    parts = [_heading(results)]
    for case in CASES:
        if any(key[1] == case.name for key in found):
            parts.append(f"### {case.title}")
            if pictures and case.name in pictures:
                parts.append(f"![{case.title}]({pictures[case.name]})")
            parts.append(_case_table(results, found, case))
            parts += _comparisons(results, found, case)
    parts.append(f"### Start and memory\n\n{_start_table(results)}")
    some = [f"{results.titles.get(name, name)}: {text}" for name, text in results.versions.items()]
    parts.append("Versions: " + "; ".join(some) + "." if some else "")
    parts += [f"{name} was left out: {reason}" for name, reason in results.skipped.items()]
    return "\n\n".join(filter(None, parts)) + "\n"


def _heading(results: Results) -> str:
    rounds = max((sample.round for sample in results.samples), default=0)
    loads = [sample.load_cpu_share for sample in results.samples if sample.connections]
    others = [sample.others_share for sample in results.samples]
    return (
        f"{results.machine}; {results.workers} workers; medians of {rounds} rounds of "
        f"{results.seconds:g} s. The load generator took up to {max(loads, default=0):.0%} of one "
        f"core, other programs {median(others or [0]):.0%} of the machine."
    )


def _case_table(results: Results, found: Medians, case: Case) -> str:
    columns = case.connections or (0,)
    what = "rows" if not case.connections else "pictures" if case.instances > 1 else "requests"
    unit = {"rows": "row", "pictures": "picture", "requests": "request"}[what]
    heads = [_connections(number, what) for number in columns]
    rows = []
    for name, title in results.titles.items():
        cells = [found.get((name, case.name, number)) for number in columns]
        if any(cells):
            rows.append([title, *(_rate(cell, case) for cell in cells)])
            rows[-1] += [_cpu(cell) for cell in cells[-2:]]
    cpu = [f"CPU a {unit}" + (f", {number}" if number else "") for number in columns[-2:]]
    return _table(["", *heads, *cpu], rows)


def _connections(number: int, what: str) -> str:
    if not number:
        return f"{what} a second"
    return f"{number} connection{'s' if number > 1 else ''}: {what} a second, p50 / p99"


def _comparisons(results: Results, found: Medians, case: Case) -> Iterator[str]:
    """Say how many times as fast, and as dear, this service is as the best of the others."""
    connections = case.connections or (0,)
    ours = [found.get((OURS, case.name, each)) for each in connections]
    for what, names in _others(results):
        theirs = [
            [cell for name in names if (cell := found.get((name, case.name, each)))]
            for each in connections
        ]
        pairs = [(own, cells) for own, cells in zip(ours, theirs, strict=True) if own and cells]
        if not pairs:
            continue
        rates = [own["rate"] / max(cell["rate"] for cell in cells) for own, cells in pairs]
        times = [own["p50_ms"] / min(cell["p50_ms"] for cell in cells) for own, cells in pairs]
        costs = [
            own["cpu_microseconds"] / min(cell["cpu_microseconds"] for cell in cells)
            for own, cells in pairs
        ]
        parts = [f"rate {_ratios(rates)}", f"median time {_ratios(times)}", f"CPU {_ratios(costs)}"]
        if not case.connections:  # the others get the rows in smaller requests
            del parts[1]
        yield f"{results.titles[OURS]}, divided by {what}: {'; '.join(parts)}."


def _others(results: Results) -> Iterator[tuple[str, list[str]]]:
    others = [name for name in results.titles if name not in _OWN]
    yield "the best of the others in each", others
    if BEFORE in results.titles:
        yield results.titles[BEFORE], [BEFORE]


def _ratios(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _rate(cell: Cell | None, case: Case) -> str:
    if cell is None:
        return "-"
    shown = f"{number(cell['rate'])}"
    if case.connections:
        shown += f", {number(cell['p50_ms'])} / {number(cell['p99_ms'])} ms"
    return shown + (f", **{cell['failed']:.0f} failed**" if cell["failed"] else "")


def _cpu(cell: Cell | None) -> str:
    return "-" if cell is None else f"{number(cell['cpu_microseconds'])} µs"


def number(value: float) -> str:
    """Write three digits, and thousands with a space."""
    if value >= 100:
        return f"{round(value, -max(0, len(str(int(value))) - 3)):,.0f}".replace(",", " ")
    return f"{value:.3g}"


def _start_table(results: Results) -> str:
    heads = ["", "network", "start to first answer", "CPU until then", "memory (PSS)", "processes"]
    rows = []
    for name, title in results.titles.items():
        networks = dict.fromkeys(one.network for one in results.starts if one.server == name)
        for network in networks:
            some = [one for one in results.starts if (one.server, one.network) == (name, network)]
            rows.append([title, network, *_start_cells(some)])
    return _table(heads, rows)


def _start_cells(starts: Sequence[Start]) -> list[str]:
    def middle(of: Callable[[Start], float]) -> float:
        return median(map(of, starts))

    return [
        f"{middle(lambda one: one.seconds):.2f} s",
        f"{middle(lambda one: one.cpu_seconds):.2f} s",
        f"{middle(lambda one: one.megabytes):.0f} MB",
        f"{middle(lambda one: one.processes):.0f}",
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def keep(results: Results) -> Path:
    """Write all that was measured under results/."""
    return machine.keep("peers", asdict(results))


def read(record: Mapping[str, Any]) -> Results:
    """Read what was kept."""
    return Results(
        machine=record["machine"],
        versions=record["versions"],
        titles=record["titles"],
        samples=[Sample(**sample) for sample in record["samples"]],
        starts=[Start(**start) for start in record["starts"]],
        skipped=record["skipped"],
        seconds=record["seconds"],
        workers=record["workers"],
    )
