"""The text of a date -> days since 1970-01-01 UTC, and back."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from vitrine.tables.parsed import NO_QUANTITIES, ParsedColumn

# The days that are tried on a file whose dates are not known yet, the day before the month.
_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"),
    *("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y", "%d-%m-%y"),
    *("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y", "%m-%d-%y", "%m.%d.%Y", "%m.%d.%y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%d%b%Y", "%d %b %Y", "%d %B %Y", "%d. %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    *("%a, %d %b %Y", "%a %d %b %Y", "%a %b %d %Y", "%A, %B %d, %Y", "%A, %d %B %Y"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y"),
)
_TIME = re.compile(
    r"(?P<day>.+?)(?P<mark>[Tt]|,? |:)(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?"
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<space> ?)(?P<half>[AaPp]\.?[Mm]\.?)?(?: ?(?P<zone>Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
)
_DIRECTIVES_OF_TIME = re.compile(r"(?:[T:]|,? )%[HI].*")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_dates(texts: Iterable[str | None], date_format: str) -> ParsedColumn:
    """Parse dates into days since 1970-01-01 UTC; a blank is NaN.

    A date is in the given format, or in ISO 8601 in any form that `datetime.fromisoformat` reads.
    The day may be followed by any time: with or without seconds, of 12 or of 24 hours. A time
    without an offset is in UTC. float32 distinguishes times that are about 3 minutes (1/512 day)
    apart between 2014 and 2059; whole days are exact.

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


def date_of(days: float) -> datetime:
    """Return the moment that so many days after 1970-01-01 UTC are.

    Raises:
        OverflowError: It is beyond the years from 1 to 9999.
    """
    return _EPOCH + timedelta(days=days)


def find_date_formats(texts: Iterable[str | None]) -> tuple[str, ...]:
    """List the formats in which every text that is not blank is a date.

    More than one means that the texts leave the format open: the day or the month may come first.
    Texts in ISO 8601 may stand among dates in another format.
    """
    cells = {_spaced(text) for text in texts if text is not None} - NO_QUANTITIES
    if not cells or not _is_date(next(iter(cells))):  # most columns end here
        return ()
    times = [time for cell in cells if (time := _TIME.fullmatch(cell))]
    formats = _formats_of_days({_day_text(cell) for cell in cells})
    if not formats and all(_iso(cell) for cell in cells):
        return ("%Y-%m-%dT%H:%M:%S" if any("T" in cell for cell in cells) else "%Y-%m-%d",)
    clock = max(map(_format_of_time, times), key=len, default="")
    return tuple(day + clock for day in formats)


def _is_date(text: str) -> bool:
    return bool(_iso(text) or _formats_of_days({_day_text(text)}))


def _day_text(text: str) -> str:
    time = _TIME.fullmatch(text)
    return time["day"] if time else text


def _formats_of_days(days: set[str]) -> list[str]:
    """List the formats that read every day which is not in ISO 8601, or every day."""
    others = {day for day in days if not _iso(day)} or days
    return [form for form in _DAYS if all(_strptime(day, form) for day in others)]


def _format_of_time(time: re.Match[str]) -> str:
    """Return the format of a time; a fraction of a second is left out."""
    hour = "%I" if time["half"] else "%H"
    minute = ":%M" if time["minute"] else ""
    second = ":%S" if time["second"] else ""
    half = f"{time['space']}%p" if time["half"] else ""
    return f"{time['mark']}{hour}{minute}{second}{half}{'%z' if time['zone'] else ''}"


def _days(text: str, date_format: str) -> float | None:
    if text in NO_QUANTITIES:
        return np.nan
    if date_format.startswith("%Y-%m-%d"):  # the order of ISO: both agree, and this is faster
        date = _iso(text) or _strptime(text, date_format)
    else:
        date = _strptime(text, date_format) or _iso(text)
    date = date or _with_any_time(_spaced(text), date_format)
    if date is None:
        return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - _EPOCH) / timedelta(days=1)


def _with_any_time(text: str, date_format: str) -> datetime | None:
    """Read a day in the format or in ISO 8601, and behind it a time in any form."""
    time = _TIME.fullmatch(text)
    day_text = time["day"] if time else text
    day = _strptime(day_text, _DIRECTIVES_OF_TIME.sub("", date_format)) or _iso(day_text)
    if day is None or time is None:
        return day
    hour = _hour(time)
    if hour is None:
        return None
    clock = f"{hour:02d}:{time['minute'] or '00'}:{time['second'] or '00'}{_offset(time['zone'])}"
    date = _iso(f"{day:%Y-%m-%d}T{clock}")
    return date and date + timedelta(seconds=float(f"0.{time['fraction'] or 0}"))


def _hour(time: re.Match[str]) -> int | None:
    hour = int(time["hour"])
    if not time["half"]:
        return hour if time["minute"] else None
    return hour % 12 + 12 * (time["half"][0] in "pP") if 1 <= hour <= 12 else None


def _offset(zone: str | None) -> str:
    """Write an offset as ISO 8601 has it."""
    return "+00:00" if zone and zone[0].isalpha() else zone or ""


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


def _spaced(text: str) -> str:
    """Write all spaces as one; some browsers write a narrow one before AM and PM."""
    return " ".join(text.split())


@lru_cache(maxsize=256)
def _example_date(date_format: str) -> str:
    return repr(datetime(2024, 5, 31, 13, 45, tzinfo=UTC).strftime(date_format))
