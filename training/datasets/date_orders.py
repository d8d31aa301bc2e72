"""Whether the day or the month comes first in the dates of a column."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import shown
from vitrine.tables.dates import date_of, find_date_formats, parse_dates

Texts = Sequence[str | None]
Order = Literal["day", "month"]
Days = Mapping[Order, NDArray[np.float32]]
ORDERS: tuple[Order, Order] = ("day", "month")

# With this share of steps in one direction, rows are in the order of time.
_SORTED, _UNSORTED = 0.98, 0.9
_MIN_STEPS = 10
# Dates are evenly spaced if the largest gap is hardly larger than the median one: a month or two
# may lack. In the wrong order, the first of each month becomes the first days of each January.
_EVEN, _TIMES_MORE = 3.1, 4.0
_MIN_FIRSTS = 6
# Texts that show which formats a column may have; with this share of dates it was meant as dates.
_TRIED = 20
_MIN_DATES = 0.5


@dataclass(frozen=True, slots=True)
class DateKind:
    """The format of a column of dates.

    Attributes:
        format: The format.
        order: Whether the day or the month comes first; None where the format has no such order.
        other: Format with the other order that would read every text, too; "" if none would.
        reason: Why the order was chosen; "" where nothing decides.
    """

    format: str
    order: Order | None = None
    other: str = ""
    reason: str = ""

    def in_order(self, order: Order, reason: str) -> "DateKind":
        """Return the kind in an order that is known for some reason."""
        if order == self.order:
            return replace(self, reason=reason)
        return DateKind(self.other, order, self.format, reason)


def find_date_kind(texts: Texts, order: Order | None) -> DateKind | None:
    """Find the format of a column; None if it does not consist of dates.

    Where every text can be read with the day first and with the month first, the order that the
    user gave is taken, or that which makes the dates sorted or evenly spaced.

    Args:
        texts: The cells in the order of the file, None where missing.
        order: Order that the user gave; None to find it.
    """
    formats = find_date_formats(texts)
    if not formats:
        return None
    orders = {_order(form): form for form in reversed(formats)}
    if None in orders:
        return DateKind(orders[None])
    if "." in orders.get("day", "") and order is None:
        return DateKind(orders["day"], "day")  # nobody writes points behind the month
    if len(orders) == 1:
        (only,) = orders
        return DateKind(orders[only], only, reason=_reason_without_choice(texts, orders[only]))
    if order is not None:
        reason = f"as --{order}-first says"
        return DateKind(orders[order], order, orders[_swapped(order)], reason)
    return _decide(texts, orders)


def _order(date_format: str) -> Order | None:
    day, month = date_format.find("%d"), date_format.find("%m")
    if day < 0 or month < 0 or date_format.startswith("%Y"):
        return None
    return "day" if day < month else "month"


def _swapped(order: Order) -> Order:
    return "month" if order == "day" else "day"


def _reason_without_choice(texts: Texts, date_format: str) -> str:
    other = date_format.replace("%d", "%-").replace("%m", "%d").replace("%-", "%m")
    faults = parse_dates(texts, other).faults
    return f"{shown(texts[min(faults)])} leaves no other way" if faults else ""


def _decide(texts: Texts, formats: dict[Order | None, str]) -> DateKind:
    """Choose between two orders by what is known of dates in files."""
    days: Days = {order: parse_dates(texts, formats[order]).values for order in ORDERS}
    if np.array_equal(days["day"], days["month"], equal_nan=True):
        return DateKind(formats["day"], "day")  # such as 1/1/2024, which is one day in both orders
    for find, reason in (
        (_find_by_rows, "then the rows are in the order of time"),
        (_find_by_gaps, "then the dates are evenly spaced"),
        (_find_by_first_days, "then every date is the first day of a month"),
    ):
        order = find(days)
        if order is not None:
            return DateKind(formats[order], order, formats[_swapped(order)], reason)
    if "%p" in formats["month"]:
        reason = "times with AM and PM are mostly American"
        return DateKind(formats["month"], "month", formats["day"], reason)
    return DateKind(formats["day"], "day", formats["month"])


def _find_by_rows(days: Days) -> Order | None:
    """Find the order in which alone the rows are sorted."""
    sortedness = {order: _sortedness(values) for order, values in days.items()}
    return _order_where(
        lambda order, other: sortedness[order] >= _SORTED and sortedness[other] <= _UNSORTED
    )


def _sortedness(days: NDArray[np.float32]) -> float:
    """Return the share of the steps from row to row that have the more frequent direction."""
    steps = np.diff(days[~np.isnan(days)])
    steps = steps[steps != 0]
    if len(steps) < _MIN_STEPS:
        return (_SORTED + _UNSORTED) / 2
    forward = float(np.mean(steps > 0))
    return max(forward, 1 - forward)


def _find_by_gaps(days: Days) -> Order | None:
    """Find the order in which alone the dates are evenly spaced."""
    unevenness = {order: _unevenness(values) for order, values in days.items()}
    return _order_where(
        lambda order, other: (
            unevenness[order] <= _EVEN and unevenness[other] >= _TIMES_MORE * unevenness[order]
        )
    )


def _unevenness(days: NDArray[np.float32]) -> float:
    """Return how many times as large as the median the largest gap between dates is."""
    gaps = np.diff(np.unique(np.floor(days[~np.isnan(days)])))
    return float(gaps.max() / np.median(gaps)) if len(gaps) >= _MIN_STEPS else np.inf


def _find_by_first_days(days: Days) -> Order | None:
    """Find the order in which alone every date is the first day of a month."""
    known = {order: np.unique(values[~np.isnan(values)]) for order, values in days.items()}
    firsts = {
        order: len(values) >= _MIN_FIRSTS and all(date_of(float(day)).day == 1 for day in values)
        for order, values in known.items()
    }
    return _order_where(lambda order, other: firsts[order] and not firsts[other])


def _order_where(is_clear: Callable[[Order, Order], bool]) -> Order | None:
    """Return the order that is clear beside the other one; None if neither is."""
    return next((order for order in ORDERS if is_clear(order, _swapped(order))), None)


def describe_order(name: str, kind: DateKind, texts: Texts) -> list[str]:
    """Say on the terminal whether the day or the month comes first, and why.

    Args:
        name: Name of the column.
        kind: Its kind.
        texts: The cells, None where missing.
    """
    if kind.order is None or not (kind.reason or kind.other):
        return []
    read = f"read with the {kind.order} first"
    if not kind.other:
        return [f"{shown(name)} is {read}: {kind.reason}."]
    first, second = (parse_dates(texts, form).values for form in (kind.format, kind.other))
    row = int(np.flatnonzero(first != second)[0])
    date = date_of(float(first[row]))
    so = f"so {shown(texts[row])} is {date.day} {date:%B} {date.year}"
    advice = f"Give --{_swapped(kind.order)}-first if this is wrong."
    if kind.reason:
        return [f"{shown(name)} is {read}, {so}: {kind.reason}. {advice}"]
    doubt = f"{shown(name)} does not tell whether the day or the month comes first."
    return [f"{doubt} It is {read}, {so}. {advice}"]


def why_no_dates(texts: Texts) -> str:
    """Say what keeps a column that was meant as dates from being one; "" if it was not meant so."""
    known = sorted({text for text in texts if text is not None})
    formats = {form for text in known[:_TRIED] for form in find_date_formats([text])}
    faults = {form: parse_dates(known, form).faults for form in sorted(formats)}
    if not faults:
        return ""
    best = min(faults, key=lambda form: len(faults[form]))
    strays = [known[index] for index in faults[best]]
    if len(strays) > (1 - _MIN_DATES) * len(known):
        return ""
    others = [text for text in strays if find_date_formats([text])]
    if not others:
        return f"text such as {shown(strays[0])} among dates"
    date = next(text for text in known if text not in strays)
    return f"dates in different formats, such as {shown(date)} and {shown(others[0])}"
