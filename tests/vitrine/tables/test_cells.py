"""What a cell means in every kind of column."""

import pytest

from tests.vitrine.tables.tables import POINT, category, plain
from vitrine.tables.cells import MAX_CATEGORY_CHARACTERS, parse
from vitrine.tables.dates import parse_dates
from vitrine.tables.numbers import parse_numbers
from vitrine.tables.parsed import BLANKS


@pytest.mark.parametrize("blank", sorted(BLANKS))
def test_blank_is_blank_in_every_kind_of_column(blank: str) -> None:
    texts = [blank, f"  {blank} "]

    assert plain(parse_numbers(texts, POINT).values) == [None, None]
    assert plain(parse_dates(texts, "%Y-%m-%d").values) == [None, None]
    assert plain(parse(category("kind"), texts, POINT).values) == [None, None]


def test_no_text_at_all_is_blank() -> None:
    assert plain(parse_numbers([None, "1"], POINT).values) == [None, 1.0]
    assert plain(parse_dates([None], "%Y").values) == [None]


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
        ("YES", ("no", "yes"), "yes"),
        ("no", ("No", "Yes", "Unknown"), "No"),
        ("y", ("N", "Y"), "Y"),
        ("y", ("X", "Y"), "y"),
        ("Yes", ("Yes", "yes"), "Yes"),
        ("a\u0301", ("\xe1",), "\xe1"),
        ("\xe1", ("a\u0301",), "a\u0301"),
        ("e\u0301", ("\xe1",), "\xe9"),
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
