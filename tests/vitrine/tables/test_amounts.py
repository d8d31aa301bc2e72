"""An amount consists of a sign, a number and a unit."""

import pytest

from vitrine.tables.amounts import Amount, read_amount, same_unit, writes_decimal_comma


@pytest.mark.parametrize(
    ("text", "number", "is_negative", "unit"),
    [
        ("$20,972", "20,972", False, "$"),
        ("-$5", "5", True, "$"),
        ("$-5", "5", True, "$"),
        ("($1,200.50)", "1,200.50", True, "$"),
        ("$(5)", "5", True, "$"),
        ("(120)", "120", True, ""),
        ("120-", "120", True, ""),
        ("- 120", "120", True, ""),
        ("\u2212120 km", "120", True, "km"),
        ("+5 km", "5", False, "km"),
        ("35 km", "35", False, "km"),
        ("35km/h", "35", False, "km/h"),
        ("12.4%", "12.4", False, "%"),
        ("(5 %)", "5", True, "%"),
        ("5 \u20ac", "5", False, "\u20ac"),
        ("EUR 5", "5", False, "EUR"),
        ("R$ 1.234,56", "1.234,56", False, "R$"),
        ("kr 199,-", "199", False, "kr"),
        ("199.-", "199", False, ""),
        ("1 234 km", "1 234", False, "km"),
        ("1\u202f234,5\u00a0\u20ac", "1\u202f234,5", False, "\u20ac"),
        ("CHF 1'200.50", "1'200.50", False, "CHF"),
        ("5 m\u00b2", "5", False, "m\u00b2"),
        ("5 m2", "5", False, "m2"),
        ("7 L/100km", "7", False, "L/100km"),
        ("5 sq ft", "5", False, "sq ft"),
        ("$5/hr", "5", False, "$/hr"),
        ("$1.2M", "1.2", False, "$ M"),
        ("$ 5.00 USD", "5.00", False, "$"),
        ("1.5e5 J", "1.5e5", False, "J"),
        ("$ -", "", False, "$"),
        ("- \u20ac", "", False, "\u20ac"),
    ],
)
def test_amount_is_split(text: str, number: str, is_negative: bool, unit: str) -> None:
    assert read_amount(text) == Amount(number, is_negative, unit)


@pytest.mark.parametrize(
    "text",
    [
        *("C85", "R5", "--5", "(-5)", "5 ft 7 in", "1h 30m", "2024-01-03", "5 Jan 2024", "08:00"),
        *("8 AM", "12 - 15", "1/2", "5+", "~5", "5 kg (est)", "", "km", "(5", "5)", "1" * 65),
    ],
)
def test_other_text_is_no_amount(text: str) -> None:
    assert read_amount(text) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("\u20ac", "EUR", True),
        ("$", "usd", True),
        ("$", "\uff04", True),
        ("m\u00b2", "m2", True),
        ("day", "days", True),
        ("m", "ms", False),
        ("mW", "MW", False),
        ("$", "\u20ac", False),
        ("$", "A$", False),
    ],
)
def test_spellings_of_one_unit_are_the_same(one: str, other: str, expected: bool) -> None:
    assert same_unit(one, other) is expected


@pytest.mark.parametrize(("unit", "expected"), [("EUR", True), ("$", False), ("km", None)])
def test_decimal_mark_goes_with_a_currency(unit: str, expected: bool | None) -> None:
    assert writes_decimal_comma(unit) is expected
