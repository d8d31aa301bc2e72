"""What the first line of a CSV body says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitrine.tables.tables import number, only_block, plain, reader
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
        "Line 1: column 'age' is missing. The file has 'agee': rename it.",
        "Line 1: column 'fare' is missing. Other columns of the file: 'name,agee'.",
    ]


def test_missing_column_is_not_taken_for_one_that_is_there() -> None:
    with pytest.raises(InvalidInstances) as caught:
        reader("\nage1,x", number("age1"), number("age2"))

    assert caught.value.faults == (
        Fault(
            detail="Line 2: column 'age2' is missing. Other columns of the file: 'x'.",
            line=2,
            column="age2",
        ),
    )


def test_many_missing_columns_are_counted() -> None:
    with pytest.raises(InvalidInstances, match=r"^501 faults were found. The first 20 are listed."):
        reader("x,y", *[number(f"feature {index}") for index in range(500)])


def test_repeated_column_of_the_model_is_a_fault() -> None:
    assert faults("age,fare,age,x,x,x,,") == [
        "Line 1, column 'age': must come once. Received: 2 times.",
    ]


def test_repeated_columns_that_are_ignored_are_numbered() -> None:
    opened = reader("x,age,x,x.1,x,fare", AGE, FARE)

    assert opened.names == ("x", "age", "x.2", "x.1", "x.3", "fare")
    assert opened.ignored_columns == ("x", "x.2", "x.1", "x.3")


def test_columns_that_may_hold_anything_can_be_named() -> None:
    opened = reader(b"x,note,note,y\xff", ignored=["note", "y\ufffd"])

    assert opened.names == ("x", "note", "note.1", "y\ufffd")
    assert opened.ignored_columns == ("note", "note.1", "y\ufffd")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"x,x,note", "Line 1, column 'x': must come once. Received: 2 times."),
        (b"x\xff,note", "Line 1: must be UTF-8. Received: bytes of another encoding."),
    ],
    ids=["twice", "bytes"],
)
def test_all_other_columns_are_checked_then(header: bytes, message: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        reader(header, ignored=["note"])
    assert [fault.detail for fault in caught.value.faults] == [message]


def test_repetition_and_absence_are_told_together() -> None:
    assert faults("age, age") == [
        "Line 1, column 'age': must come once. Received: 2 times.",
        "Line 1: column 'fare' is missing.",
    ]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "1.5,2\n3,4",
            "Received: '1.5,2'. This looks like data: write a line with the names above it.",
        ),
        (
            "  18.0   8 \n  15.0   8 ",
            "Received: '18.0   8'. This looks like data: write a line with the names above it.",
        ),
        (
            "age   fare  name\n7    1.5   a\n",
            "Received: 'age   fare  name'. Separate the columns by commas, semicolons or tabs, not "
            "by spaces.",
        ),
        (
            '"age,fare"\n"1,2"\n',
            "Received: 'age,fare'. It is one column: it is in quotes, or its delimiter is not ','.",
        ),
        (
            "sep=;\nage,fare\n1,2\n",
            "Received: 'age,fare'. It is one column: it is in quotes, or its delimiter is not ';'.",
        ),
        ("size;price\n1;2\n", "Received: 'size;price'."),
    ],
    ids=["data", "data with spaces", "spaces", "quotes", "wrong sep", "other names"],
)
def test_line_without_any_of_the_columns_is_shown_first(header: str, message: str) -> None:
    line = 2 if header.startswith("sep=") else 1
    assert faults(header) == [
        f"Line {line}: must name the columns 'age', 'fare'. {message}",
        f"Line {line}: column 'age' is missing.",
        f"Line {line}: column 'fare' is missing.",
    ]


def test_few_of_many_columns_are_named() -> None:
    with pytest.raises(InvalidInstances) as caught:
        reader("x,y", *[number(f"feature {index}") for index in range(5)])
    assert caught.value.faults[0].detail == (
        "Line 1: must name the columns 'feature 0', 'feature 1', 'feature 2' and 2 more. "
        "Received: 'x,y'."
    )


@pytest.mark.parametrize(
    ("body", "delimiter"),
    [
        ("sep=;\r\nage;fare\r\n1;2\r\n", ";"),
        ('\ufeff"sep=;"\nage;fare\n1;2\n', ";"),
        ("SEP=,\nage,fare\n1,2\n", ","),
        ("sep=\t\nage\tfare\n1\t2\n", "\t"),
        ("sep=\\t\nage\tfare\n1\t2\n", "\t"),
        ("sep=;;;\n\nage;fare\n1;2\n", ";"),
        ("\nsep=^\rage^fare\r1^2\r", "^"),
    ],
    ids=["semicolon", "quoted", "comma", "tab", "tab by name", "filled up", "any"],
)
def test_line_that_names_the_delimiter_is_honoured(body: str, delimiter: str) -> None:
    block = only_block(body, AGE, FARE)

    assert reader(body, AGE, FARE).dialect.delimiter == delimiter
    assert {name: plain(column) for name, column in block.instances.items()} == {
        "age": [1.0],
        "fare": [2.0],
    }


def test_given_delimiter_is_taken_over_the_one_that_a_line_names() -> None:
    assert reader("sep=;\nage,fare", AGE, FARE, delimiter=",").names == ("age", "fare")


def test_column_may_be_called_like_the_line_that_names_the_delimiter() -> None:
    assert reader("sep=a,age,fare", AGE, FARE).names == ("sep=a", "age", "fare")


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("Passengers of 1912\n", 2),
        ("# Source: archive\n# Unit: GBP, not USD\n\n", 4),
        ("Passengers of 1912;;\r\n;;\r\n", 3),
        ('"age; in years\nfare"\n', 3),
        ("age\n", 2),
        ("sep=;\nPassengers\n", 3),
        ("".join(f"# {number}\n" for number in range(40)), 41),
    ],
    ids=["title", "comments", "filled up", "quoted", "one name", "sep", "many"],
)
def test_titles_and_comments_above_the_header_are_left_out(above: str, line: int) -> None:
    body = f"{above}age;fare;name\n1;2;x\nbad;2;x\n"

    opened = reader(body, AGE, FARE)

    assert (opened.names, opened.header_line) == (("age", "fare", "name"), line)
    (block,) = opened
    assert plain(block.instances["age"]) == [1.0]
    assert [fault.line for fault in block.faults] == [line + 2]


def test_landmark_shows_the_header_where_no_column_is_required() -> None:
    opened = reader("Title\nage,fare\n1,2\n", landmarks=["fare"])

    assert (opened.names, opened.header_line) == (("age", "fare"), 2)


def test_header_below_a_title_is_the_one_whose_columns_are_missing() -> None:
    columns = [number(name) for name in ("longitude", "latitude", "rooms")]

    with pytest.raises(InvalidInstances) as caught:
        reader("Houses\nlongitud,latitude,rooms\n1,2,3\n", *columns)
    assert [fault.detail for fault in caught.value.faults] == [
        "Line 2: column 'longitude' is missing. The file has 'longitud': rename it."
    ]


def test_text_of_a_row_is_not_taken_for_a_header() -> None:
    columns = [number(name) for name in ("a", "b", "c", "d")]

    with pytest.raises(InvalidInstances, match="Line 1: must name the columns"):
        reader("x,y,z\n1,a,2\n", *columns)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"age,f\xe9e", "Line 1: must be UTF-8. Received: bytes of another encoding."),
        (b'age,"x\n","fare\n1,2', "Line 2: must close the quote that opens here."),
        (
            b"," * MAX_COLUMNS,
            f"Line 1: may name at most {MAX_COLUMNS} columns. Received: {MAX_COLUMNS + 1}.",
        ),
    ],
    ids=["latin-1", "quote", "columns"],
)
def test_unreadable_header_is_one_fault(header: bytes, message: str) -> None:
    assert faults(header) == [message]


@pytest.mark.parametrize(
    ("body", "delimiter", "line"),
    [
        ("1,2\n3,4\n", ",", 1),
        ("\n \n1;2,5\n3;4\n", ";", 3),
        ("\ufeff1\t2\n", "\t", 1),
        ('"1","2"\r\n', ",", 1),
        ("one,two\n", ",", 1),
    ],
    ids=["commas", "semicolons", "tabs", "quotes", "words"],
)
def test_header_may_be_lacking_where_that_is_allowed(body: str, delimiter: str, line: int) -> None:
    opened = reader(body, AGE, FARE, may_lack_header=True)

    assert not opened.has_header
    assert opened.names == ("age", "fare")
    assert (opened.dialect.delimiter, opened.header_line) == (delimiter, line)


@pytest.mark.parametrize(
    "body",
    ["fare,age\n1,2\n", "age;fare\n1;2\n", "Title\n\nage,fare\n1,2\n", "x,fare,age\n1,2,3\n"],
)
def test_header_that_is_there_is_read_where_it_may_be_lacking(body: str) -> None:
    assert reader(body, AGE, FARE, may_lack_header=True).has_header


def test_only_column_may_be_named_beside_others() -> None:
    assert reader("age;note\n1;x\n", AGE, may_lack_header=True).has_header


def test_single_column_is_divided_at_commas_as_under_a_header() -> None:
    opened = reader("1\n2\n", AGE, may_lack_header=True)

    assert (opened.has_header, opened.dialect.delimiter) == (False, ",")


def test_two_fields_are_no_row_of_a_single_column() -> None:
    with pytest.raises(InvalidInstances, match="must name"):
        reader("1,5\n", AGE, may_lack_header=True)


@pytest.mark.parametrize("body", ["1,2,3\n", "1\n", "age\n1\n"])
def test_line_of_another_length_is_a_header(body: str) -> None:
    with pytest.raises(InvalidInstances, match=r"'fare' is missing|must name"):
        reader(body, AGE, FARE, may_lack_header=True)


def test_rows_without_a_header_keep_their_lines() -> None:
    block = only_block("1,2\n3,x\n", AGE, FARE, may_lack_header=True)

    (fault,) = block.faults
    assert fault.line == 2
    assert fault.detail.startswith("Line 2, column 'fare': must be a number")


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.none() | st.integers(-999, 999)), min_size=1),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["", "\n", "\r\n \r\n"]),
)
def test_rows_mean_the_same_with_and_without_a_header(
    rows: list[tuple[float, int | None]], delimiter: str, before: str
) -> None:
    lines = [f"{age}{delimiter}{'' if fare is None else fare}\n" for age, fare in rows]
    body = before + "".join(lines)

    bare = only_block(body, AGE, FARE, may_lack_header=True)
    named = only_block(f"age{delimiter}fare\n{body}", AGE, FARE, may_lack_header=True)

    assert bare.rows == named.rows == len(rows)
    for name in ("age", "fare"):
        np.testing.assert_array_equal(bare.instances[name], named.instances[name])
