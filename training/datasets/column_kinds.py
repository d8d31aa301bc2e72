"""What each column of a table is: a number, a date, a category, or no input.

Kinds are recognized from the texts of the column alone, never from the target.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from training.datasets.csv_files import check_columns
from training.datasets.date_orders import (
    DateKind,
    Order,
    describe_order,
    find_date_kind,
    why_no_dates,
)
from training.datasets.quantities import describe_blanks, read_quantities, why_no_numbers
from training.datasets.spellings import describe_spellings
from training.errors import CannotTrain
from vitrine.errors import shown
from vitrine.signature import Dialect
from vitrine.tables.dates import parse_dates

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
    """What the user said about the columns of a file.

    Attributes:
        numeric: Columns that are numbers.
        categorical: Columns that are categories.
        dates: Columns that are dates.
        ignored: Columns that are no inputs.
        decimal: Decimal mark; None to find it.
        thousands: Thousands mark, "" for none; None to find it.
        order: What comes first in a date that leaves it open; None to find it.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    decimal: str | None = None
    thousands: str | None = None
    order: Order | None = None

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
        units: Units of numbers by column name, where cells have them.
        notes: Sentences on how cells are read that can be written in several ways.
    """

    inputs: dict[str, str]
    left_out: dict[str, str]
    units: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What one column is.

    Attributes:
        name: "number", "category", "date", or "" for no input.
        reason: Why it is no input.
        unit: Unit of a number.
        date: Format of a date.
        notes: Sentences on how its cells are read.
    """

    name: str = ""
    reason: str = ""
    unit: str = ""
    date: DateKind | None = None
    notes: Sequence[str] = ()


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
    kinds = {
        name: _given_kind(name, given[name], texts, dialect, overrides.order)
        if name in given
        else _recognize_kind(name, texts, dialect, overrides.order)
        for name, texts in columns.items()
    }
    if not any(kind.name for kind in kinds.values()):
        raise CannotTrain("No column is left to learn from.")
    dates = _agreeing_dates({name: kind.date for name, kind in kinds.items() if kind.date})
    orders = [note for name in dates for note in describe_order(name, dates[name], columns[name])]
    return ColumnKinds(
        inputs={
            name: dates[name].format if name in dates else kind.name
            for name, kind in kinds.items()
            if kind.name
        },
        left_out={name: kind.reason for name, kind in kinds.items() if not kind.name},
        units={name: kind.unit for name, kind in kinds.items() if kind.unit},
        notes=(*(note for kind in kinds.values() for note in kind.notes), *orders),
    )


def _agreeing_dates(dates: dict[str, DateKind]) -> dict[str, DateKind]:
    """Give columns that leave the order of day and month open the order of the others."""
    decided = {kind.order: name for name, kind in dates.items() if kind.order and kind.reason}
    if len(decided) != 1:
        return dates
    ((order, example),) = decided.items()
    return {
        name: kind.in_order(order, f"as in {shown(example)}")
        if kind.order and kind.other and not kind.reason
        else kind
        for name, kind in dates.items()
    }


def _given_kind(name: str, kind: str, texts: Texts, dialect: Dialect, order: Order | None) -> _Kind:
    if kind == "ignored":
        return _Kind(reason="left out by --ignore")
    if kind == "number":
        quantities = read_quantities(texts, dialect)
        if quantities.faults:
            row = min(quantities.faults)
            raise CannotTrain(
                f"Column {shown(name)} cannot be --numeric: data row {row + 1} "
                f"{quantities.faults[row]}. Received: {shown(texts[row])}."
            )
        return _Kind(name="number", unit=quantities.unit, notes=quantities.notes(name))
    if kind == "date":
        date = find_date_kind(texts, order)
        if date is None:
            reason = why_no_dates(texts) or "no known format fits it"
            raise CannotTrain(f"Column {shown(name)} cannot be --date: {reason}.")
        return _date_kind(name, texts, date)
    return _Kind(name="category", notes=describe_spellings(name, texts, "category"))


def _date_kind(name: str, texts: Texts, date: DateKind) -> _Kind:
    blanks = describe_blanks(name, texts, parse_dates(texts, date.format).values)
    return _Kind(name="date", date=date, notes=blanks)


def _recognize_kind(name: str, texts: Texts, dialect: Dialect, order: Order | None) -> _Kind:
    known = [text for text in texts if text is not None]
    distinct = set(known)
    if not known:
        return _Kind(reason="every value is missing")
    if len(distinct) == 1 and len(known) == len(texts):
        return _Kind(reason=f"every value is {shown(known[0])}")
    quantities = read_quantities(known, dialect)
    # "5 Jan 2024" is a date, and no number with the unit "Jan 2024".
    date = find_date_kind(texts, order) if quantities.faults or quantities.unit else None
    if date is not None:
        return _date_kind(name, known, date)
    if not quantities.faults and quantities.has_numbers:
        reason = _identifier(name, known, dialect)
        if reason:
            return _Kind(reason=reason)
        return _Kind(name="number", unit=quantities.unit, notes=quantities.notes(name))
    reason = _why_no_category(known, distinct)
    mixture = why_no_numbers(known, dialect) or why_no_dates(known)
    if len(quantities.faults) <= (1 - _MOSTLY_NUMBERS) * len(known) and quantities.has_numbers:
        stray = shown(known[min(quantities.faults)])
        mixture = reason = mixture or f"text such as {stray} among numbers"
    if reason and mixture:
        cure = "empty it" if mixture.startswith("text") else "write all alike"
        return _Kind(reason=f"{mixture}; {cure}, or give --categorical")
    if reason:
        return _Kind(reason=reason)
    notes = describe_spellings(name, distinct, "category")
    if mixture:
        notes.append(f"{shown(name)} contains {mixture}. It is read as a category.")
    return _Kind(name="category", notes=notes)


def _why_no_category(known: Sequence[str], distinct: Collection[str]) -> str:
    """Return why texts are no categories, or an empty text."""
    if len(distinct) > _UNIQUE_SHARE * len(known):
        return f"near-unique text: {len(distinct)} different in {len(known)} rows"
    if _share_of_frequent(known) < _MIN_COVERED:
        return f"mostly rare text: {len(distinct)} different in {len(known)} rows"
    return ""


def _identifier(name: str, known: Sequence[str], dialect: Dialect) -> str:
    """Return why numbers only name the row that they are in, or an empty text."""
    if dialect.thousands:
        known = [text.replace(dialect.thousands, "") for text in known]
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
