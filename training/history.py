"""What was measured after each epoch of a fit."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class History:
    """What was measured after each epoch.

    Attributes:
        measures: Values by epoch, by the measure's name; those of the validation part have "val_"
            before the name.
        kept: Number of the epoch whose weights were kept, from 1: of those that were considered,
            the one with the smallest validation loss.
        first: Number of the first epoch that was considered.
    """

    measures: Mapping[str, Sequence[float]]
    kept: int
    first: int = 1

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return len(self.measures["loss"])


def write_history(path: Path, history: History) -> None:
    """Write the measures as CSV, one epoch a line."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["epoch", *history.measures])
        columns = ([f"{value:.6g}" for value in values] for values in history.measures.values())
        for epoch, row in enumerate(zip(*columns, strict=True), start=1):
            writer.writerow([epoch, *row])
