"""The text of a cell -> its value, and the text of a category -> its code in a network.

Training reads its files with these functions, and the service reads its requests with them, so that
a cell means the same to both. A cell is a number, a date, a category, or a blank: nothing is known.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.signature import OTHER_CODE, ColumnSpec, DateInput, Dialect, NumberInput

# The texts of a blank, in every kind of column, quoted or not: those that pandas reads as missing
# (it wrote or read most training files), NaT, and "?" of the UCI repository. The lower-case "none"
# and "na" are left out: they are categories in real files.
BLANKS = frozenset(
    {
        *("", "NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "?"),
        *("NaN", "nan", "NAN", "-NaN", "-nan", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"),
        *("null", "NULL", "Null", "None", "NaT"),
    }
)
# No vocabulary has a longer category. A whole file in one cell is a mistake of quoting.
MAX_CATEGORY_CHARACTERS = 4096
# The formats that are tried on a file whose dates are not known yet, the day before the month.
DATE_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"),
    *("%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y"),
    *("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%y", "%d-%m-%Y"),
    *("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%y", "%m-%d-%Y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
DECIMALS = (".", ",")
# Thousands mark -> regular expression of the characters that it stands for: French and Swedish
# spreadsheets write a no-break, a narrow or a thin space, Swiss ones a curly apostrophe.
THOUSANDS = {"": "", ".": r"\.", ",": ",", " ": "[ \u00a0\u202f\u2009]", "'": "['\u2019]"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FLAGS = {"true": 1.0, "false": 0.0}
_NUMBER_CHARACTERS = re.compile("[-+\u2212.,'\u2019 \u00a0\u202f\u20090-9eE]+")
_FRACTION = re.compile(r"[+-]?[0-9]+\.[0-9]*")
_BEYOND_FLOAT32 = "must lie within ±3.4e38, the range of float32"


@dataclass(frozen=True, slots=True)
class ParsedColumn:
    """The values of a column's cells.

    Attributes:
        values: One value for each cell; a faulty cell has the value of a blank.
        faults: Index of each faulty cell -> the rule that it breaks, such as "must be a number".
    """

    values: NDArray[Any]
    faults: Mapping[int, str]


def parse(spec: ColumnSpec, texts: Sequence[str], dialect: Dialect) -> ParsedColumn:
    """Parse the cells of a column.

    A category keeps its text, without the spaces around it; a blank is None. A text that is not in
    the vocabulary takes the vocabulary's spelling where it is the same number or the same boolean:
    data frames turn the code "1" into "1.0" as soon as a column has a blank, and a spreadsheet's
    TRUE is JSON's true.

    Args:
        spec: The model's column.
        texts: Cells as they are written; spaces around them are allowed.
        dialect: Marks of the numbers.

    Shapes:
        values: (len(texts),), float32 or, of categories, object.
    """
    match spec:
        case NumberInput():
            return parse_numbers(texts, dialect, flags=_is_flag(spec))
        case DateInput():
            return parse_dates(texts, spec.format)
        case _:
            return _parse_categories(texts, spec.vocabulary)


def encode_texts(texts: NDArray[np.object_], codes: Mapping[str | None, int]) -> NDArray[np.int32]:
    """Return the code of each text; `OTHER_CODE` for a text without a code of its own.

    Args:
        texts: Categories; None for a blank.
        codes: Codes of a category, as `CategoryInput.codes` has them.

    Shapes:
        texts: (n,); returns (n,).
    """
    found = (codes.get(text, OTHER_CODE) for text in texts)
    return np.fromiter(found, dtype=np.int32, count=len(texts))


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
            _FLAGS.get(cell.strip().lower()) if number is None else number
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


def parse_dates(texts: Iterable[str | None], date_format: str) -> ParsedColumn:
    """Parse dates into days since 1970-01-01 UTC; a blank is NaN.

    A date is in the given format, or in ISO 8601 in any form that `datetime.fromisoformat` reads. A
    time without an offset is in UTC. float32 distinguishes times that are about 3 minutes (1/512
    day) apart between 2014 and 2059; whole days are exact.

    Args:
        texts: Cells as they are written; spaces around them are allowed, None is a blank.
        date_format: Format as `strptime` takes it. It goes first where both could read a text.

    Shapes:
        values: (len(texts),) float32.
    """
    cells = [(text or "").strip() for text in texts]
    days = {text: _days(text, date_format) for text in set(cells)}
    rule = f"must be a date, in ISO 8601 or as {_example_date(date_format)}"
    faults = {index: rule for index, text in enumerate(cells) if days[text] is None}
    return ParsedColumn(np.array([days[text] for text in cells], np.float32), faults)


def find_date_formats(texts: Iterable[str | None]) -> tuple[str, ...]:
    """List the formats of `DATE_FORMATS` in which every text that is not blank is a date.

    More than one means that the texts leave the format open: the day or the month may come first.
    """
    cells = {text.strip() for text in texts if text is not None} - BLANKS
    formats = DATE_FORMATS if cells else ()
    return tuple(form for form in formats if all(_strptime(text, form) for text in cells))


def _is_flag(spec: NumberInput) -> bool:
    """Tell whether a column runs from 0 to 1, so that "false" and "true" can stand for these."""
    return {spec.minimum, spec.maximum} <= {0.0, 1.0}


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


def _days(text: str, date_format: str) -> float | None:
    if text in BLANKS:
        return np.nan
    if date_format.startswith("%Y-%m-%d"):  # the order of ISO: both agree, and this is faster
        date = _iso(text) or _strptime(text, date_format)
    else:
        date = _strptime(text, date_format) or _iso(text)
    if date is None:
        return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - _EPOCH) / timedelta(days=1)


def _strptime(text: str, date_format: str) -> datetime | None:
    try:
        return datetime.strptime(text, date_format)  # noqa: DTZ007 - an offset is optional
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _example_date(date_format: str) -> str:
    return repr(datetime(2024, 5, 31, 13, 45, tzinfo=UTC).strftime(date_format))


def _parse_categories(texts: Sequence[str], vocabulary: Sequence[str]) -> ParsedColumn:
    spellings = _spellings(tuple(vocabulary))
    cells = [text.strip() for text in texts]
    categories = {text: _category(text, spellings) for text in set(cells)}
    longest = MAX_CATEGORY_CHARACTERS
    rule = f"may have at most {longest} characters"
    faults = {index: rule for index, text in enumerate(cells) if len(text) > longest}
    values = np.empty(len(cells), object)
    values[:] = [categories[text] for text in cells]
    values[list(faults)] = None
    return ParsedColumn(values, faults)


def _category(text: str, spellings: Mapping[str, str]) -> str | None:
    if text in BLANKS:
        return None
    return spellings.get(text) or spellings.get(_plain(text), text)


@lru_cache(maxsize=256)
def _spellings(vocabulary: tuple[str, ...]) -> dict[str, str]:
    """Map each text of the vocabulary, and its plain spelling, to itself."""
    return {_plain(text): text for text in reversed(vocabulary)} | {
        text: text for text in vocabulary
    }


def _plain(text: str) -> str:
    """Write a number without trailing zeros and a boolean in lower case."""
    if _FRACTION.fullmatch(text):
        return text.rstrip("0").rstrip(".")
    return text.lower() if text.lower() in _FLAGS else text
