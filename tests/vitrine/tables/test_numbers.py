"""What the text of a number means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitrine.tables.tables import COMMA, POINT, plain
from vitrine.signature import Dialect
from vitrine.tables.numbers import parse_numbers
from vitrine.tables.parsed import EMPTY_QUANTITIES, EMPTY_WORDS

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
        ("12,34,567", GROUPED, 1234567.0),
        ("1,23,456.5", GROUPED, 123456.5),
        ("(120)", POINT, -120.0),
        ("120-", POINT, -120.0),
        ("- 120", POINT, -120.0),
        ("(1.234,5)", COMMA, -1234.5),
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
        ("12,34", GROUPED),
        ("1234,567", GROUPED),
        ("12,34,56", GROUPED),
        ("(-5)", POINT),
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


@pytest.mark.parametrize(
    ("text", "dialect", "unit", "expected"),
    [
        ("$20,972", GROUPED, "$", 20972.0),
        ("20972", GROUPED, "$", 20972.0),
        ("USD 5", POINT, "$", 5.0),
        ("($5)", POINT, "$", -5.0),
        ("1.234,5 \u20ac", COMMA, "\u20ac", 1234.5),
        ("35km", POINT, "km", 35.0),
        ("12.4 %", POINT, "%", 12.4),
        ("$ -", POINT, "$", None),
    ],
)
def test_number_may_have_the_unit_of_its_column(
    text: str, dialect: Dialect, unit: str, expected: float | None
) -> None:
    parsed = parse_numbers([text], dialect, unit=unit)

    assert parsed.faults == {}
    assert plain(parsed.values) == [None if expected is None else np.float32(expected)]


@pytest.mark.parametrize("text", ["\u20ac5", "5 km", "5%"])
def test_number_with_another_unit_is_a_fault(text: str) -> None:
    parsed = parse_numbers(["$5", text], POINT, unit="$")

    assert parsed.faults == {1: "must be a number with decimal '.', alone or with '$'"}


@pytest.mark.parametrize("blank", sorted(EMPTY_QUANTITIES | EMPTY_WORDS))
def test_nothing_is_blank_where_a_number_is_expected(blank: str) -> None:
    parsed = parse_numbers([blank, "2"], POINT)

    assert parsed.faults == {}
    assert plain(parsed.values) == [None, 2.0]


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
