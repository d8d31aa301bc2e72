"""The kind of each column is recognized from its texts."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from training.datasets.column_kinds import ColumnKinds, Overrides, recognize_kinds
from training.errors import CannotTrain
from vitrine.signature import Dialect
from vitrine.tables.files import read_table

POINT = Dialect()


ANY = [f"{value}.5" for value in range(40)]
# Sixty numbers that do not count the rows.
SIXTY = [str(row * 3) for row in range(60)]
DAYS = [f"2020-01-{day:02d}" for day in range(1, 31)]


def kind(texts: Sequence[str | None], *, name: str = "x", dialect: Dialect = POINT) -> str:
    """Return a column's kind, or why it is left out."""
    kinds = recognize_kinds({name: texts, "other": ANY}, dialect, Overrides())
    return kinds.inputs.get(name) or kinds.left_out[name]


KINDS: dict[str, tuple[Sequence[str | None], str]] = {
    "whole numbers": (["3", "1", "2"] * 10, "number"),
    "numbers and blanks": (["1.5", None, "-2e3"] * 10, "number"),
    "flags": (["0", "1"] * 20, "number"),
    "texts": (["red", "blue", None] * 10, "category"),
    "true and false": (["true", "false"] * 10, "category"),
    "ISO dates": ([f"2020-01-{day:02d}" for day in range(1, 31)], "%Y-%m-%d"),
    "German dates": ([f"{day:02d}.03.2020" for day in range(1, 31)], "%d.%m.%Y"),
    "days past twelve come first": (["13/01/2020", "01/02/2020"] * 9, "%d/%m/%Y"),
    "days past twelve come second": (["01/13/2020", "02/01/2020"] * 9, "%m/%d/%Y"),
    "unique text": ([f"name {row}" for row in range(30)], "near-unique text: 30 different in 30"),
    "mostly rare text": (
        [f"name {row // 3}" for row in range(600)] + ["Smith"] * 90,
        "category",
    ),
    "blank": ([None] * 30, "every value is missing"),
    "constant": (["7"] * 30, "every value is '7'"),
    "constant or blank": (["7", None] * 15, "number"),
    "row number from 0": ([str(row) for row in range(30)], "row number"),
    "row number from 1, shuffled": ([str(1 + row * 7 % 30) for row in range(30)], "row number"),
    "years in a row": ([str(1990 + row) for row in range(30)], "number"),
    "text among numbers": (
        [str(row * 3) for row in range(60)] + ["unknown"],
        "text such as 'unknown' among numbers; empty it, or give --categorical",
    ),
    "text in a quarter of the cells": (
        SIXTY + ["tbd"] * 20,
        "text such as 'tbd' among numbers; empty it, or give --categorical",
    ),
    "dashes in a quarter of the cells": (
        [str(row * 3) for row in range(60)] + ["-"] * 20,
        "number",
    ),
    "errors of a spreadsheet": (SIXTY + ["#DIV/0!"] * 20, "number"),
    "few numbers and a word for none": (["none", "1", "2"] * 10, "category"),
    "dashes alone": (["-", "--"] * 20, "category"),
    "dollars": ([f"${row * 30}" for row in range(60)], "number"),
    "different currencies": (
        [f"${text}" for text in SIXTY] + [f"\xa3{text}" for text in SIXTY],
        "numbers with different units, such as '$0' and '\xa30'; write all alike",
    ),
    "different marks": (
        [f"{row},5" for row in range(30)] + [f"{row}.5" for row in range(30)],
        "numbers with different marks, such as '0,5' and '10.5'; write all alike",
    ),
    "tickets": (
        [f"A/{row}" for row in range(20)] + [str(row * 3) for row in range(30)],
        "near-uni",
    ),
    "ISO dates with an offset": (
        [f"2020-01-{day:02d}T08:00Z" for day in range(1, 31)],
        "%Y-%m-%dT",
    ),
    "days of one month in words": ([f"{day} Jan 2024" for day in range(1, 31)], "%d %b %Y"),
    "dates and dashes": (DAYS + ["-"] * 9, "%Y-%m-%d"),
    "text among dates": (DAYS + ["soon"] * 9, "text such as 'soon' among dates; empty it"),
}


@pytest.mark.parametrize(("texts", "expected"), KINDS.values(), ids=KINDS)
def test_kind_is_recognized_from_texts(texts: Sequence[str | None], expected: str) -> None:
    assert kind(texts).startswith(expected)


@pytest.mark.parametrize(
    "name", ["id", "CustomerId", "passenger_id", "Invoice No", "Unnamed: 0", "column 1", "key"]
)
def test_whole_numbers_named_as_identifiers_are_left_out(name: str) -> None:
    texts = [str(15_000_000 + row * 37) for row in range(60)]

    assert kind(texts, name=name).startswith("identifier: 60 different whole numbers in 60 rows")


@pytest.mark.parametrize("name", ["population", "paid", "width", "valid"])
def test_whole_numbers_named_otherwise_stay(name: str) -> None:
    assert kind([str(15_000 + row * 37) for row in range(60)], name=name) == "number"


def test_repeated_numbers_named_as_identifiers_stay() -> None:
    assert kind([str(row % 9) for row in range(60)], name="store id") == "number"


def test_numbers_are_read_in_the_dialect() -> None:
    texts = [f"1.{row:03d},5" for row in range(40)]

    assert kind(texts, dialect=Dialect(decimal=",", thousands=".")) == "number"
    assert kind(texts) != "number"


def test_text_that_is_nearly_always_rare_is_left_out() -> None:
    texts = [f"name {row // 2}" for row in range(600)]

    assert kind(texts).startswith("mostly rare text")


def test_unit_of_numbers_is_found() -> None:
    kinds = recognize_kinds({"x": [f"{row} km" for row in range(40)]}, POINT, Overrides())

    assert (kinds.inputs, kinds.units) == ({"x": "number"}, {"x": "km"})
    assert "'x' is read as numbers with the unit 'km'" in kinds.notes[0]


def test_dates_that_leave_their_order_open_follow_the_other_dates() -> None:
    columns = {"when": ["2/1/2020", "2/3/2020"] * 9, "paid": ["12/25/2020", "1/2/2020"] * 9}

    kinds = recognize_kinds(columns, POINT, Overrides())

    assert kinds.inputs == {"when": "%m/%d/%Y", "paid": "%m/%d/%Y"}
    assert "'when' is read with the month first" in kinds.notes[0]
    assert "as in 'paid'" in kinds.notes[0]


def test_order_of_dates_can_be_given() -> None:
    columns = {"when": ["2/1/2020", "2/3/2020"] * 9}

    kinds = recognize_kinds(columns, POINT, Overrides(order="month"))

    assert kinds.inputs == {"when": "%m/%d/%Y"}
    assert "as --month-first says" in kinds.notes[0]


def test_category_of_numbers_and_a_text_is_told() -> None:
    kinds = recognize_kinds({"x": ["1", "2", "3", "unknown"] * 10}, POINT, Overrides())

    assert kinds.inputs == {"x": "category"}
    assert kinds.notes == (
        "'x' contains text such as 'unknown' among numbers. It is read as a category.",
    )


def test_grouped_row_numbers_are_left_out() -> None:
    texts = [f"{row:,}" for row in range(1, 1201)]

    assert kind(texts, dialect=Dialect(thousands=",")) == "row number"


OVERRIDES = {
    "number as category": (Overrides(categorical=("x",)), ["1", "2"] * 10, "category"),
    "row number as number": (Overrides(numeric=("x",)), list("0123456789" * 3), "number"),
    "unique text as category": (
        Overrides(categorical=("x",)),
        [f"name {row}" for row in range(30)],
        "category",
    ),
    "number as date": (Overrides(dates=("x",)), ["2020-01-01"] * 30, "%Y-%m-%d"),
    "unit as number": (Overrides(numeric=("x",)), ["5 km", "7 km"] * 10, "number"),
}


@pytest.mark.parametrize(("overrides", "texts", "expected"), OVERRIDES.values(), ids=OVERRIDES)
def test_override_wins(overrides: Overrides, texts: list[str | None], expected: str) -> None:
    kinds = recognize_kinds({"x": texts, "other": ANY}, POINT, overrides)

    assert kinds.inputs["x"] == expected


def test_ignored_column_is_left_out() -> None:
    kinds = recognize_kinds({"x": ANY, "y": ANY}, POINT, Overrides(ignored=("x",)))

    assert kinds == ColumnKinds({"y": "number"}, {"x": "left out by --ignore"})


def test_unknown_override_names_the_nearest_column() -> None:
    with pytest.raises(CannotTrain, match=r"no column 'distric'\. Did you mean 'district'"):
        recognize_kinds({"district": ANY}, POINT, Overrides(ignored=("distric",)))


def test_numeric_override_of_text_is_refused() -> None:
    with pytest.raises(CannotTrain, match=r"'x' cannot be --numeric: data row 2 must be a number"):
        recognize_kinds({"x": ["1", "one"]}, POINT, Overrides(numeric=("x",)))


def test_date_override_of_text_is_refused() -> None:
    with pytest.raises(CannotTrain, match="'x' cannot be --date"):
        recognize_kinds({"x": ["soon"]}, POINT, Overrides(dates=("x",)))


def test_table_without_inputs_is_refused() -> None:
    with pytest.raises(CannotTrain, match="No column is left"):
        recognize_kinds({"x": [None] * 30}, POINT, Overrides())


EXPECTED_LEFT_OUT = {
    "mpg.csv": {"name"},
    "titanic_kaggle.csv": {"PassengerId", "Name", "Ticket", "Cabin"},
    "churn.csv": {"RowNumber", "CustomerId", "Surname"},
    "ai4i2020_bom.csv": {"UDI", "Product ID"},
}


def test_columns_of_real_tables_are_recognized() -> None:
    folder = os.environ.get("VITRINE_DATA")
    if not folder:
        pytest.skip("VITRINE_DATA names no folder")
    with (Path(folder) / "tables" / "manifest.csv").open() as stream:
        listed = list(csv.DictReader(stream))

    for row in listed:
        table = read_table(Path(folder) / "tables" / row["path"])
        columns = {name: texts for name, texts in table.columns.items() if name != row["target"]}
        left_out = recognize_kinds(columns, table.dialect, Overrides()).left_out
        assert set(left_out) == EXPECTED_LEFT_OUT.get(row["path"], set()), row["path"]
