"""What the first line of a CSV body says."""

import pytest

from tests.vitrine.tables.tables import number, reader
from vitrine.errors import Fault, InvalidInstances, InvalidParameter
from vitrine.signature import Dialect
from vitrine.tables.header import MAX_COLUMNS

AGE, FARE, RATE = number("age"), number("fare"), number("interest rate, %")


def faults(header: bytes | str) -> list[str]:
    """Refuse a header for two columns, and say why."""
    with pytest.raises(InvalidInstances) as caught:
        reader(header, AGE, FARE)
    return [fault.detail for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("age,fare", ","),
        ("fare;age", ";"),
        ("age\tfare", "\t"),
        ("age|fare", "|"),
        ("a,b;fare;age", ";"),
        ("age,fare,x;y;z;u", ","),
        ('"age";"fare";"x,y,z"', ";"),
    ],
)
def test_delimiter_is_the_one_that_brings_out_the_columns(header: str, delimiter: str) -> None:
    assert reader(header, AGE, FARE).dialect.delimiter == delimiter


@pytest.mark.parametrize("trained", [",", ";", "\t", ":"])
def test_delimiter_is_the_training_files_where_one_column_leaves_it_open(trained: str) -> None:
    opened = reader("age\n1", AGE, training_dialect=Dialect(delimiter=trained))

    assert opened.dialect.delimiter == trained


def test_delimiter_of_the_training_file_is_tried_too() -> None:
    assert reader("age:fare", AGE, FARE, training_dialect=Dialect(delimiter=":")).names == (
        "age",
        "fare",
    )


@pytest.mark.parametrize(
    ("given", "delimiter"), [(";", ";"), ("tab", "\t"), (r"\t", "\t"), ("comma", ","), (":", ":")]
)
def test_given_delimiter_is_taken(given: str, delimiter: str) -> None:
    opened = reader(f"age{delimiter}fare", AGE, FARE, delimiter=given)

    assert opened.dialect.delimiter == delimiter


@pytest.mark.parametrize("given", ["", ";;", '"', "a", "5", ".", "-", " ", "\n", "\0", "§", "tabs"])
def test_impossible_delimiter_is_refused(given: str) -> None:
    with pytest.raises(InvalidParameter, match="delimiter"):
        reader("age,fare", AGE, FARE, delimiter=given)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("age,fare", ("age", "fare")),
        (" age ,\tfare\n", ("age", "fare")),
        ('"age","fare"\r\n', ("age", "fare")),
        ("\ufeffage,fare\r1,2", ("age", "fare")),
        ("\n\r\n  \nage,fare", ("age", "fare")),
        (",age,fare,", ("column 1", "age", "fare", "column 4")),
        ('"x\ny",age,fare', ("x\ny", "age", "fare")),
        ("größe,age,fare", ("größe", "age", "fare")),
    ],
    ids=["plain", "spaces", "quotes", "bom", "blank lines", "no name", "line end", "utf-8"],
)
def test_names_are_read_from_the_header(header: str, names: tuple[str, ...]) -> None:
    assert reader(header, AGE, FARE).names == names


def test_name_may_hold_the_delimiter() -> None:
    assert reader('"interest rate, %",age', RATE, AGE).names == ("interest rate, %", "age")


def test_columns_that_the_model_does_not_have_are_ignored_once() -> None:
    opened = reader("id,age,target,fare,", AGE, FARE)

    assert opened.ignored_columns == ("id", "target", "column 5")


def test_missing_columns_are_all_named_with_the_nearest() -> None:
    assert faults("name,agee") == [
        "Line 1: column 'age' is missing. Did you mean 'agee'?",
        "Line 1: column 'fare' is missing.",
    ]


def test_missing_column_is_not_taken_for_one_that_is_there() -> None:
    with pytest.raises(InvalidInstances) as caught:
        reader("\nage1,x", number("age1"), number("age2"))

    assert caught.value.faults == (
        Fault(detail="Line 2: column 'age2' is missing.", line=2, column="age2"),
    )


def test_many_missing_columns_are_counted() -> None:
    with pytest.raises(InvalidInstances, match=r"^500 faults were found. The first 20 are listed."):
        reader("x,y", *[number(f"feature {index}") for index in range(500)])


def test_repeated_column_is_a_fault_wherever_it_is() -> None:
    assert faults("age,fare,age,x,x,x,,") == [
        "Line 1, column 'age': must come once. Received: 2 times.",
        "Line 1, column 'x': must come once. Received: 3 times.",
    ]


def test_repetition_and_absence_are_told_together() -> None:
    assert faults("age, age") == [
        "Line 1, column 'age': must come once. Received: 2 times.",
        "Line 1: column 'fare' is missing.",
    ]


def test_rows_without_a_header_are_told_from_misspelt_columns() -> None:
    assert faults("1.5,2\n3,4")[0] == "Line 1: must name the columns. Received: '1.5,2'."


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"age,f\xe9e", "Line 1: must be UTF-8. Received: bytes of another encoding."),
        ("age,fare".encode("utf-16"), "Line 1: must be UTF-8. Received: UTF-16."),
        (b'age,"x\n","fare\n1,2', "Line 2: must close the quote that opens here."),
        (
            b"," * MAX_COLUMNS,
            f"Line 1: may name at most {MAX_COLUMNS} columns. Received: {MAX_COLUMNS + 1}.",
        ),
    ],
    ids=["latin-1", "utf-16", "quote", "columns"],
)
def test_unreadable_header_is_one_fault(header: bytes, message: str) -> None:
    assert faults(header) == [message]
