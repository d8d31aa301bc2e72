"""The marks of numbers: how a decimal fraction and groups of thousands are written.

A file does not say which marks it has. They are found out from its numbers.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from vitrine.errors import InvalidParameter
from vitrine.signature import Dialect
from vitrine.tables.amounts import read_amount, same_unit, writes_decimal_comma
from vitrine.tables.parsed import NO_QUANTITIES

DECIMALS = (".", ",")
# Thousands mark -> regular expression of the characters that it stands for: French and Swedish
# spreadsheets write a no-break, a narrow or a thin space, Swiss ones a curly apostrophe.
THOUSANDS = {"": "", ".": r"\.", ",": ",", " ": "[ \u00a0\u202f\u2009]", "'": "['\u2019]"}

_NUMBER_CHARACTERS = re.compile("[-+\u2212.,'\u2019 \u00a0\u202f\u20090-9eE]+")
_ALL_MARKS = [
    Dialect(decimal=decimal, thousands=thousands)
    for decimal in DECIMALS
    for thousands in THOUSANDS
    if decimal != thousands
]
# A column with this share of numbers shows how numbers are written; a mark that reads this share
# of them reads the column.
_MIN_NUMBERS = 0.5
_MIN_READ = 0.9
# Of the cells that the best marks read, other marks may miss a mistake in a hundred: a single "1,5"
# does not make decimal fractions of all those like "1,234".
_MIN_OF_BEST = 0.98


class Notation:
    """The numbers with the given marks.

    Args:
        decimal: Decimal mark.
        thousands: Thousands mark, one of `THOUSANDS`.
    """

    def __init__(self, decimal: str, thousands: str) -> None:
        mark, group = re.escape(decimal), THOUSANDS[thousands]
        grouped = rf"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|" if group else ""
        # In India all groups but the last one have two digits: 12,34,567.
        indian = "[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}|" if thousands == "," else ""
        whole = rf"(?:{grouped}{indian}[0-9]+)"
        number = rf"[+-]?(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        self._decimal = decimal
        self._number = re.compile(number)
        self._lines = re.compile(rf"(?:(?:{number})?\n)*+")
        self._group = re.compile(group) if group else None

    def number(self, text: str, unit: str = "") -> float | None:
        """Read one cell: NaN for a blank, None if it is no number.

        Args:
            text: The cell.
            unit: Unit that may stand beside the number.
        """
        text = text.strip()
        if text in NO_QUANTITIES:
            return np.nan
        plain = text.replace("\u2212", "-")  # the minus sign of typographers and some spreadsheets
        if self._number.fullmatch(plain):
            return float(self._plain(plain))
        amount = read_amount(text)
        if amount is None or not (amount.unit == "" or same_unit(amount.unit, unit)):
            return None
        if not amount.number:
            return np.nan
        if not self._number.fullmatch(amount.number):
            return None
        value = float(self._plain(amount.number))
        return -value if amount.is_negative else value

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
def notation_of(dialect: Dialect) -> Notation:
    """Return the notation of a dialect."""
    return Notation(dialect.decimal, dialect.thousands)


def is_number_with_some_marks(text: str) -> bool:
    """Tell whether a text without a unit is a number in some dialect."""
    return any(notation_of(dialect).number(text) is not None for dialect in _ALL_MARKS)


def parse_decimal(text: str | None) -> str | None:
    """Read a decimal mark; None stays None.

    Raises:
        InvalidParameter: The text is neither "." nor ",".
    """
    if text not in (None, *DECIMALS):
        raise InvalidParameter("decimal", str(text), 'must be "." or ","')
    return text


def parse_thousands(text: str | None, decimal: str | None) -> str | None:
    """Read a thousands mark; None stays None, and "" says that there is none.

    Args:
        text: The mark; any kind of space is " ".
        decimal: Decimal mark that was given, if any.

    Raises:
        InvalidParameter: The text is no thousands mark, or it is the decimal mark.
    """
    thousands = next(
        (mark for mark in THOUSANDS if text and re.fullmatch(THOUSANDS[mark], text)), text
    )
    if thousands not in (None, *THOUSANDS):
        raise InvalidParameter("thousands", str(text), "must be one of . , ' a space, or nothing")
    if thousands and thousands == decimal:
        raise InvalidParameter("thousands", thousands, "must differ from decimal")
    return thousands


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
    return best_notation(texts, _notations(preferred, decimal, thousands))


def best_notation(texts: Iterable[str], candidates: Sequence[Dialect]) -> Dialect:
    """Return the dialect that reads the most of the texts.

    The first dialect is returned where several read the most but disagree on a value.
    """
    cells = [cell.number for cell in _marked_cells(texts)]
    read = [_values(cells, dialect) for dialect in candidates]
    counts = [sum(value is not None for value in values) for values in read]
    best = [index for index, count in enumerate(counts) if count == max(counts)]
    is_decided = all(read[index] == read[best[0]] for index in best)
    return candidates[best[0] if is_decided else 0]


def fit_file_notation(
    table: Iterable[Sequence[str]],
    delimiter: str,
    *,
    decimal: str | None = None,
    thousands: str | None = None,
) -> Dialect:
    """Find out which marks the numbers of a whole file have.

    Those marks are chosen that read the most columns, and of these those that read the most cells,
    a few mistakes aside. Where every mark has exactly three digits behind it, as in "1,234",
    numbers alone do not decide: there the delimiter does. A file with the delimiter ";" writes a
    decimal comma and groups thousands with points; any other file does it the other way round. The
    sign of a currency is a stronger hint than the delimiter.

    Args:
        table: Cells of each column.
        delimiter: Delimiter of the file.
        decimal: Decimal mark that the user gave, if any.
        thousands: Thousands mark that the user gave, if any; "" for none.
    """
    candidates = _notations(Dialect(delimiter=delimiter), decimal, thousands)
    readings = [
        reading for cells in table if (reading := _read_column(cells, candidates)) is not None
    ]
    scores = [
        (
            sum(reading.is_read_by(index) for reading in readings),
            sum(reading.counts[index] for reading in readings),
        )
        for index in range(len(candidates))
    ]
    columns_read, cells_read = max(scores)
    best = [
        index
        for index, (columns, cells) in enumerate(scores)
        if columns == columns_read and cells >= _MIN_OF_BEST * cells_read
    ]
    disputed = [cell for reading in readings for cell in reading.disputed(best)]
    if not disputed:
        return candidates[scores.index((columns_read, cells_read))]
    usual = "," if _expects_decimal_comma(disputed, delimiter) else "."
    fitting = [index for index in best if candidates[index].decimal == usual] or best
    return candidates[max(fitting, key=lambda index: scores[index])]


class _Cell(NamedTuple):
    """A number whose value depends on the marks, without its sign and its unit."""

    number: str
    unit: str


class _Reading(NamedTuple):
    """The numbers of a column that depend on the marks, read with each dialect."""

    cells: list[_Cell]
    read: list[list[float | None]]

    @property
    def counts(self) -> list[int]:
        """How many of the numbers each dialect reads."""
        return [sum(value is not None for value in values) for values in self.read]

    def is_read_by(self, index: int) -> bool:
        """Tell whether a dialect reads nearly all of the numbers."""
        return self.counts[index] >= _MIN_READ * len(self.cells)

    def disputed(self, best: Sequence[int]) -> list[_Cell]:
        """List the numbers to which the best dialects give different values."""
        values = zip(*(self.read[index] for index in best), strict=True)
        return [
            cell
            for cell, found in zip(self.cells, values, strict=True)
            if len({*found} - {None}) > 1
        ]


def _read_column(texts: Sequence[str], candidates: Sequence[Dialect]) -> _Reading | None:
    """Read a column with each dialect; None if it does not consist of numbers."""
    known = {text.strip() for text in texts} - NO_QUANTITIES
    cells = _marked_cells(known)
    read = [_values([cell.number for cell in cells], dialect) for dialect in candidates]
    readable = [any(value is not None for value in values) for values in zip(*read, strict=True)]
    plain = sum(text.isdigit() for text in known)
    if sum(readable) + plain < max(1, _MIN_NUMBERS * len(known)):
        return None
    kept = [index for index, is_readable in enumerate(readable) if is_readable]
    return _Reading(
        [cells[index] for index in kept], [[values[index] for index in kept] for values in read]
    )


def _expects_decimal_comma(disputed: Sequence[_Cell], delimiter: str) -> bool:
    """Tell which decimal mark is usual beside a delimiter, or beside the sign of a currency."""
    commas = [writes_decimal_comma(cell.unit) for cell in disputed]
    if False in commas:
        return False
    # "1,234 €" stays open: some who write so are Irish.
    has_points = any("." in cell.number for cell in disputed)
    return (True in commas and has_points) or delimiter == ";"


def _marked_cells(texts: Iterable[str]) -> list[_Cell]:
    """List the numbers that may be read with some marks, but not with others."""
    cells = []
    for text in {text.strip() for text in texts}:
        if text.isdigit():
            continue
        if _NUMBER_CHARACTERS.fullmatch(text) is not None:
            cells.append(_Cell(text, ""))
        elif (amount := read_amount(text)) and amount.number and not amount.number.isdigit():
            cells.append(_Cell(amount.number, amount.unit))
    return cells


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
    return [notation_of(dialect).number(cell) for cell in cells]
