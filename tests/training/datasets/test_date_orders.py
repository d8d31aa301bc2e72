"""Whether the day or the month comes first is found from the dates."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from training.datasets.date_orders import (
    Order,
    describe_order,
    find_date_kind,
    why_no_dates,
)

FIRSTS = [date(2010 + index // 12, 1 + index % 12, 1) for index in range(60)]
# Days up to the twelfth of random months, in the order of time and in none.
RANDOM = sorted(
    date(year, month, day)
    for year, month, day in np.random.default_rng(0).integers((2015, 1, 1), (2024, 13, 13), (60, 3))
)
SHUFFLED = [RANDOM[index] for index in np.random.default_rng(1).permutation(60)]


def american(days: Sequence[date]) -> list[str]:
    """Write the month first."""
    return [f"{day.month}/{day.day}/{day.year}" for day in days]


def british(days: Sequence[date]) -> list[str]:
    """Write the day first."""
    return [f"{day.day}/{day.month}/{day.year}" for day in days]


CASES: dict[str, tuple[list[str], Order, str]] = {
    "a day after the twelfth": (["12/25/2022", "1/2/2022"], "month", "leaves no other way"),
    "American firsts of months": (american(FIRSTS), "month", "evenly spaced"),
    "British firsts of months": (british(FIRSTS), "day", "evenly spaced"),
    "American quarters": (american(FIRSTS[::3]), "month", "evenly spaced"),
    "firsts with a gap": (american([*FIRSTS[:20], *FIRSTS[22:]]), "month", "evenly spaced"),
    "firsts in no order": (american([*FIRSTS[30:], *FIRSTS[:30]]), "month", "evenly spaced"),
    "a single year": (american(FIRSTS[:12] * 2), "month", "the first day of a month"),
    "American rows in the order of time": (american(RANDOM), "month", "in the order of time"),
    "British rows, the newest first": (british(RANDOM[::-1]), "day", "in the order of time"),
    "AM and PM": ([f"{text} 8:00 PM" for text in american(SHUFFLED)], "month", "AM and PM"),
}


@pytest.mark.parametrize(("texts", "order", "reason"), CASES.values(), ids=CASES)
def test_order_is_found_from_the_dates(texts: list[str], order: Order, reason: str) -> None:
    kind = find_date_kind(texts, None)

    assert kind is not None
    assert kind.order == order
    assert reason in kind.reason


def test_day_comes_first_where_nothing_decides() -> None:
    kind = find_date_kind(american(SHUFFLED), None)

    assert kind is not None
    assert (kind.order, kind.other, kind.reason) == ("day", "%m/%d/%Y", "")


@pytest.mark.parametrize("order", ["day", "month"])
def test_given_order_is_taken_where_both_are_possible(order: Order) -> None:
    kind = find_date_kind(american(FIRSTS), order)

    assert kind is not None
    assert kind.order == order


def test_given_order_does_not_overrule_a_day_after_the_twelfth() -> None:
    kind = find_date_kind(["25/12/2022", "1/2/2022"], "month")

    assert kind is not None
    assert kind.format == "%d/%m/%Y"


@pytest.mark.parametrize(
    "texts", [["2024-01-05"], ["3 May 2024"], ["5/5/2024"], ["31.01.2024"], ["02.01.2024"]]
)
def test_date_that_has_one_meaning_needs_no_note(texts: list[str]) -> None:
    kind = find_date_kind(texts, None)

    assert kind is not None
    assert describe_order("when", kind, texts) == []


def test_text_is_no_date() -> None:
    assert find_date_kind(["soon"], None) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ["12/25/2022"],
            "'when' is read with the month first: '12/25/2022' leaves no other way.",
        ),
        (
            american(FIRSTS),
            "'when' is read with the month first, so '2/1/2010' is 1 February 2010: then the dates "
            "are evenly spaced. Give --day-first if this is wrong.",
        ),
        (
            ["1/1/2022", "2/1/2022"],
            "'when' does not tell whether the day or the month comes first. It is read with the "
            "day first, so '2/1/2022' is 2 January 2022. Give --month-first if this is wrong.",
        ),
    ],
    ids=["no other way", "evidence", "nothing"],
)
def test_order_is_told_with_its_reason(texts: list[str], expected: str) -> None:
    kind = find_date_kind(texts, None)

    assert kind is not None
    if expected.startswith("'when' does not"):
        kind = type(kind)("%d/%m/%Y", "day", "%m/%d/%Y")
    assert describe_order("when", kind, texts) == [expected]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ["25/12/2022", "12/25/2022"],
            "dates in different formats, such as '25/12/2022' and '12/25/2022'",
        ),
        (
            ["2022-01-05", "2022-01-06", "soon"],
            "text such as 'soon' among dates",
        ),
        (["soon", "later", "2022-01-05"], ""),
        (["soon"], ""),
    ],
    ids=["formats", "text", "mostly text", "no date"],
)
def test_reason_names_what_is_in_the_way_of_dates(texts: list[str], expected: str) -> None:
    assert why_no_dates(texts) == expected


def test_random_days_are_no_evidence() -> None:
    start, rng = date(2020, 1, 1), np.random.default_rng(2)
    days = [start + timedelta(days=int(day)) for day in rng.integers(0, 2000, 200)]

    kind = find_date_kind(american([day for day in days if day.day <= 12]), None)

    assert kind is not None
    assert kind.reason == ""
