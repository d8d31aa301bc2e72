"""The text of a number -> its value, as the dialect of the file writes it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vitrine.signature import Dialect
from vitrine.tables.amounts import read_amount
from vitrine.tables.notation import notation_of
from vitrine.tables.parsed import ParsedColumn

_FLAGS = {"true": 1.0, "false": 0.0}

_BEYOND_FLOAT32 = "must lie within ±3.4e38, the range of float32"


def parse_numbers(
    texts: Iterable[str | None], dialect: Dialect, *, flags: bool = False, unit: str = ""
) -> ParsedColumn:
    """Parse numbers as the dialect writes them; a blank is NaN.

    A number has digits, and may have a sign, a decimal mark, an exponent and well-formed groups of
    thousands: "1e3", "+5", ".5" and "5." are numbers; "0x10", "1_000", "inf" and "12.34.5" are not.
    "(120)" and "120-" are -120, as accounts write them. A dash, an error of a spreadsheet and other
    texts that say "nothing" are blanks, too; see `NO_QUANTITIES`.

    Args:
        texts: Cells as they are written; spaces around them are allowed, None is a blank.
        dialect: Marks of the numbers. "1.234" is 1234 only where the thousands mark is ".".
        flags: Whether "true" and "false", in upper or lower case, are 1 and 0.
        unit: Unit that may stand before or behind a number, such as "$" or "km"; "" for none.

    Shapes:
        values: (len(texts),) float32.
    """
    cells = [text or "" for text in texts]
    notation = notation_of(dialect)
    ordinary = notation.numbers(cells)
    if ordinary is not None:
        return round_to_float32(np.array(ordinary))
    read = {cell: notation.number(cell, unit) for cell in set(cells)}
    if flags:
        read = {
            cell: _FLAGS.get(cell.strip().lower()) if number is None else number
            for cell, number in read.items()
        }
    rules = {cell: _rule(cell, dialect, unit) for cell, number in read.items() if number is None}
    faults = {index: rules[cell] for index, cell in enumerate(cells) if cell in rules}
    parsed = round_to_float32(np.array([read[cell] for cell in cells], np.float64))
    return ParsedColumn(parsed.values, {**faults, **parsed.faults})


def round_to_float32(numbers: NDArray[np.float64]) -> ParsedColumn:
    """Round numbers to float32; a number beyond its range is a fault.

    Shapes:
        numbers, values: (n,).
    """
    with np.errstate(over="ignore"):
        values = numbers.astype(np.float32)
    beyond = np.flatnonzero(np.isinf(values))
    values[beyond] = np.nan
    return ParsedColumn(values, dict.fromkeys(beyond.tolist(), _BEYOND_FLOAT32))


def _rule(cell: str, dialect: Dialect, unit: str) -> str:
    marks = f"decimal {dialect.decimal!r}"
    grouped = f"{marks} and thousands {dialect.thousands!r}" if dialect.thousands else marks
    rule = f"must be a number with {grouped}"
    has_unit = unit and (amount := read_amount(cell.strip())) and amount.unit
    return f"{rule}, alone or with {unit!r}" if has_unit else rule
