"""Rows of JSON become instances, or faults with pointers."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitrine.tables.tables import (
    COMMA,
    POINT,
    assert_same,
    category,
    date,
    number,
    only_block,
    plain,
)
from vitrine.errors import MAX_FAULTS, Fault
from vitrine.tables.rows import decode_rows

X, FLAG = number("x"), number("flag", maximum=1.0)
KIND, YES, DAY = category("kind", "a", "1"), category("yes", "True", "False"), date("day")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
NUMBER = st.integers() | st.floats()


@given(
    st.lists(st.tuples(JSON, JSON), min_size=1, max_size=3)
    | st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=3)
)
def test_columns_of_numbers_mean_together_what_each_means_alone(
    cells: list[tuple[object, object]],
) -> None:
    rows = [{"x": one, "flag": other} for one, other in cells]

    together = decode_rows(rows, [X, FLAG])

    for spec, other in ((X, "flag"), (FLAG, "x")):
        alone = decode_rows(rows, [spec])
        faulty = decode_rows([{other: row[other]} for row in rows], [X if other == "x" else FLAG])
        good = [index for index in range(len(rows)) if index not in alone.errors]
        kept = [place for place, index in enumerate(good) if index not in faulty.errors]
        np.testing.assert_array_equal(
            together.instances[spec.name], alone.instances[spec.name][kept]
        )
    assert together.errors.keys() == {
        index for spec in (X, FLAG) for index in decode_rows(rows, [spec]).errors
    }


def test_number_beyond_float32_leaves_the_other_columns_as_they_are() -> None:
    rows = [{"x": 1, "flag": 1}, {"x": 2, "flag": 1e39}, {"x": 3.5, "flag": 10**400}]

    block = decode_rows(rows, [X, FLAG])

    assert plain(block.instances["x"]) == plain(block.instances["flag"]) == [1.0]
    assert [fault.pointer for fault in block.faults] == ["#/instances/1/flag", "#/instances/2/flag"]


def test_rows_become_instances_in_order() -> None:
    rows = [
        {"x": 1, "kind": "a", "day": "1970-01-02"},
        {"day": None, "kind": None, "x": None},
        {"kind": 1, "x": 2.5, "day": "1970-01-03T00:00Z"},
    ]

    block = decode_rows(rows, [X, KIND, DAY])

    assert (block.rows, block.fault_count, block.errors) == (3, 0, {})
    assert block.instances["x"].dtype == np.float32
    assert {name: plain(column) for name, column in block.instances.items()} == {
        "x": [1.0, None, 2.5],
        "kind": ["a", None, "1"],
        "day": [1.0, None, 2.0],
    }


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        (3, X, 3.0),
        (1.5, X, 1.5),
        ("1.5", X, 1.5),
        ("NA", X, None),
        ("", X, None),
        (2**80, X, 2.0**80),
        (True, FLAG, 1.0),
        (False, FLAG, 0.0),
        ("true", FLAG, 1.0),
        ("a", KIND, "a"),
        (1, KIND, "1"),
        (1.0, KIND, "1"),
        (2.5, KIND, "2.5"),
        (True, YES, "True"),
        (False, YES, "False"),
        (True, KIND, "true"),
        ("1970-01-02", DAY, 1.0),
        (19700102, DAY, 1.0),
    ],
)
def test_value_is_read_by_its_column(value: object, column: Any, expected: object) -> None:
    block = decode_rows([{column.name: value}], [column])

    assert block.errors == {}
    assert plain(block.instances[column.name]) == [expected]


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        ("abc", X, "must be a number with decimal '.'. Received: 'abc'."),
        ("1,5", X, "must be a number with decimal '.'. Received: '1,5'."),
        (True, X, "must be a number with decimal '.'. Received: 'true'."),
        (1e39, X, "must lie within ±3.4e38, the range of float32. Received: '1e+39'."),
        (10**400, X, f"must lie within ±3.4e38, the range of float32. Received: '1{'0' * 38}…'."),
        ([1], X, "must be a number. Received: an array."),
        ({"a": 1}, KIND, "must be a text. Received: an object."),
        ([], DAY, "must be a text. Received: an array."),
        (45000, DAY, "must be a date, in ISO 8601 or as '2024-05-31'. Received: '45000'."),
    ],
    ids=[
        *("text", "comma", "boolean", "float", "integer", "array", "object", "no date", "serial"),
    ],
)
def test_fault_has_pointer_and_value(value: object, column: Any, text: str) -> None:
    good = {"x": 1, "kind": "a", "day": None}

    block = decode_rows([good, good | {column.name: value}, good], [X, KIND, DAY])

    detail = f"Instance 1, column {column.name!r}: {text}"
    fault = Fault(detail=detail, pointer=f"#/instances/1/{column.name}", column=column.name)
    assert block.faults == (fault,)
    assert block.errors == {1: detail}
    assert block.rows == 3
    assert plain(block.instances["x"]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("row", "shown"),
    [([1], "an array"), (None, "null"), ("a", "'a'"), (5, "'5'"), (True, "'true'")],
)
def test_row_must_be_an_object(row: object, shown: str) -> None:
    block = decode_rows([{"x": 1}, row], [X])

    detail = f"Instance 1: must be an object. Received: {shown}."
    assert block.faults == (Fault(detail=detail, pointer="#/instances/1"),)


def test_missing_key_is_a_fault_with_the_key_of_the_row_that_is_meant() -> None:
    rows = [{"median_incme": 1}, {"median_income": 2}, {"other": 3}]

    block = decode_rows(rows, [number("median_income")])

    assert [fault.detail for fault in block.faults] == [
        "Instance 0, column 'median_income': is missing. The row has 'median_incme': rename it.",
        "Instance 2, column 'median_income': is missing.",
    ]
    assert block.ignored_columns == ("median_incme", "other")


def test_key_is_meant_for_one_missing_key_alone() -> None:
    block = decode_rows([{"longitud": 1}], [number("latitude"), number("longitude")])

    assert [fault.detail for fault in block.faults] == [
        "Instance 0, column 'latitude': is missing.",
        "Instance 0, column 'longitude': is missing. The row has 'longitud': rename it.",
    ]


def test_missing_key_of_a_category_is_a_fault() -> None:
    assert decode_rows([{}], [KIND, X]).errors == {
        0: "Instance 0, column 'kind': is missing. Instance 0, column 'x': is missing."
    }


def test_unknown_keys_are_listed_once_in_order() -> None:
    rows = [{"x": 1, "b": 1, "a": 2}, {"x": 1}, {"a": {"x": [None]}, "x": 1, "c": [], "": 2**90}]

    block = decode_rows(rows, [X])

    assert (block.fault_count, block.ignored_columns) == (0, ("b", "a", "c", ""))


def test_faults_come_in_the_order_of_rows_and_columns() -> None:
    rows: list[object] = [5, *[{"x": "a", "flag": "b"}] * 100]

    block = decode_rows(rows, [X, FLAG])

    assert block.fault_count == 201
    assert [fault.pointer for fault in block.faults[:4]] == [
        "#/instances/0",
        "#/instances/1/x",
        "#/instances/1/flag",
        "#/instances/2/x",
    ]
    assert len(block.faults) == MAX_FAULTS
    assert len(block.errors) == 101


def test_pointer_is_escaped_as_a_fragment() -> None:
    name = "a/b~c d%"

    (fault,) = decode_rows([{name: []}], [number(name)]).faults

    assert fault.pointer == "#/instances/0/a~1b~0c%20d%25"


def test_no_rows_are_no_instances() -> None:
    block = decode_rows([], [X, KIND])

    assert (block.rows, len(block.instances["x"]), len(block.instances["kind"])) == (0, 0, 0)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_json_and_csv_give_the_same_numbers(numbers: list[float]) -> None:
    body = "x\n" + "\n".join(map(repr, numbers))

    assert_same(
        decode_rows([{"x": value} for value in numbers], [X]).instances,
        only_block(body, X).instances,
    )


@given(st.lists(JSON | st.fixed_dictionaries({"x": JSON, "kind": JSON, "day": JSON})))
def test_any_json_is_read_or_a_fault(rows: list[object]) -> None:
    block = decode_rows(rows, [X, KIND, DAY])

    assert block.rows == len(rows)
    good = block.rows - len(block.errors)
    assert {len(column) for column in block.instances.values()} == {good}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["12.430", "7"], [12430.0, 7.0]),
        (["12,5", "1.234,5"], [12.5, 1234.5]),
        (["12.5", "7.25"], [12.5, 7.25]),
        ([12.5, "1.234", None], [12.5, 1234.0, None]),
        ([1e-7, "7"], [1e-7, 7.0]),
    ],
    ids=["thousands", "decimal commas", "decimal points", "numbers among texts", "small number"],
)
def test_text_of_a_number_is_read_as_the_training_file_writes_it(
    cells: list[object], expected: list[float | None]
) -> None:
    block = decode_rows([{"x": cell} for cell in cells], [X], COMMA)

    assert block.errors == {}
    known = [None if value is None else np.float32(value) for value in expected]
    assert plain(block.instances["x"]) == known


def test_fault_among_texts_and_numbers_is_found_in_any_dialect() -> None:
    block = decode_rows([{"x": 12.5}, {"x": "many"}, {"x": []}, {}], [X], COMMA)

    assert [fault.detail for fault in block.faults] == [
        "Instance 1, column 'x': must be a number with decimal ',' and thousands '.'. "
        "Received: 'many'.",
        "Instance 2, column 'x': must be a number. Received: an array.",
        "Instance 3, column 'x': is missing.",
    ]


def test_unit_of_a_column_may_stand_in_a_text() -> None:
    price = msgspec.structs.replace(X, unit="$")

    block = decode_rows([{"x": "$5"}, {"x": 5}, {"x": "\u20ac5"}], [price], POINT)

    assert plain(block.instances["x"]) == [5.0, 5.0]
    assert [fault.detail for fault in block.faults] == [
        "Instance 2, column 'x': must be a number with decimal '.', alone or with '$'. "
        "Received: '\u20ac5'."
    ]


def test_names_of_members_are_compared_in_nfc() -> None:
    rows = [{"a\u0301rea": 1, "f\xe9": 2}, {"a\u0301rea": 1, "\xe1rea": 3}]

    block = decode_rows(rows, [number("\xe1rea")])

    assert plain(block.instances["\xe1rea"]) == [1.0, 3.0]
    assert block.ignored_columns == ("f\xe9",)
