"""Rows as JSON objects -> a block of instances."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import Fault, misspelt, shown
from vitrine.signature import ColumnSpec, Dialect, NumberInput
from vitrine.tables.blocks import WHOLE_ROW, Block, summarise_faults
from vitrine.tables.cells import parse
from vitrine.tables.header_faults import MAX_COMPARED
from vitrine.tables.notation import best_notation
from vitrine.tables.numbers import round_to_float32
from vitrine.tables.parsed import ParsedColumn
from vitrine.tables.spelling import known_names

_ABSENT = object()
# A row with more unknown members than this has no column written in another way among the others.
_MAX_UNKNOWN = 1000
_NUMBERS = frozenset({int, float})
# All numbers up to it are finite in float32.
_LARGEST = float(np.finfo(np.float32).max)
_NAMES: dict[type, str] = {list: "an array", dict: "an object", type(None): "null"}


def decode_rows(
    instances: Sequence[object],
    columns: Sequence[ColumnSpec],
    dialect: Dialect | None = None,
    *,
    first: int = 0,
) -> Block:
    """Turn rows, as JSON gives them, into instances.

    A row is an object with a value for every column. Null is a blank; a column that is not there is
    a fault. A text is read like a cell of a CSV file: of the training file, or, where that reads
    more of the texts, of a file with decimal points. The code of a category may be a number or a
    boolean.

    Args:
        instances: The rows.
        columns: The columns of the model.
        dialect: Dialect of the training file; None for decimal points.
        first: Number of the first instance, for what is said about its faults.
    """
    # 1. A row that is no object has that one fault.
    indices = [index for index, row in enumerate(instances) if isinstance(row, dict)]
    names = {spec.name for spec in columns}
    rows = [_with_known_names(row, names) for row in instances if isinstance(row, dict)]
    faults: dict[int, dict[int, str]] = defaultdict(dict)
    if len(rows) < len(instances):
        for index, row in enumerate(instances):
            if not isinstance(row, dict):
                faults[index][WHOLE_ROW] = f"must be an object. Received: {_shown(row)}."
    # 2. Parse the other rows column by column, those of nothing but numbers together.
    unknown = _unknown_names(rows, names)
    cells_of = {spec.name: [row.get(spec.name, _ABSENT) for row in rows] for spec in columns}
    lacking = [name for name, cells in cells_of.items() if _ABSENT in cells]
    alike = misspelt(lacking[:MAX_COMPARED], unknown[:MAX_COMPARED]) if unknown else {}
    marks = dialect_of_cells(cells_of, columns, dialect)
    numbers = _plain_numbers(columns, cells_of)
    values = {}
    for column, spec in enumerate(columns):
        cells = cells_of[spec.name]
        if spec.name in numbers:
            values[spec.name] = numbers[spec.name]
            continue
        parsed = _parse(spec, cells, marks)
        for cell, rule in parsed.faults.items():
            faults[indices[cell]][column] = (
                _missing(alike.get(spec.name), rows[cell])
                if cells[cell] is _ABSENT
                else f"{rule}. Received: {_shown(cells[cell])}."
            )
        values[spec.name] = parsed.values
    if not faults:
        return Block(instances=values, rows=len(instances), ignored_columns=unknown)
    # 3. Keep the rows without a fault.
    is_good = np.array([index not in faults for index in indices], np.bool_)
    summary = summarise_faults(faults, partial(_locate, [spec.name for spec in columns], first))
    return Block(
        instances={name: column[is_good] for name, column in values.items()},
        rows=len(instances),
        faults=summary.faults,
        fault_count=summary.fault_count,
        errors=summary.errors,
        ignored_columns=unknown,
    )


def _plain_numbers(
    columns: Sequence[ColumnSpec], cells_of: Mapping[str, Sequence[object]]
) -> dict[str, NDArray[Any]]:
    """Round the columns that hold nothing but numbers; none if one is not finite in float32.

    A request of one row takes one step of NumPy for all of them, and not one for each.
    """
    names = [
        spec.name
        for spec in columns
        if isinstance(spec, NumberInput) and _NUMBERS.issuperset(map(type, cells_of[spec.name]))
    ]
    try:
        numbers = np.array([cells_of[name] for name in names], np.float64)
    except OverflowError:  # an integer beyond float64
        return {}
    # Comparing is faster than silencing the warning of an overflow. NaN is not within, either.
    is_within = bool((np.abs(numbers) <= _LARGEST).all())
    return dict(zip(names, numbers.astype(np.float32), strict=True)) if is_within else {}


def _missing(alike: str | None, row: Mapping[str, object]) -> str:
    """Say that a member is missing, and which one of the row may be meant."""
    return f"is missing. The row has {shown(alike)}: rename it." if alike in row else "is missing."


def _with_known_names(row: dict[str, object], known: set[str]) -> dict[str, object]:
    """Give members the names of columns whose accents are written in another way."""
    if row.keys() <= known:
        return row
    names = known_names(
        set(islice((name for name in row if name not in known), _MAX_UNKNOWN)), known
    )
    if not names:
        return row
    renamed = {names.get(name, name): value for name, value in row.items()}
    return renamed | {name: row[name] for name in row.keys() & known}


def _unknown_names(rows: Sequence[Mapping[str, object]], known: set[str]) -> tuple[str, ...]:
    """List the names that are no columns, in the order of their first appearance."""
    unknown: dict[str, None] = {}
    for row in rows:
        if not row.keys() <= known:
            unknown.update((name, None) for name in row if name not in known)
            if len(unknown) > _MAX_UNKNOWN:
                break
    return tuple(unknown)


def dialect_of_cells(
    table: Mapping[str, Iterable[object]], columns: Sequence[ColumnSpec], dialect: Dialect | None
) -> Dialect:
    """Return the dialect in which texts of numbers are read.

    Args:
        table: Values of the columns by name.
        columns: The columns of the model.
        dialect: Dialect of the training file; None for decimal points.
    """
    if dialect is None or (dialect.decimal, dialect.thousands) == (".", ""):
        return Dialect()
    numbers = [table[spec.name] for spec in columns if isinstance(spec, NumberInput)]
    texts = [cell for cells in numbers for cell in cells if isinstance(cell, str)]
    return best_notation(texts, [dialect, Dialect()])


def parse_values(spec: ColumnSpec, cells: Sequence[object], dialect: Dialect) -> ParsedColumn:
    """Parse values that may be texts or not; a number has a decimal point in every dialect."""
    texts = [cell_text(cell) for cell in cells]
    if not isinstance(spec, NumberInput) or dialect.decimal == ".":
        return parse(spec, texts, dialect)
    is_text = np.array([isinstance(cell, str) for cell in cells], np.bool_)
    as_texts = parse(spec, texts, dialect)
    as_numbers = parse(spec, texts, Dialect())
    faults = {
        **{index: rule for index, rule in as_numbers.faults.items() if not is_text[index]},
        **{index: rule for index, rule in as_texts.faults.items() if is_text[index]},
    }
    return ParsedColumn(np.where(is_text, as_texts.values, as_numbers.values), faults)


def _parse(spec: ColumnSpec, cells: Sequence[object], dialect: Dialect) -> ParsedColumn:
    if isinstance(spec, NumberInput) and _NUMBERS.issuperset(map(type, cells)):
        try:
            return round_to_float32(np.array(cells, np.float64))
        except OverflowError:  # an integer beyond float64, which becomes a fault below
            pass
    parsed = parse_values(spec, cells, dialect)
    rule = "must be a number" if isinstance(spec, NumberInput) else "must be a text"
    unreadable = {index: rule for index, cell in enumerate(cells) if _is_no_cell(cell)}
    return ParsedColumn(parsed.values, {**parsed.faults, **unreadable})


def _is_no_cell(cell: object) -> bool:
    return cell is _ABSENT or isinstance(cell, list | dict)


def cell_text(cell: object) -> str:
    """Write a value as a cell of a CSV file; nothing for null, an array or an object."""
    match cell:
        case bool():
            return str(cell).lower()
        case str() | int() | float():
            return str(cell)
        case _:
            return ""


def _locate(names: Sequence[str], first: int, index: int, column: int, text: str) -> Fault:
    row = first + index
    if column == WHOLE_ROW:
        return Fault(detail=f"Instance {row}: {text}", pointer=f"#/instances/{row}")
    name = names[column]
    token = quote(name.replace("~", "~0").replace("/", "~1"))  # RFC 6901, sections 3 and 6
    return Fault(
        detail=f"Instance {row}, column {shown(name)}: {text}",
        pointer=f"#/instances/{row}/{token}",
        column=name,
    )


def _shown(value: object) -> str:
    return _NAMES.get(type(value)) or shown(cell_text(value))
