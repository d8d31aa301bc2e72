"""The rows of a table, or the pictures of a body, with their values and their faults."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vitrine.errors import MAX_FAULTS, Fault
from vitrine.signature import Instances

# Stands for the index of a column where the row itself has a fault. It is less than every index, so
# that such a fault comes before those of the row's cells.
WHOLE_ROW = -1
_MAX_LISTED = 5

# Index of a row -> index of a column, or `WHOLE_ROW` -> what is wrong with that cell or row.
CellFaults = Mapping[int, Mapping[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive rows of a table, or consecutive pictures of a body.

    Attributes:
        instances: Values of the rows, or pictures, that have no fault, in order.
        rows: Number of rows, or pictures, with and without faults.
        faults: First faults of the block, up to `MAX_FAULTS`.
        fault_count: Number of all faults of the block.
        errors: Index of each faulty row in the block -> the sentences about it, in order.
        echo: Name of each column -> its cells as text, None for a blank of Arrow; empty where no
            echo was requested. A row with too few fields is filled with empty ones; one with too
            many is cut.
        ignored_columns: Names of the columns that are no input of the model.
        steps: What was done to decode each picture of `instances`, in plain words.
        count_frames: Functions that count the frames of each picture's file, of which the first was
            decoded.
        line_of: Function from the index of a row to the line of the CSV file on which it starts;
            None where there are no lines.
    """

    instances: Instances
    rows: int
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0
    errors: Mapping[int, str] = field(default_factory=dict)
    echo: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    ignored_columns: tuple[str, ...] = ()
    steps: Sequence[tuple[str, ...]] = ()
    count_frames: Sequence[Callable[[], int]] = ()
    line_of: Callable[[int], int] | None = None

    def steps_by_index(self) -> dict[int, tuple[str, ...]]:
        """Return the steps of each decoded picture by the picture's index in the block."""
        decoded = (index for index in range(self.rows) if index not in self.errors)
        return dict(zip(decoded, self.steps, strict=False))


class FaultSummary(NamedTuple):
    """The faults of a block, as `Block` has them."""

    faults: tuple[Fault, ...]
    fault_count: int
    errors: dict[int, str]


def summarise_faults(
    cell_faults: CellFaults, locate: Callable[[int, int, str], Fault]
) -> FaultSummary:
    """Bring the faults of cells into the order of rows and columns.

    Args:
        cell_faults: Faults in any order.
        locate: Function from the index of a row, the index of a column and what is wrong there to
            a fault.
    """
    faults: list[Fault] = []
    errors = {}
    for row in sorted(cell_faults):
        of_row = [locate(row, column, text) for column, text in sorted(cell_faults[row].items())]
        errors[row] = _sentences(of_row)
        faults += of_row[: MAX_FAULTS - len(faults)]
    return FaultSummary(tuple(faults), sum(map(len, cell_faults.values())), errors)


def _sentences(faults: Sequence[Fault]) -> str:
    sentences = [fault.detail for fault in faults[:_MAX_LISTED]]
    if len(faults) > _MAX_LISTED:
        sentences.append(f"This row has {len(faults) - _MAX_LISTED} more faults.")
    return " ".join(sentences)
