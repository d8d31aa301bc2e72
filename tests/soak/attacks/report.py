"""All attacks, one after the other, and the table of what others noticed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.servers import ROOT
from tests.soak.attacks.catalogue import ATTACKS, Attack
from tests.soak.attacks.measuring import (
    LEFT_AFTER_SECONDS,
    MOST_GROWTH_MB,
    MOST_LEFT_MB,
    MOST_PROBE_MS,
    NORMAL,
    PROBES,
    Outcome,
    measure,
)
from tests.soak.figures import Figure

_HEAD = (
    "| attack | picture, ms: alone | with it | larger picture: alone | with it | row: alone "
    "| with it | answered | /livez | /readyz | /metrics | memory, MB: idle | more | left | load "
    "| breaks |"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How long each attack is measured, in seconds."""

    calm_seconds: float
    seconds: float


REDUCED = Sizes(calm_seconds=4, seconds=8)
FULL = Sizes(calm_seconds=10, seconds=20)


def essential_attacks(checkout: Path = ROOT) -> Iterator[Figure]:
    """Measure the most telling attacks, for a short time each."""
    essential = [attack for attack in ATTACKS.values() if attack.is_essential]
    return _measured(essential, checkout, REDUCED)


def all_attacks(checkout: Path = ROOT) -> Iterator[Figure]:
    """Measure every attack."""
    return _measured(ATTACKS.values(), checkout, FULL)


def _measured(attacks: Iterable[Attack], checkout: Path, sizes: Sizes) -> Iterator[Figure]:
    """Measure attacks; what was measured is also kept as a table."""
    outcomes = []
    for attack in attacks:
        outcome = measure(attack, checkout, calm_seconds=sizes.calm_seconds, seconds=sizes.seconds)
        outcomes.append(outcome)
        yield from figures(outcome)
    print(f"as a table in {_keep(outcomes)}")


def _keep(outcomes: Iterable[Outcome]) -> Path:
    path = ROOT / "results" / f"attacks-{datetime.now(UTC):%Y%m%d-%H%M%S}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*lines(outcomes), ""]))
    return path


def figures(outcome: Outcome) -> Iterator[Figure]:
    """Return what was measured of an attack beside what is promised."""
    name = outcome.attack.name
    for kind in NORMAL:
        yield Figure(name=f"{name}: {kind}, alone", value=outcome.calm_ms[kind], unit="ms")
        yield Figure(
            name=f"{name}: with it",
            value=outcome.during_ms[kind],
            unit="ms",
            at_most=outcome.bound_ms(kind),
        )
    for path in PROBES:
        yield Figure(
            name=f"{name}: {path}, 99 of 100",
            value=outcome.probes_ms[path],
            unit="ms",
            at_most=MOST_PROBE_MS,
        )
    yield Figure(
        name=f"{name}: memory, more than idle",
        value=outcome.growth_mb,
        unit="MB",
        at_most=MOST_GROWTH_MB,
    )
    yield Figure(
        name=f"{name}: left of it within {LEFT_AFTER_SECONDS} s",
        value=outcome.left_mb,
        unit="MB",
        at_most=MOST_LEFT_MB,
    )


def lines(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Write a table of Markdown, line by line."""
    yield _HEAD
    yield "|---" + "|---:" * (_HEAD.count("|") - 3) + "|---|"
    for outcome in outcomes:
        yield line(outcome)


def line(outcome: Outcome) -> str:
    """Write one line of the table."""
    cells = [
        outcome.attack.what,
        *(
            f"{milliseconds[kind]:.0f}"
            for kind in NORMAL
            for milliseconds in (outcome.calm_ms, outcome.during_ms)
        ),
        f"{100 * outcome.answered:.0f} %",
        *(f"{outcome.probes_ms[path]:.0f}" for path in PROBES),
        f"{outcome.idle_mb:.0f}",
        f"{outcome.growth_mb:.0f}",
        f"{outcome.left_mb:.0f} ({outcome.left_after_seconds:.0f} s)",
        f"{outcome.load:.1f}",
        ", ".join(outcome.faults),
    ]
    return f"| {' | '.join(cells)} |"
