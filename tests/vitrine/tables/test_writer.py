"""Columns become CSV that every reader takes apart again."""

import csv
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitrine.tables.tables import COMMA
from vitrine.signature import Dialect
from vitrine.tables.writer import Column, write_csv

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


def test_csv_has_a_header_and_lines() -> None:
    columns: dict[str, Column] = {
        "label": ["7", "3"],
        "probability": np.array([0.998, 0.5], np.float32),
    }

    assert write_csv(columns, header=True) == b"label,probability\n7,0.998\n3,0.5\n"


def test_header_is_written_once() -> None:
    columns: dict[str, Column] = {"prediction": np.array([1.0], np.float32)}

    blocks = [write_csv(columns, header=header) for header in (True, False)]

    assert b"".join(blocks) == b"prediction\n1.0\n1.0\n"


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (np.array([0.1, 1e20, -0.0, 452600], np.float32), [b"0.1", b"1e+20", b"-0.0", b"452600.0"]),
        (np.array([0.1, np.nan], np.float64), [b"0.1", b""]),
        (np.array([1, -2], np.int64), [b"1", b"-2"]),
        (np.array([1.5, 9, 2.5], np.float32)[::2], [b"1.5", b"2.5"]),
        (np.array(["a", None], object), [b"a", b""]),
        ([None, "a,b", 'say "hi"', "x\ny", "x\ry"], None),
        ([" a", "=1+1", "é"], [b" a", b"=1+1", "é".encode()]),
    ],
    ids=["float32", "float64", "integers", "strided", "objects", "quotes", "as sent"],
)
def test_cells_are_written_short_and_quoted_where_they_must(
    column: Column, cells: list[bytes] | None
) -> None:
    expected = cells or [b"", b'"a,b"', b'"say ""hi"""', b'"x\ny"', b'"x\ry"']

    body = write_csv({"c": column, "d": ["z"] * len(column)}, header=False)

    assert body == b"".join(cell + b",z\n" for cell in expected)


@pytest.mark.parametrize("column", [[None, "5"], np.array([np.nan, 5])], ids=["text", "number"])
def test_empty_cell_alone_in_its_row_is_not_an_empty_line(column: Column) -> None:
    body = write_csv({"a": column}, header=True)

    assert body.replace(b"5.0", b"5") == b'a\n""\n5\n'


@pytest.mark.parametrize("dtype", [np.float32, object])
def test_no_rows_leave_the_header(dtype: type) -> None:
    assert write_csv({"a": np.empty(0, dtype), "b": []}, header=True) == b"a,b\n"


def test_decimal_commas_are_written_where_they_were_read() -> None:
    numbers = np.array([1.5, np.nan, 1e-10], np.float32)

    body = write_csv({"a;b": numbers, "c": ["1,5", "x;y", ""]}, header=True, dialect=COMMA)

    assert body == b'"a;b";c\n1,5;1,5\n;"x;y"\n1e-10;\n'


def test_decimal_comma_is_quoted_between_commas() -> None:
    body = write_csv({"a": np.array([1.5]), "b": ["x"]}, header=False, dialect=Dialect(decimal=","))

    assert body == b'"1,5",x\n'


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.sampled_from(",;\t"))
def test_texts_come_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    columns: dict[str, Column] = {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}

    body = write_csv(columns, header=True, dialect=Dialect(delimiter=delimiter))

    lines = csv.reader(StringIO(body.decode(), newline=""), delimiter=delimiter)
    assert list(lines) == [["a", "b"], *map(list, rows)]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_float32_comes_back_from_its_digits(numbers: list[float]) -> None:
    column = np.array(numbers, np.float32)

    lines = write_csv({"a": column}, header=False).decode().split()

    np.testing.assert_array_equal(np.array(lines, np.float32), column)


@pytest.mark.parametrize(
    "dialect",
    [Dialect(), COMMA, Dialect(delimiter="\t"), Dialect(decimal=","), Dialect(delimiter="|")],
    ids=["comma", "semicolon", "tab", "quoted", "pipe"],
)
@given(
    numbers=st.lists(
        st.tuples(*[st.floats(width=32, allow_infinity=False)] * 3), min_size=1, max_size=4
    )
)
def test_numbers_are_written_alike_before_blanks_and_before_texts(
    dialect: Dialect, numbers: list[tuple[float, ...]]
) -> None:
    columns: dict[str, Column] = dict(zip("abc", np.array(numbers, np.float32).T, strict=True))
    blanks, texts = np.full(len(numbers), None), np.full(len(numbers), "x", object)

    written = write_csv({**columns, "d": blanks}, header=True, dialect=dialect)

    with_texts = write_csv({**columns, "d": texts}, header=True, dialect=dialect)
    assert written == with_texts.replace(b"x\n", b"\n")


def test_texts_behind_numbers_are_written_in_their_rows() -> None:
    numbers = {"a": np.array([1, 2, 3, 4.5]), "b": np.array([1.0, np.nan, 3, 4])}
    texts = {"c": np.array([None, "x,y", None, "z"]), "d": np.array([None, None, None, 'say "a"'])}

    body = write_csv({**numbers, **texts}, header=False)

    assert body == b'1.0,1.0,,\n2.0,,"x,y",\n3.0,3.0,,\n4.5,4.0,z,"say ""a"""\n'


def test_rows_of_blanks_keep_their_cells() -> None:
    blanks = np.full(2, None)

    body = write_csv({"a": np.full(2, np.nan), "b": blanks, "c": blanks}, header=True)

    assert body == b"a,b,c\n,,\n,,\n"
