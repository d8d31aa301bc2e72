"""Columns of a data frame, or of arrays -> a block of instances."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import Fault, InvalidInstances
from vitrine.signature import ColumnSpec, Dialect, NumberInput
from vitrine.tables.blocks import Block
from vitrine.tables.numbers import round_to_float32
from vitrine.tables.parsed import ParsedColumn
from vitrine.tables.rows import decode_rows, dialect_of_cells, parse_values


@dataclass(frozen=True, slots=True)
class CodedTexts(Sequence[object]):
    """The texts of a column, each of which is kept once.

    Attributes:
        texts: The different texts; None for a blank.
        codes: Index of each cell's text among them.
    """

    texts: Sequence[str | None]
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> str | None: ...
    @overload
    def __getitem__(self, index: slice) -> "CodedTexts": ...
    def __getitem__(self, index: int | slice) -> "str | CodedTexts | None":
        if isinstance(index, slice):
            return CodedTexts(self.texts, self.codes[index])
        return self.texts[int(self.codes[index])]

    def __iter__(self) -> Iterator[str | None]:
        return map(self.texts.__getitem__, self.codes.tolist())


# Values of one column: numbers as an array, anything else as a list of cells.
Values = NDArray[Any] | Sequence[object]


def decode_columns(
    columns: Mapping[str, Values],
    specs: Sequence[ColumnSpec],
    dialect: Dialect | None = None,
    *,
    ignored: Sequence[str] = (),
    first: int = 0,
) -> Block:
    """Turn columns of one length into instances.

    A cell means what it means as a member of a JSON row: None and NaN are missing, a text is read
    like a cell of a CSV file.

    Args:
        columns: Values by the name of the column; each is an array of numbers or a list of cells.
        specs: The columns of the model.
        dialect: Dialect of the training file; None for decimal points.
        ignored: Names of columns that the model does not have.
        first: Number of the first instance, for what is said about its faults.

    Raises:
        InvalidInstances: The columns differ in length.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        detail = f"All columns must have one length. Received: {lengths}."
        raise InvalidInstances([Fault(detail=detail)])
    known = [spec for spec in specs if spec.name in columns]
    cells = {name: () if _is_numeric(values) else values for name, values in columns.items()}
    marks = dialect_of_cells(cells, known, dialect)
    parsed = {spec.name: _parse(spec, columns[spec.name], marks) for spec in known}
    if len(parsed) < len(specs) or any(column.faults for column in parsed.values()):
        rows = _rows(columns, ignored)
        return decode_rows(rows, specs, dialect, first=first)
    return Block(
        instances={name: column.values for name, column in parsed.items()},
        rows=next(iter(lengths.values()), 0),
        ignored_columns=tuple(ignored),
    )


def _parse(spec: ColumnSpec, values: Values, dialect: Dialect) -> ParsedColumn:
    if isinstance(spec, NumberInput) and _is_numeric(values):
        return round_to_float32(np.asarray(values, np.float64))
    if isinstance(values, CodedTexts):
        distinct = parse_values(spec, values.texts, dialect)
        return ParsedColumn(distinct.values[values.codes], distinct.faults)
    return parse_values(spec, _cells(values), dialect)


def _is_numeric(values: Values) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind in "fiu"


def _cells(values: Values) -> list[object]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _rows(columns: Mapping[str, Values], ignored: Sequence[str]) -> list[dict[str, object]]:
    """Turn columns into rows of JSON, which name what is missing or wrong, but slowly."""
    cells = [_cells(values) for values in columns.values()]
    others = dict.fromkeys(ignored)
    rows = [{**others, **dict(zip(columns, row, strict=True))} for row in zip(*cells, strict=True)]
    # Without a single column of the model, the first row stands for all.
    return rows if columns else [dict[str, object](others)]
