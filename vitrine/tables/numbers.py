"""The text of a number -> its value, as the dialect of the file writes it."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vitrine.signature import Dialect
from vitrine.tables.parsed import BLANKS, ParsedColumn

DECIMALS = (".", ",")
# Thousands mark -> regular expression of the characters that it stands for: French and Swedish
# spreadsheets write a no-break, a narrow or a thin space, Swiss ones a curly apostrophe.
THOUSANDS = {"": "", ".": r"\.", ",": ",", " ": "[ \u00a0\u202f\u2009]", "'": "['\u2019]"}

FLAGS = {"true": 1.0, "false": 0.0}

_NUMBER_CHARACTERS = re.compile("[-+\u2212.,'\u2019 \u00a0\u202f\u20090-9eE]+")
_BEYOND_FLOAT32 = "must lie within ±3.4e38, the range of float32"


def parse_numbers(
    texts: Iterable[str | None], dialect: Dialect, *, flags: bool = False
) -> ParsedColumn:
    """Parse numbers as the dialect writes them; a blank is NaN.

    A number has digits, and may have a sign, a decimal mark, an exponent and well-formed groups of
    thousands: "1e3", "+5", ".5" and "5." are numbers; "0x10", "1_000", "inf" and "12.34.5" are not.

    Args:
        texts: Cells as they are written; spaces around them are allowed, None is a blank.
        dialect: Marks of the numbers. "1.234" is 1234 only where the thousands mark is ".".
        flags: Whether "true" and "false", in upper or lower case, are 1 and 0.

    Shapes:
        values: (len(texts),) float32.
    """
    cells = [text or "" for text in texts]
    notation = _notation(dialect.decimal, dialect.thousands)
    ordinary = notation.numbers(cells)
    if ordinary is not None:
        return round_to_float32(np.array(ordinary))
    numbers = [notation.number(cell) for cell in cells]
    if flags:
        numbers = [
            FLAGS.get(cell.strip().lower()) if number is None else number
            for cell, number in zip(cells, numbers, strict=True)
        ]
    rule = f"must be a number with {_describe(dialect)}"
    faults = {index: rule for index, number in enumerate(numbers) if number is None}
    parsed = round_to_float32(np.array(numbers, np.float64))
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


def fit_notation(
    texts: Iterable[str],
    preferred: Dialect,
    *,
    decimal: str | None = None,
    thousands: str | None = None,
) -> Dialect:
    """Find out which marks the numbers among the texts have.

    The preferred marks stay unless others read more of the texts. Where several read the most but
    disagree on a value, as on "1,234", nothing is decided, and the preferred marks stay: the faults
    of the texts then ask for a parameter, which is better than a silent factor of a thousand.

    Args:
        texts: Sample of cells; a text that is no number with any marks does not count.
        preferred: Dialect whose marks go first, and whose delimiter is kept.
        decimal: Decimal mark that the caller gave, if any.
        thousands: Thousands mark that the caller gave, if any; "" for none.
    """
    # 1. List the dialects that may be meant.
    candidates = _notations(preferred, decimal, thousands)
    # 2. Read the numbers that depend on the marks in each of them.
    cells = [cell for cell in {text.strip() for text in texts} if _depends_on_notation(cell)]
    read = [_values(cells, dialect) for dialect in candidates]
    counts = [sum(value is not None for value in values) for values in read]
    # 3. The best ones read the most, and must agree on every value.
    best = [index for index, count in enumerate(counts) if count == max(counts)]
    is_decided = all(read[index] == read[best[0]] for index in best)
    return candidates[best[0] if is_decided else 0]


def _depends_on_notation(cell: str) -> bool:
    """Tell whether a text may be a number with some marks, but not with others."""
    return not cell.isdigit() and _NUMBER_CHARACTERS.fullmatch(cell) is not None


def _notations(preferred: Dialect, decimal: str | None, thousands: str | None) -> list[Dialect]:
    """List the dialects to choose from, the preferred one first."""
    decimals = (
        [decimal] if decimal else sorted(DECIMALS, key=lambda mark: mark != preferred.decimal)
    )
    groups = [thousands] if thousands is not None else list(THOUSANDS)
    pairs = [(mark, group) for mark in decimals for group in groups if mark != group]
    pairs.sort(key=lambda pair: pair != (preferred.decimal, preferred.thousands))
    return [
        Dialect(delimiter=preferred.delimiter, decimal=mark, thousands=group)
        for mark, group in pairs
    ]


def _values(cells: Sequence[str], dialect: Dialect) -> list[float | None]:
    read = _notation(dialect.decimal, dialect.thousands).number
    return [read(cell) for cell in cells]


def _describe(dialect: Dialect) -> str:
    marks = f"decimal {dialect.decimal!r}"
    return f"{marks} and thousands {dialect.thousands!r}" if dialect.thousands else marks


class _Notation:
    """The regular expressions of numbers with the given marks."""

    def __init__(self, decimal: str, thousands: str) -> None:
        mark, group = re.escape(decimal), THOUSANDS[thousands]
        grouped = rf"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|" if group else ""
        whole = rf"(?:{grouped}[0-9]+)"
        number = rf"[+-]?(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        self._decimal = decimal
        self._number = re.compile(number)
        self._lines = re.compile(rf"(?:(?:{number})?\n)*+")
        self._group = re.compile(group) if group else None

    def number(self, text: str) -> float | None:
        """Read one cell: NaN for a blank, None if it is no number."""
        text = text.strip()
        if text in BLANKS:
            return np.nan
        text = text.replace("\u2212", "-")  # the minus sign of typographers and some spreadsheets
        return float(self._plain(text)) if self._number.fullmatch(text) else None

    def numbers(self, texts: Sequence[str]) -> list[float] | None:
        """Read a column of numbers and empty cells at once; None if it has any other cell."""
        lines = "".join(f"{text}\n" for text in texts)
        if not self._lines.fullmatch(lines):
            return None
        plain = self._plain(lines).split("\n")[:-1]
        return [float(text or "nan") for text in plain] if len(plain) == len(texts) else None

    def _plain(self, text: str) -> str:
        """Write numbers as Python does."""
        ungrouped = self._group.sub("", text) if self._group else text
        return ungrouped.replace(self._decimal, ".")


@lru_cache(maxsize=64)
def _notation(decimal: str, thousands: str) -> _Notation:
    return _Notation(decimal, thousands)
