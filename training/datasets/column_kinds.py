"""What each column of a table is: a number, a date, a category, or no input.

Kinds are recognized from the texts of the column alone, never from the target.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.datasets.csv_files import check_columns
from training.errors import CannotTrain
from vitrine.errors import shown
from vitrine.signature import Dialect
from vitrine.tables.dates import find_date_formats
from vitrine.tables.numbers import parse_numbers

Texts = Sequence[str | None]

# Beyond this share of different texts, a text names the row instead of a category.
_UNIQUE_SHARE = 0.5
# Identifiers may repeat a little, for example where files were joined.
_IDENTIFIER_SHARE = 0.95
# Fewer numbers do not show whether they count the rows.
_MIN_NUMBERED = 10
_IDENTIFIER_NAME = re.compile(
    r"(^|.* )(id|uid|guid|uuid|key|index|idx|row|nr|no|number|num|unnamed \d+)|column \d+"
)
# Where half of the rows have texts that hardly ever repeat, there is little to learn.
_MANY_ROWS = 100
_FREQUENT_ROWS = 3
_FREQUENT_SHARE = 1e-3
_MIN_COVERED = 0.5
# With this share of numbers, other texts are mistakes in a column of numbers.
_MOSTLY_NUMBERS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Kinds of columns that the user gave.

    Attributes:
        numeric: Columns that are numbers.
        categorical: Columns that are categories.
        dates: Columns that are dates.
        ignored: Columns that are no inputs.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, str]:
        """Kinds by the names of the columns."""
        return {
            **dict.fromkeys(self.numeric, "number"),
            **dict.fromkeys(self.categorical, "category"),
            **dict.fromkeys(self.dates, "date"),
            **dict.fromkeys(self.ignored, "ignored"),
        }


@dataclass(frozen=True, slots=True)
class ColumnKinds:
    """What the columns of a table are.

    Attributes:
        inputs: Kinds of the inputs by column name, in the order of the file: "number", "category",
            or the format of a date.
        left_out: Reasons why other columns are no inputs, by column name.
    """

    inputs: dict[str, str]
    left_out: dict[str, str]


def recognize_kinds(
    columns: Mapping[str, Texts], dialect: Dialect, overrides: Overrides
) -> ColumnKinds:
    """Recognize what each column is.

    Args:
        columns: Texts by column name, None where missing. The target is not among them.
        dialect: How numbers are written.
        overrides: Kinds that the user gave.

    Raises:
        CannotTrain: An override names no column or does not fit its texts, or no column is left.
    """
    given = overrides.kinds
    check_columns(given, tuple(columns), beside_target=True)
    inputs, left_out = {}, {}
    for name, texts in columns.items():
        if name in given:
            kind, reason = _given_kind(name, given[name], texts, dialect)
        else:
            kind, reason = _recognize_kind(name, texts, dialect)
        if kind is None:
            left_out[name] = reason
        else:
            inputs[name] = kind
    if not inputs:
        raise CannotTrain("No column is left to learn from.")
    return ColumnKinds(inputs, left_out)


def _given_kind(name: str, kind: str, texts: Texts, dialect: Dialect) -> tuple[str | None, str]:
    if kind == "ignored":
        return None, "left out by --ignore"
    if kind == "number":
        faults = parse_numbers(texts, dialect).faults
        if faults:
            row = min(faults)
            raise CannotTrain(
                f"Column {shown(name)} cannot be --numeric: data row {row + 1} {faults[row]}. "
                f"Received: {shown(texts[row])}."
            )
    if kind == "date":
        formats = find_date_formats(texts)
        if not formats:
            raise CannotTrain(f"Column {shown(name)} cannot be --date: no known format fits it.")
        return formats[0], ""
    return kind, ""


def _recognize_kind(name: str, texts: Texts, dialect: Dialect) -> tuple[str | None, str]:
    known = [text for text in texts if text is not None]
    distinct = set(known)
    if not known:
        return None, "every value is missing"
    if len(distinct) == 1 and len(known) == len(texts):
        return None, f"every value is {shown(known[0])}"
    parsed = parse_numbers(known, dialect)
    if not parsed.faults:
        reason = _identifier(name, known)
        return (None, reason) if reason else ("number", "")
    formats = find_date_formats(distinct)
    if formats:
        return formats[0], ""
    if len(parsed.faults) <= (1 - _MOSTLY_NUMBERS) * len(known):
        text = known[min(parsed.faults)]
        return None, f"text such as {shown(text)} among numbers; empty it, or give --categorical"
    if len(distinct) > _UNIQUE_SHARE * len(known):
        return None, f"near-unique text: {len(distinct)} different in {len(known)} rows"
    if _share_of_frequent(known) < _MIN_COVERED:
        return None, f"mostly rare text: {len(distinct)} different in {len(known)} rows"
    return "category", ""


def _identifier(name: str, known: Sequence[str]) -> str:
    """Return why numbers only name the row that they are in, or an empty text."""
    if len(known) < _MIN_NUMBERED or not all(re.fullmatch(r"[+-]?\d+", text) for text in known):
        return ""
    values = sorted({int(text) for text in known})
    if values[0] in {0, 1} and values == list(range(values[0], values[0] + len(known))):
        return "row number"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    words = re.sub(r"[^a-z0-9]+", " ", words).strip()
    if len(values) >= _IDENTIFIER_SHARE * len(known) and _IDENTIFIER_NAME.fullmatch(words):
        return f"identifier: {len(values)} different whole numbers in {len(known)} rows"
    return ""


def _share_of_frequent(known: Sequence[str]) -> float:
    """Return the share of the rows whose text occurs often."""
    least = max(_FREQUENT_ROWS, _FREQUENT_SHARE * len(known)) if len(known) >= _MANY_ROWS else 1
    return sum(count for count in Counter(known).values() if count >= least) / len(known)
