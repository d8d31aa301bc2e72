"""The text of a date -> days since 1970-01-01 UTC."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np

from vitrine.tables.parsed import BLANKS, ParsedColumn

# The formats that are tried on a file whose dates are not known yet, the day before the month.
DATE_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"),
    *("%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y"),
    *("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%y", "%d-%m-%Y"),
    *("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%y", "%m-%d-%Y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
