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
    ],
)
def test_date_is_read_in_iso_or_the_given_format(text: str, date_format: str, days: float) -> None:
    parsed = parse_dates([text], date_format)

    assert parsed.faults == {}
    assert parsed.values.dtype == np.float32
    assert parsed.values[0] == np.float32(days)


@pytest.mark.parametrize("text", ["2024-13-01", "2023-02-29", "31.05.2024", "45000", "soon"])
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
        ([None, "NA"], ()),
    ],
    ids=["iso", "german", "ambiguous", "decided", "not all", "blanks"],
)
def test_date_formats_are_those_that_read_every_text(
    texts: list[str | None], expected: tuple[str, ...]
) -> None:
    assert find_date_formats(texts) == expected
