"""What the text of a number means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitrine.tables.tables import COMMA, POINT, plain
from vitrine.signature import Dialect
from vitrine.tables.numbers import fit_notation, parse_numbers

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
