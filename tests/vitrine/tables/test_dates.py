"""What the text of a date means."""

import numpy as np
import pytest

from vitrine.tables.dates import find_date_formats, parse_dates


@pytest.mark.parametrize(
    ("text", "date_format", "days"),
    [
        ("1970-01-02", "%Y-%m-%d", 1.0),
        ("2024-05-31", "%Y-%m-%d", 19874.0),
        ("2024-5-31", "%Y-%m-%d", 19874.0),
        ("20240531", "%Y-%m-%d", 19874.0),
        ("2024-W22-5", "%Y-%m-%d", 19874.0),
        ("2024-05-31 12:00", "%Y-%m-%d", 19874.5),
        ("2024-05-31T12:00:00Z", "%Y-%m-%d", 19874.5),
        ("2024-05-31T12:00:00.123456789Z", "%Y-%m-%d", 19874.5),
        ("2024-05-31T00:00+12:00", "%Y-%m-%d", 19873.5),
        ("0001-01-01T00:00+14:00", "%Y-%m-%d", -719162 - 14 / 24),
        ("31.05.2024", "%d.%m.%Y", 19874.0),
        ("2024-05-31", "%d.%m.%Y", 19874.0),
        ("05/06/2024", "%d/%m/%Y", 19879.0),
        ("05/06/2024", "%m/%d/%Y", 19849.0),
        ("1969-12-31", "%d.%m.%Y", -1.0),
        (" 2024 ", "%Y", 19723.0),
        ("2024-05-31 12:00:00 UTC", "%d.%m.%Y", 19874.5),
        ("2024-05-31 12:00:00 +0000", "%Y-%m-%d", 19874.5),
        ("5/31/2024 12:00:00 PM", "%m/%d/%Y", 19874.5),
        ("5/31/2024 12:00 am", "%m/%d/%Y", 19874.0),
        ("5/31/2024, 6:00:00\u202fPM", "%m/%d/%Y %I:%M:%S %p", 19874.75),
        ("5/31/2024 6 p.m.", "%m/%d/%Y", 19874.75),
        ("31.05.2024", "%d.%m.%Y %H:%M", 19874.0),
        ("31.05.2024 12:00:00.000", "%d.%m.%Y %H:%M", 19874.5),
        ("31/May/2024:12:00:00 +0000", "%d/%b/%Y", 19874.5),
        ("Fri, 31 May 2024 12:00:00 GMT", "%a, %d %b %Y %H:%M:%S%z", 19874.5),
    ],
)
def test_date_is_read_in_iso_or_the_given_format(text: str, date_format: str, days: float) -> None:
    parsed = parse_dates([text], date_format)

    assert parsed.faults == {}
    assert parsed.values.dtype == np.float32
    assert parsed.values[0] == np.float32(days)


@pytest.mark.parametrize(
    "text",
    [
        *("2024-13-01", "2023-02-29", "31.05.2024", "45000", "soon"),
        *("2024-05-31 13:00 PM", "2024-05-31 25:00", "2024-05-31 8", "12:00"),
    ],
)
def test_other_text_is_no_date(text: str) -> None:
    parsed = parse_dates(["2024-01-01", text], "%Y-%m-%d")

    assert parsed.faults == {1: "must be a date, in ISO 8601 or as '2024-05-31'"}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-01-05", None, "2024-12-31"], ("%Y-%m-%d",)),
        (["31.12.2024"], ("%d.%m.%Y",)),
        (["05/06/2024"], ("%d/%m/%Y", "%m/%d/%Y")),
        (["05/06/2024", "13/06/2024"], ("%d/%m/%Y",)),
        (["2024-01-05", "no"], ()),
        ([None, "NA", "-"], ()),
        (["2024-01-03T08:00:00Z"], ("%Y-%m-%dT%H:%M:%S%z",)),
        (["2024-01-03T08:00:00+02:00", "-"], ("%Y-%m-%dT%H:%M:%S%z",)),
        (["2024-01-03 08:00:00.123456"], ("%Y-%m-%d %H:%M:%S",)),
        (["2024-01-03T08:00"], ("%Y-%m-%dT%H:%M",)),
        (["20240103T080000"], ("%Y-%m-%dT%H:%M:%S",)),
        (["1/13/2024 08:00:00 AM"], ("%m/%d/%Y %I:%M:%S %p",)),
        (["13-01-2024 08:00"], ("%d-%m-%Y %H:%M",)),
        (["1/13/2024", "2024-01-14"], ("%m/%d/%Y",)),
        (["1/13/2024", "1/14/2024 0:30"], ("%m/%d/%Y %H:%M",)),
        (["2024-01", "2024-02"], ("%Y-%m",)),
        (["Jan-20", "Feb-20"], ("%b-%y",)),
    ],
    ids=[
        *("iso", "german", "ambiguous", "decided", "not all", "blanks", "Z", "offset", "fraction"),
        *("minutes", "basic", "AM", "dashes", "iso among others", "some times", "months", "names"),
    ],
)
def test_date_formats_are_those_that_read_every_text(
    texts: list[str | None], expected: tuple[str, ...]
) -> None:
    assert find_date_formats(texts) == expected
