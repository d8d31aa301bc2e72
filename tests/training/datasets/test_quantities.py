"""Columns of numbers are read with their units, brackets and texts for nothing."""

import numpy as np
import pytest

from training.datasets.quantities import describe_marks, read_quantities, why_no_numbers
from vitrine.signature import Dialect

POINT, GROUPED = Dialect(), Dialect(thousands=",")
GERMAN = Dialect(delimiter=";", decimal=",", thousands=".")


def test_numbers_are_read_with_their_unit() -> None:
    quantities = read_quantities(["$20,972", None, "($5)", "7", "USD 3"], GROUPED)

    assert (quantities.unit, quantities.faults, quantities.has_numbers) == ("$", {}, True)
    np.testing.assert_array_equal(quantities.values, [20972, np.nan, -5, 7, 3])


def test_numbers_without_a_unit_have_none() -> None:
    assert read_quantities(["1", "2.5", None], POINT).unit == ""


def test_number_with_another_unit_is_a_fault() -> None:
    quantities = read_quantities(["$1", "$2", "\u20ac3"], POINT)

    assert (quantities.unit, list(quantities.faults)) == ("$", [2])


def test_number_without_a_percent_sign_is_a_fault_among_percentages() -> None:
    quantities = read_quantities(["12%", "0.12", "0", "7 %"], POINT)

    assert quantities.faults == {1: "must have '%', as other cells have"}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["none", "1", "2"], False),
        (["none", *map(str, range(20))], True),
        (["-", "1", "2"], True),
        (["-", "-"], False),
    ],
    ids=["a category", "a word among many numbers", "a dash", "dashes alone"],
)
def test_words_for_nothing_are_blanks_among_many_numbers(texts: list[str], expected: bool) -> None:
    assert read_quantities(texts, POINT).has_numbers is expected


def test_notes_say_how_texts_are_read() -> None:
    texts = ["$1,500.1", "($2)", "-", "-", "$ -", "3", "-$4", None]

    assert read_quantities(texts, GROUPED).notes("budget") == [
        "'budget' is read as numbers with the unit '$': '$1,500.1' is 1500.1; '($2)' is -2.",
        "'budget' has missing values: '-' in 2 of 8, '$ -' in 1 of 8 rows.",
    ]


@pytest.mark.parametrize("texts", [["1", "-2.5", "1e5", None], ["1,234"]], ids=["plain", "grouped"])
def test_plain_numbers_need_no_note(texts: list[str | None]) -> None:
    assert read_quantities(texts, GROUPED).notes("x") == []


@pytest.mark.parametrize(
    ("texts", "dialect", "expected"),
    [
        (
            ["$5", "\u20ac7", "$8"],
            POINT,
            "numbers with different units, such as '$5' and '\u20ac7'",
        ),
        (["12%", "0.5"], POINT, "numbers with different units, such as '0.5' and '12%'"),
        (
            ["1,234.5", "1,5", "2.5"],
            GROUPED,
            "numbers with different marks, such as '1,5' and '1,234.5'",
        ),
        (
            ["12,34"],
            POINT,
            "numbers with other marks than the rest of the file, such as '12,34'",
        ),
        (["1", "2", "tbd"], POINT, "text such as 'tbd' among numbers"),
        (["1", "2", "-"], POINT, ""),
        (["a", "b", "3"], POINT, ""),
        ([*map(str, range(30)), *(f"A/{row}" for row in range(20))], POINT, ""),
    ],
    ids=[
        *("units", "percent or not", "marks", "all other marks", "text", "numbers", "texts"),
        "many texts",
    ],
)
def test_reason_names_what_is_in_the_way_of_numbers(
    texts: list[str], dialect: Dialect, expected: str
) -> None:
    assert why_no_numbers(texts, dialect) == expected


def test_marks_are_told_with_an_example() -> None:
    assert describe_marks([["7", None], ["28.459"]], GERMAN) == [
        "Numbers have the decimal mark ',' and the thousands mark '.': '28.459' is 28459. "
        "Give --decimal or --thousands if this is wrong."
    ]
    assert describe_marks([["12,5 km"]], Dialect(decimal=",")) == [
        "Numbers have the decimal mark ',': '12,5 km' is 12.5. "
        "Give --decimal or --thousands if this is wrong."
    ]


def test_usual_marks_and_unused_marks_are_not_told() -> None:
    assert describe_marks([["1.5"]], POINT) == []
    assert describe_marks([["7"]], GERMAN) == []
