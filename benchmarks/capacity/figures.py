"""All figures of docs/capacity.md, as they are kept."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.capacity.experiments import Fleetful, Lost
from benchmarks.capacity.measuring import Holding, Served
from benchmarks.capacity.validation import Comparison
from benchmarks.machine import ROOT

FOLDER = ROOT / "docs/capacity"
KEPT = FOLDER / "figures.json"


@dataclass(slots=True, kw_only=True)
class Figures:
    """What was measured and simulated.

    Attributes:
        machine: Where it was measured.
        others: Part of all cores that other programs took during each measurement, by its name.
        validation: The simulation beside a real service.
        core: What one core answers.
        models: What a replica takes with more and more models.
        version_mb: What the shipped version of the network for digits takes on a disk.
        replica: Simulated, of one replica with more and more cores.
        fleets: Simulated, of more and more replicas behind each balancer.
        losses: Simulated, of lost replicas.
    """

    machine: str
    others: dict[str, float]
    validation: list[Comparison]
    core: list[Served]
    models: list[Holding]
    version_mb: float
    replica: list[Fleetful]
    fleets: list[Fleetful]
    losses: list[Lost]


def read(path: Path = KEPT) -> Figures:
    """Read figures that were kept."""
    return msgspec.json.decode(path.read_bytes(), type=Figures)


def keep(figures: Figures, path: Path = KEPT) -> None:
    """Keep figures, with as many digits as mean something."""
    path.parent.mkdir(exist_ok=True)
    rounded = _rounded(msgspec.to_builtins(figures))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rounded), indent=1) + b"\n")


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(member) for member in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
