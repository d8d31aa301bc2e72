"""The text of one cell <-> its value: numbers, dates, categories and blanks.

Training reads its files with these functions and the service reads its requests with them, so
that a cell means the same to both. Knows neither files nor requests.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.signature import ColumnSpec, DateInput, Dialect, NumberInput

# What stands for "nothing is known here", in every kind of column, quoted or not: the list that
# pandas reads as missing (training files were mostly written or read by it), NaT, and "?" of the
# UCI repository. The lower-case "none" and "na" are left out: they are categories in real files.
BLANKS = frozenset(
    {
        *("", "NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "?"),
        *("NaN", "nan", "NAN", "-NaN", "-nan", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"),
        *("null", "NULL", "Null", "None", "NaT"),
    }
)
# No category of any vocabulary is that long; a whole file in one cell is a mistake of quoting.
MAX_CATEGORY_CHARACTERS = 4096
# Tried in this order, the day before the month, on a file whose dates are not known yet.
DATE_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"),
    *("%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y"),
    *("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%y", "%d-%m-%Y"),
    *("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%y", "%m-%d-%Y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
DECIMALS = (".", ",")
# What a spreadsheet writes between groups of three digits, by the character that stands for it:
# French and Swedish ones use a no-break, a narrow or a thin space, Swiss ones a curly apostrophe.
THOUSANDS = {"": "", ".": r"\.", ",": ",", " ": "[ \u00a0\u202f\u2009]", "'": "['\u2019]"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FLAGS = {"true": 1.0, "false": 0.0}
_NUMBER_CHARACTERS = re.compile("[-+\u2212.,'\u2019 \u00a0\u202f\u20090-9eE]+")
_FRACTION = re.compile(r"[+-]?[0-9]+\.[0-9]*")
_BEYOND = "must lie within ±3.4e38, the range of float32"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A column's values and what is wrong with its cells.

    Attributes:
        values: One a cell; a faulty cell's is a blank.
        faults: Place of each faulty cell -> the rule it breaks, such as "must be a number".
    """

    values: NDArray[Any]
    faults: Mapping[int, str]


def parse(spec: ColumnSpec, texts: Sequence[str], dialect: Dialect) -> Parsed:
    """Parse the cells of a model's column."""
    match spec:
        case NumberInput():
            return parse_numbers(texts, dialect, flags=is_flag(spec))
        case DateInput():
            return parse_dates(texts, spec.format)
        case _:
            return parse_categories(texts, spec.vocabulary)


def is_flag(spec: NumberInput) -> bool:
    """Tell whether a column runs from 0 to 1, so that false and true can stand for them."""
    return {spec.minimum, spec.maximum} <= {0.0, 1.0}


def parse_numbers(texts: Iterable[str | None], dialect: Dialect, *, flags: bool = False) -> Parsed:
    """Parse numbers as the dialect writes them; a blank is NaN.

    Digits, a sign, a decimal mark, an exponent and well-formed groups of thousands make a number:
    "1e3", "+5", ".5" and "5." do; "0x10", "1_000", "inf" and "12.34.5" do not.

    Args:
        texts: Cells as written, spaces around them allowed; None is a blank.
        dialect: Its decimal and thousands count; "1.234" is never 1234 unless thousands is ".".
        flags: Whether "true" and "false", in any case, are 1 and 0.

    Shapes:
        values: (len(texts),) float32.
    """
    cells = [text or "" for text in texts]
    notation = _notation(dialect.decimal, dialect.thousands)
    ordinary = notation.numbers(cells)
    if ordinary is not None:
        return narrowed(np.array(ordinary), {})
    numbers = [notation.number(cell) for cell in cells]
    if flags:
        numbers = [
            _FLAGS.get(cell.strip().lower()) if number is None else number
            for cell, number in zip(cells, numbers, strict=True)
        ]
    rule = f"must be a number with {_describe(dialect)}"
    faults = {place: rule for place, number in enumerate(numbers) if number is None}
    return narrowed(np.array(numbers, np.float64), faults)


def narrowed(numbers: NDArray[np.float64], faults: dict[int, str]) -> Parsed:
    """Round numbers to float32; the ones beyond its range join the faults and become NaN."""
    with np.errstate(over="ignore"):
        values = numbers.astype(np.float32)
    beyond = np.flatnonzero(np.isinf(values))
    faults.update(dict.fromkeys(beyond.tolist(), _BEYOND))
    values[beyond] = np.nan
    return Parsed(values, faults)


def parse_dates(texts: Iterable[str | None], date_format: str) -> Parsed:
    """Parse dates into days since 1970-01-01 UTC; a blank is NaN.

    ISO 8601 in all the forms `datetime.fromisoformat` reads, or the given format. Times without
    an offset are taken as UTC. float32 tells apart times about 3 minutes (1/512 day) from each
    other between 2014 and 2059; whole days are exact.

    Args:
        texts: Cells as written, spaces around them allowed; None is a blank.
        date_format: As `strptime` takes it; where both could read a text, it goes first.

    Shapes:
        values: (len(texts),) float32.
    """
    cells = [(text or "").strip() for text in texts]
    days = {text: _days(text, date_format) for text in set(cells)}
    rule = f"must be a date, in ISO 8601 or as {_example_date(date_format)}"
    faults = {place: rule for place, text in enumerate(cells) if days[text] is None}
    return Parsed(np.array([days[text] for text in cells], np.float32), faults)


def find_date_formats(texts: Iterable[str | None]) -> tuple[str, ...]:
    """List the formats of `DATE_FORMATS` in which every non-blank text is a date.

    More than one means that the texts leave open which is meant, such as day or month first.
    """
    cells = {text.strip() for text in texts if text is not None} - BLANKS
    formats = DATE_FORMATS if cells else ()
    return tuple(form for form in formats if all(_strptime(text, form) for text in cells))


def parse_categories(
    texts: Iterable[str | None],
    vocabulary: Sequence[str] = (),
    *,
    max_characters: int = MAX_CATEGORY_CHARACTERS,
) -> Parsed:
    """Strip the spaces around texts; a blank is None.

    What is written otherwise than in the vocabulary takes the vocabulary's spelling where it is the
    same number or the same boolean: data frames turn the code "1" into "1.0" as soon as a column
    has a blank, and a spreadsheet's TRUE is JSON's true.

    Shapes:
        values: (len(texts),) object, of str and None.
    """
    spellings = _spellings(tuple(vocabulary))
    cells = [(text or "").strip() for text in texts]
    known = {text: _category(text, spellings) for text in set(cells)}
    rule = f"may have at most {max_characters} characters"
    faults = {place: rule for place, text in enumerate(cells) if len(text) > max_characters}
    values = np.empty(len(cells), object)
    values[:] = [known[text] for text in cells]
    values[list(faults)] = None
    return Parsed(values, faults)


def fit_notation(
    texts: Iterable[str],
    preferred: Dialect,
    *,
    decimal: str | None = None,
    thousands: str | None = None,
) -> Dialect:
    """Find how the numbers among the texts are written.

    The preferred notation stays unless another reads more of the texts. Where several read the
    most but disagree on a value, as on "1,234", nothing is decided and the preferred one stays:
    its faults then ask for a parameter, which is better than a silent factor of a thousand.

    Args:
        texts: A sample; texts that are no number in any notation do not count.
        preferred: Its notation goes first, and its delimiter is kept.
        decimal: If the caller gave it; then it is not to be found.
        thousands: If the caller gave it; "" for none.
    """
    admissible = _notations(preferred, decimal, thousands)
    cells = [cell for cell in {text.strip() for text in texts} if _depends_on_notation(cell)]
    read = [_values(cells, notation) for notation in admissible]
    counts = [sum(value is not None for value in values) for values in read]
    best = [place for place, count in enumerate(counts) if count == max(counts)]
    decided = all(read[place] == read[best[0]] for place in best)
    return admissible[best[0] if decided else 0]


def _depends_on_notation(cell: str) -> bool:
    """Tell what may be a number in one notation but not in another from all other text."""
    return not cell.isdigit() and _NUMBER_CHARACTERS.fullmatch(cell) is not None


def _notations(preferred: Dialect, decimal: str | None, thousands: str | None) -> list[Dialect]:
    """List the notations to choose from, the one to fall back to first."""
    decimals = (
        [decimal] if decimal else sorted(DECIMALS, key=lambda mark: mark != preferred.decimal)
    )
    groups = [thousands] if thousands is not None else list(THOUSANDS)
    pairs = [(mark, group) for mark in decimals for group in groups if mark != group]
    favourite = (preferred.decimal, preferred.thousands)
    pairs.sort(key=lambda pair: pair != favourite)
    return [
        Dialect(delimiter=preferred.delimiter, decimal=mark, thousands=group)
        for mark, group in pairs
    ]


def _values(cells: Sequence[str], notation: Dialect) -> list[float | None]:
    read = _notation(notation.decimal, notation.thousands).number
    return [read(cell) for cell in cells]


def _describe(dialect: Dialect) -> str:
    marks = f"decimal {dialect.decimal!r}"
    return f"{marks} and thousands {dialect.thousands!r}" if dialect.thousands else marks


class _Notation:
    """How numbers are written, ready to read them."""

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
        """Read one cell: NaN for a blank, None for what is no number."""
        text = text.strip()
        if text in BLANKS:
            return np.nan
        text = text.replace("\u2212", "-")  # the minus sign of typographers and some spreadsheets
        return float(self._plain(text)) if self._number.fullmatch(text) else None

    def numbers(self, texts: Sequence[str]) -> list[float] | None:
        """Read a column of ordinary numbers and empty cells at once; None if it has others."""
        lines = "".join(f"{text}\n" for text in texts)
        if not self._lines.fullmatch(lines):
            return None
        plain = self._plain(lines).split("\n")[:-1]
        return [float(text or "nan") for text in plain] if len(plain) == len(texts) else None

    def _plain(self, text: str) -> str:
        """Write numbers as Python has them."""
        ungrouped = self._group.sub("", text) if self._group else text
        return ungrouped.replace(self._decimal, ".")


@lru_cache(maxsize=64)
def _notation(decimal: str, thousands: str) -> _Notation:
    return _Notation(decimal, thousands)


def _days(text: str, date_format: str) -> float | None:
    if text in BLANKS:
        return np.nan
    if date_format.startswith("%Y-%m-%d"):  # ISO's own order: the two agree, and this is faster
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
