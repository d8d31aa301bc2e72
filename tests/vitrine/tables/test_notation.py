"""The marks of numbers are found out from them."""

import pytest

from tests.vitrine.tables.tables import COMMA, POINT
from vitrine.signature import Dialect
from vitrine.tables.notation import fit_file_notation, fit_notation


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


FILES: dict[str, tuple[str, list[list[str]], tuple[str, str]]] = {
    "thousands in a comma-delimited file": (",", [["12,430", "999"], ["1", "2"]], (".", ",")),
    "thousands in a tab-delimited file": ("\t", [["12,430", "7,000"]], (".", ",")),
    "German thousands": (";", [["28.459", "7.000"], ["x", "y"]], (",", ".")),
    "German decimals": (";", [["12,430", "7,000"]], (",", "")),
    "a leading zero": (";", [["0.455", "1.234"]], (".", "")),
    "four digits before a point": (";", [["1234.567", "1.234"]], (".", "")),
    "another column has decimals": (";", [["28.459", "7.000"], ["1.5", "2.25"]], (".", "")),
    "thousands beside decimals": (",", [["12,430", "7,000"], ["1.5", "2.25"]], (".", ",")),
    "decimal commas": (",", [["1,5", "1,234"]], (",", "")),
    "plain decimals": (",", [["28.459", "7.000"]], (".", "")),
    "both marks": (",", [["1.234,5", "1.234"]], (",", ".")),
    "Indian groups": (",", [["12,34,567", "999"]], (".", ",")),
    "French": (";", [["1\u202f234,56", "2,5"]], (",", " ")),
    "Swiss": (";", [["1\u2019234.50", "2.50"]], (".", "'")),
    "dollars": (";", [["$20,972", "$1,000"]], (".", ",")),
    "euros": (",", [["19.656 \u20ac", "7.000 \u20ac"]], (",", ".")),
    "euros with a comma": (",", [["19,656 \u20ac", "7,000 \u20ac"]], (".", ",")),
    "accounts": (",", [["(1,200)", "$ -", "3,000-"]], (".", ",")),
    "text with commas": (",", [["12,5 Main Street", "x"], ["1.5", "2"]], (".", "")),
    "few numbers in a text": (",", [["a", "b", "c", "d", "1,5"], ["1.234", "2"]], (".", "")),
    "a column that contradicts": (
        ",",
        [["1.5", "2.5", "3.5"], ["12,34", "1", "2"]],
        (".", ""),
    ),
    "a mistake among thousands": (",", [[*(f"1,{n}" for n in range(234, 334)), "1,5"]], (".", ",")),
    "a short fraction among others": (
        ";",
        [[*(f"1.{n}" for n in range(234, 334)), "1.5", "1.25", "1.75"]],
        (".", ""),
    ),
    "nothing": (",", [["a"], []], (".", "")),
}


@pytest.mark.parametrize(("delimiter", "columns", "expected"), FILES.values(), ids=FILES)
def test_notation_of_a_file_is_found(
    delimiter: str, columns: list[list[str]], expected: tuple[str, str]
) -> None:
    found = fit_file_notation(columns, delimiter)

    assert (found.decimal, found.thousands) == expected
    assert found.delimiter == delimiter


def test_given_notation_of_a_file_is_not_overruled() -> None:
    columns = [["28.459", "7.000"]]

    assert fit_file_notation(columns, ";", thousands="").thousands == ""
    assert fit_file_notation(columns, ",", decimal=",").thousands == "."
