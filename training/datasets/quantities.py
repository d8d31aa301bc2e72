"""Columns of numbers as people write them: with units, brackets, and texts for "nothing"."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import shown
from vitrine.signature import Dialect
from vitrine.tables.amounts import canonical_unit, read_amount
from vitrine.tables.notation import THOUSANDS, is_number_with_some_marks
from vitrine.tables.numbers import parse_numbers
from vitrine.tables.parsed import EMPTY_WORDS, NO_QUANTITIES

Texts = Sequence[str | None]

_PLAIN = re.compile(r"[-+]?[0-9.,]*")
# A column with so few different numbers may be one of categories, "none" among them.
_FEW_NUMBERS = 12
# A column with this share of numbers was meant as one, if few other texts stand among them.
_MIN_NUMBERS = 0.5
_MOST_STRAYS = 12


@dataclass(frozen=True, slots=True)
class Quantities:
    """A column of texts, read as numbers.

    Attributes:
        texts: The cells.
        values: Value of each cell, NaN where there is none.
        faults: Index of each cell that is no number -> the rule that it breaks.
        unit: Unit of the numbers; "" without one.
    """

    texts: Texts
    values: NDArray[np.float32]
    faults: Mapping[int, str]
    unit: str

    @property
    def has_numbers(self) -> bool:
        """Whether the cells without a fault are numbers, and no categories such as "none"."""
        known = self.values[~np.isnan(self.values)]
        has_words = any(text in EMPTY_WORDS for text in set(self.texts))
        return len(np.unique(known)) > (_FEW_NUMBERS if has_words else 0)

    def notes(self, name: str) -> list[str]:
        """Say how texts are read that are no plain numbers.

        Args:
            name: Name of the column.
        """
        values = dict(zip(self.texts, self.values, strict=True))
        read: dict[tuple[bool, bool], str] = {}
        for text, value in values.items():
            if text is None or np.isnan(value) or _PLAIN.fullmatch(text):
                continue
            amount = read_amount(text)
            if amount is not None:
                kind = bool(amount.unit), amount.is_negative
                read.setdefault(kind, f"{shown(text)} is {_digits(value)}")
        read.pop((False, False), None)
        unit = f" with the unit {shown(self.unit)}" if self.unit else ""
        examples = "; ".join(read.values())
        notes = [f"{shown(name)} is read as numbers{unit}: {examples}."] if examples else []
        return notes + describe_blanks(name, self.texts, self.values)


def describe_blanks(name: str, texts: Texts, values: NDArray[np.float32]) -> list[str]:
    """Say which texts are read as missing values.

    Args:
        name: Name of the column.
        texts: Its cells, None where missing.
        values: Value of each cell, NaN where there is none.
    """
    blank = Counter(texts[row] for row in np.flatnonzero(np.isnan(values)).tolist())
    blank.pop(None, None)
    listed = [f"{shown(text)} in {count} of {len(texts)}" for text, count in blank.items()]
    return [f"{shown(name)} has missing values: {', '.join(listed)} rows."] if listed else []


def _digits(value: np.float32) -> str:
    """Write a value with as few digits as tell it from any other."""
    return np.format_float_positional(value, trim="-")


def read_quantities(texts: Texts, dialect: Dialect) -> Quantities:
    """Read a column as numbers with one unit, or without one.

    Args:
        texts: The cells, None where missing.
        dialect: How numbers are written.
    """
    parsed = parse_numbers(texts, dialect)
    unit = _find_unit([texts[index] for index in parsed.faults])
    if unit:
        parsed = parse_numbers(texts, dialect, unit=unit)
    faults = dict(parsed.faults)
    if unit == "%":
        # Spreadsheets show 12 % for the value 0.12; a column with both has two scales.
        rule = "must have '%', as other cells have"
        for index, value in enumerate(parsed.values.tolist()):
            if value and not np.isnan(value) and "%" not in (texts[index] or ""):
                faults[index] = rule
    return Quantities(texts, parsed.values, faults, unit)


def _find_unit(texts: Texts) -> str:
    """Return the most frequent unit, in its most frequent spelling; "" if there is none."""
    amounts = [read_amount(text) for text in texts if text is not None]
    spellings = Counter(amount.unit for amount in amounts if amount and amount.unit)
    units: Counter[str] = Counter()
    for spelling, count in spellings.items():
        units[canonical_unit(spelling)] += count
    if not units:
        return ""
    unit = units.most_common(1)[0][0]
    return max(
        (spelling for spelling in spellings if canonical_unit(spelling) == unit),
        key=lambda spelling: spellings[spelling],
    )


def describe_marks(columns: Iterable[Texts], dialect: Dialect) -> list[str]:
    """Say how numbers are read where they have other marks than a decimal point.

    Args:
        columns: Columns of numbers, None where missing.
        dialect: How numbers are written.
    """
    if dialect == Dialect(delimiter=dialect.delimiter):
        return []
    marks = [THOUSANDS[dialect.thousands], *([","] if dialect.decimal == "," else [])]
    marked = [re.compile(f"[0-9]{mark}[0-9]") for mark in marks if mark]
    texts = [text for column in columns for text in dict.fromkeys(column) if text is not None]
    example = next((text for mark in marked for text in texts if mark.search(text)), None)
    if example is None:
        return []
    quantities = read_quantities([example], dialect)
    thousands = f" and the thousands mark {dialect.thousands!r}" if dialect.thousands else ""
    return [
        f"Numbers have the decimal mark {dialect.decimal!r}{thousands}: {shown(example)} is "
        f"{_digits(quantities.values[0])}. Give --decimal or --thousands if this is wrong."
    ]


def why_no_numbers(texts: Texts, dialect: Dialect) -> str:
    """Say what keeps a column that was meant as numbers from being one; "" if it was not meant so.

    Args:
        texts: The cells, None where missing.
        dialect: How numbers are written.
    """
    known = sorted({text for text in texts if text is not None} - NO_QUANTITIES)
    numbers = {
        text: amount
        for text in known
        if (amount := read_amount(text)) and is_number_with_some_marks(amount.number)
    }
    strays = [text for text in known if text not in numbers]
    if len(numbers) < max(1, _MIN_NUMBERS * len(known)) or len(strays) > _MOST_STRAYS:
        return ""
    if strays:
        return f"text such as {shown(strays[0])} among numbers"
    units: dict[str, str] = {}
    for text, amount in numbers.items():
        units.setdefault(canonical_unit(amount.unit), text)
    if "%" not in units:
        units.pop("", None)
    if len(units) > 1:
        return f"numbers with different units, such as {_two(list(units.values()))}"
    parsed = parse_numbers(known, dialect, unit=next(iter(units), ""))
    unread = [known[index] for index in parsed.faults]
    if not unread:
        return ""
    read = [text for index, text in enumerate(known) if index not in parsed.faults]
    if not read:
        return f"numbers with other marks than the rest of the file, such as {shown(unread[0])}"
    longest = max(read, key=len)  # it has marks, if any has
    return f"numbers with different marks, such as {_two([unread[0], longest])}"


def _two(texts: Sequence[str]) -> str:
    return f"{shown(texts[0])} and {shown(texts[1])}"
