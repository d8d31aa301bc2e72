"""Rows of a table with their values, and what is wrong with the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vitrine.errors import MAX_FAULTS, Fault
from vitrine.signature import Instances

# A fault of the row itself stands before those of its cells.
WHOLE_ROW = -1
_MAX_TOLD = 5

# Place of a row -> place of a column, or `WHOLE_ROW` -> the sentence about it.
Findings = Mapping[int, Mapping[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some consecutive rows of a table, or pictures of a body.

    Attributes:
        instances: Of the rows without faults, in order.
        rows: How many rows there are, with and without faults.
        faults: The first `MAX_FAULTS` of the block.
        fault_count: How many there are in all.
        errors: What is wrong with each faulty row, by its place in the block, ascending.
        echo: The cells of all rows and columns as text, if asked for, by the column's name. A row
            with too few or too many fields is filled up or cut.
        ignored_columns: Columns that are no input of the model.
        steps: Of pictures, what was done to decode each of the instances, in plain words.
    """

    instances: Instances
    rows: int
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0
    errors: Mapping[int, str] = field(default_factory=dict)
    echo: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignored_columns: tuple[str, ...] = ()
    steps: Sequence[tuple[str, ...]] = ()

    def steps_by_place(self) -> dict[int, tuple[str, ...]]:
        """Return the steps of each picture by its place in the block."""
        decoded = (place for place in range(self.rows) if place not in self.errors)
        return dict(zip(decoded, self.steps, strict=False))


class Summary(NamedTuple):
    """What a block says of its faults; see `Block`."""

    faults: tuple[Fault, ...]
    fault_count: int
    errors: dict[int, str]


def summarise(findings: Findings, locate: Callable[[int, int, str], Fault]) -> Summary:
    """Bring findings into the order of rows and columns.

    Args:
        findings: In any order.
        locate: Makes a fault of a row's place, a column's place and the sentence.
    """
    faults: list[Fault] = []
    errors = {}
    for row in sorted(findings):
        found = [locate(row, column, text) for column, text in sorted(findings[row].items())]
        told = [fault.detail for fault in found[:_MAX_TOLD]]
        more = [f"And {len(found) - _MAX_TOLD} more."] if len(found) > _MAX_TOLD else []
        errors[row] = " ".join(told + more)
        faults += found[: MAX_FAULTS - len(faults)]
    return Summary(tuple(faults), sum(map(len, findings.values())), errors)
