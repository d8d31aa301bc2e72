"""A table read, split, and described to the user."""

from collections.abc import Mapping

import numpy as np

from training.cards.input_table import input_kind
from training.datasets.leaks import find_leaking_columns
from training.datasets.tables import TableParts, load_table
from training.experiments.tables.config import TableConfig
from training.progress import console, stretch


def read(config: TableConfig) -> TableParts:
    """Read the file and split it.

    Raises:
        CannotTrain: The file cannot be read, or does not hold what is needed.
    """
    with stretch(f"Reading {config.file.name}"):
        return load_table(
            config.file,
            config.targets,
            config.overrides,
            seed=config.seed,
            split=config.split,
            task=config.task,
        )


def find_leaks(parts: TableParts, *, seed: int) -> dict[str, str]:
    """Return the columns that give a target away, with how they do so."""
    y = parts.train.y
    if parts.target.task == "multiclass":
        y = np.eye(len(parts.target.labels))[y]
    targets = y.reshape(len(y), -1).T.astype(np.float64)
    leaks: dict[str, str] = {}
    text, total = "Looking for columns that give the target away", len(targets) * len(parts.specs)
    with stretch(text, total=total) as advance:
        for target in targets:
            found = find_leaking_columns(parts.train.instances, target, seed=seed, advance=advance)
            leaks = {**found, **leaks}
    return leaks


def describe_table(parts: TableParts, leaks: Mapping[str, str]) -> None:
    """Tell the user what is in the table, before anything is learned from it."""
    if parts.header_line > 1:
        console.print(f"The header is on line {parts.header_line}; what is above it is left out.")
    labels = f": {', '.join(parts.target.labels)}" if parts.target.labels else ""
    console.print(f"Target: {parts.target.name} ({parts.target.task}{labels})", markup=False)
    if parts.hint:
        console.print(parts.hint, markup=False)
    for note in parts.notes:
        console.print(note, markup=False)
    inputs = ", ".join(f"{spec.name} ({input_kind(spec)})" for spec in parts.specs)
    console.print(f"Inputs: {inputs}", markup=False)
    for name, reason in parts.left_out.items():
        console.print(f"Not an input: {name} ({reason})", markup=False)
    for name, reason in leaks.items():
        _warn_of_leak(name, reason)
    if parts.unusable:
        console.print(f"Rows without a target, which are not used: {parts.unusable}")


def _warn_of_leak(name: str, reason: str) -> None:
    console.print(
        f"Warning: {name} {reason}. It is a likely leak. Leave it out with --ignore if it is not "
        "known at the time of a prediction.",
        style="bold yellow",
        markup=False,
    )
