"""What a cell means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitrine.tables.tables import COMMA, POINT, category, plain
from vitrine.signature import Dialect
from vitrine.tables.cells import (
    BLANKS,
    MAX_CATEGORY_CHARACTERS,
    find_date_formats,
    fit_notation,
    parse,
    parse_dates,
    parse_numbers,
)

SPACED = Dialect(decimal=",", thousands=" ")
SWISS = Dialect(decimal=".", thousands="'")
GROUPED = Dialect(decimal=".", thousands=",")


@pytest.mark.parametrize(
    ("text", "dialect", "expected"),
    [
        ("1", POINT, 1.0),
        ("1e3", POINT, 1000.0),
        ("1E-2", POINT, 0.01),
        ("+5", POINT, 5.0),
        (".5", POINT, 0.5),
        ("5.", POINT, 5.0),
        ("-0", POINT, -0.0),
        ("007", POINT, 7.0),
        (" 1.5\t", POINT, 1.5),
        ("\u00a01.5\u00a0", POINT, 1.5),
        ("\u22121.5", POINT, -1.5),
        ("1.234", POINT, 1.234),
        ("9" * 30, POINT, 1e30),
        ("1e-400", POINT, 0.0),
        ("3.4028235e38", POINT, 3.4028235e38),
        ("1,5", COMMA, 1.5),
        (",5", COMMA, 0.5),
        ("1.234", COMMA, 1234.0),
        ("1.234.567,8", COMMA, 1234567.8),
        ("-12.345,6e1", COMMA, -123456.0),
        ("1 234,5", SPACED, 1234.5),
        ("1\u202f234,5", SPACED, 1234.5),
        ("1\u00a0234\u00a0567", SPACED, 1234567.0),
        ("1'234.5", SWISS, 1234.5),
        ("1\u2019234.5", SWISS, 1234.5),
        ("1,234.5", GROUPED, 1234.5),
    ],
)
def test_number_is_read_as_the_dialect_writes_it(
    text: str, dialect: Dialect, expected: float
) -> None:
    parsed = parse_numbers([text], dialect)

    assert parsed.faults == {}
    assert parsed.values.dtype == np.float32
    assert parsed.values[0] == np.float32(expected)
    assert np.signbit(parsed.values[0]) == np.signbit(expected)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("abc", POINT),
        ("1_000", POINT),
        ("0x10", POINT),
        ("1,5", POINT),
        ("1,234", POINT),
        ("1 234", POINT),
        ("1.2.3", POINT),
        ("1e", POINT),
        ("e5", POINT),
        (".", POINT),
        ("-", POINT),
        ("--1", POINT),
        ("1 2", POINT),
        ("50%", POINT),
        ("$5", POINT),
        ("inf", POINT),
        ("-Infinity", POINT),
        ("nan(1)", POINT),
        ("\u0663", POINT),
        ("true", POINT),
        ("1\n2", POINT),
        ("0.455", COMMA),
        ("1.23", COMMA),
        ("12.34.5", COMMA),
        ("1234.567", COMMA),
        (".123", COMMA),
        ("1,5.000", COMMA),
        ("1  234", SPACED),
        ("1,234,5", GROUPED),
    ],
)
def test_other_text_is_no_number(text: str, dialect: Dialect) -> None:
    parsed = parse_numbers(["1", text], dialect)

    assert list(parsed.faults) == [1]
    assert parsed.faults[1].startswith("must be a number with decimal")
    assert plain(parsed.values) == [1.0, None]


@pytest.mark.parametrize("text", ["1e39", "-1e39", "3.5e38", "1e400", "9" * 400])
def test_number_beyond_float32_is_a_fault(text: str) -> None:
    parsed = parse_numbers([text, "2"], POINT)

    assert parsed.faults == {0: "must lie within ±3.4e38, the range of float32"}
    assert plain(parsed.values) == [None, 2.0]


@pytest.mark.parametrize("blank", sorted(BLANKS))
def test_blank_is_blank_in_every_kind_of_column(blank: str) -> None:
    texts = [blank, f"  {blank} "]

    assert plain(parse_numbers(texts, POINT).values) == [None, None]
    assert plain(parse_dates(texts, "%Y-%m-%d").values) == [None, None]
    assert plain(parse(category("kind"), texts, POINT).values) == [None, None]


def test_no_text_at_all_is_blank() -> None:
    assert plain(parse_numbers([None, "1"], POINT).values) == [None, 1.0]
    assert plain(parse_dates([None], "%Y").values) == [None]


def test_booleans_are_numbers_in_a_column_of_flags_only() -> None:
    texts = ["true", "FALSE", " True ", "1", "yes"]

    assert plain(parse_numbers(texts, POINT, flags=True).values) == [1, 0, 1, 1, None]
    assert list(parse_numbers(texts, POINT).faults) == [0, 1, 2, 4]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_number_survives_being_written(numbers: list[float]) -> None:
    parsed = parse_numbers([repr(number) for number in numbers], POINT)

    assert parsed.faults == {}
    assert parsed.values.tolist() == numbers


@given(
    st.lists(st.text("0123456789.,eE+- \n'\u22121", max_size=6)), st.sampled_from([POINT, COMMA])
)
def test_column_of_numbers_is_read_cell_by_cell(texts: list[str], dialect: Dialect) -> None:
    cells = [parse_numbers([text], dialect) for text in texts]

    column = parse_numbers(texts, dialect)

    assert plain(column.values) == [plain(cell.values)[0] for cell in cells]
    assert sorted(column.faults) == [index for index, cell in enumerate(cells) if cell.faults]


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


@pytest.mark.parametrize(
    ("text", "vocabulary", "expected"),
    [
        (" NEAR BAY ", ("NEAR BAY",), "NEAR BAY"),
        ("near bay", ("NEAR BAY",), "near bay"),
        ("none", ("none",), "none"),
        ("1", ("1", "2"), "1"),
        ("1.0", ("1", "2"), "1"),
        ("1.", ("1", "2"), "1"),
        ("1", ("1.0", "2.0"), "1.0"),
        ("1.50", ("1.5",), "1.5"),
        ("1.0", ("1", "1.0"), "1.0"),
        ("01", ("1",), "01"),
        ("10", ("1",), "10"),
        ("v1.0", ("v1",), "v1.0"),
        ("true", ("True", "False"), "True"),
        ("FALSE", ("True", "False"), "False"),
        ("yes", ("True", "False"), "yes"),
    ],
)
def test_category_takes_the_spelling_of_the_vocabulary(
    text: str, vocabulary: tuple[str, ...], expected: str
) -> None:
    parsed = parse(category("kind", *vocabulary), [text], POINT)

    assert parsed.values.tolist() == [expected]


def test_category_of_a_whole_file_is_a_fault() -> None:
    longest = "x" * MAX_CATEGORY_CHARACTERS

    parsed = parse(category("kind"), [longest, longest + "x"], POINT)

    assert parsed.faults == {1: "may have at most 4096 characters"}
    assert parsed.values.tolist() == [longest, None]


@pytest.mark.parametrize(
    ("texts", "preferred", "expected"),
    [
        ([], POINT, (".", "")),
        (["1.5", "2"], POINT, (".", "")),
        (["1,5"], POINT, (",", "")),
        (["1,5"], COMMA, (",", ".")),
        (["1.5"], COMMA, (".", "")),
        (["0.455"], COMMA, (".", "")),
        (["1.234"], POINT, (".", "")),
        (["1.234"], COMMA, (",", ".")),
        (["1,234"], POINT, (".", "")),
        (["1,234", "2.5"], POINT, (".", ",")),
        (["1,234", "2.555"], POINT, (".", "")),
        (["1.234,5", "1.234"], POINT, (",", ".")),
        (["1,234.5"], COMMA, (".", ",")),
        (["1.234.567"], POINT, (",", ".")),
        (["1 234", "5,5"], POINT, (",", " ")),
        (["1 234"], POINT, (".", " ")),
        (["1'234.5"], POINT, (".", "'")),
        (["1.5", "2.5", "1,5"], POINT, (".", "")),
        (["abc", "1,5", "NA"], POINT, (",", "")),
        (["27,3", "25.461"], POINT, (",", ".")),
    ],
)
def test_notation_is_found_only_where_it_is_decided(
    texts: list[str], preferred: Dialect, expected: tuple[str, str]
) -> None:
    found = fit_notation(texts, preferred)

    assert (found.decimal, found.thousands) == expected
    assert found.delimiter == preferred.delimiter


@pytest.mark.parametrize(
    ("texts", "decimal", "thousands", "expected"),
    [
        (["1.5"], ",", None, (",", "")),
        (["1.234"], ",", None, (",", ".")),
        (["1,234"], None, ",", (".", ",")),
        (["1,5"], None, "", (",", "")),
        (["1,5"], None, ".", (",", ".")),
        ([], None, ".", (",", ".")),
        (["1,5"], ".", ",", (".", ",")),
    ],
)
def test_given_notation_is_not_overruled(
    texts: list[str], decimal: str | None, thousands: str | None, expected: tuple[str, str]
) -> None:
    found = fit_notation(texts, POINT, decimal=decimal, thousands=thousands)

    assert (found.decimal, found.thousands) == expected
