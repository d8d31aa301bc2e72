"""A CSV body becomes blocks of instances, or faults with line and column."""

from codecs import BOM_UTF8
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.vitrine.tables.drawn import DrawnTable, drawn_tables
from tests.vitrine.tables.tables import (
    COMMA,
    Dripping,
    category,
    date,
    joined,
    number,
    only_block,
    plain,
    reader,
    values,
)
from vitrine.errors import (
    MAX_FAULTS,
    Fault,
    InvalidParameter,
    RowTooLarge,
    TooManyInstances,
    VitrineError,
)
from vitrine.signature import ColumnSpec, Dialect
from vitrine.tables.blocks import Block
from vitrine.tables.reader import MAX_FILLED_CELLS

X, FLAG, KIND, DAY = (
    number("x"),
    number("flag", maximum=1.0),
    category("kind", "a", "1"),
    date("day"),
)
COLUMNS: tuple[ColumnSpec, ...] = (X, KIND, DAY)


def test_columns_come_in_any_order() -> None:
    block = only_block("day,other,kind,x\n1970-01-02,?,b,2.5\n", *COLUMNS)

    assert {name: plain(column) for name, column in block.instances.items()} == {
        "x": [2.5],
        "kind": ["b"],
        "day": [1.0],
    }
    assert block.instances["x"].dtype == np.float32
    assert block.instances["kind"].dtype == object
    assert block.ignored_columns == ("other",)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x\n1\n2\n", [1.0, 2.0]),
        ("x\r\n1\r\n2\r\n", [1.0, 2.0]),
        ("x\r1\r2", [1.0, 2.0]),
        ("x\n1\n2", [1.0, 2.0]),
        ("\ufeffx\n1\n", [1.0]),
        ("x\n\n1\n\r\n\n2\n\n", [1.0, 2.0]),
        ('x\n"1"\n"2"', [1.0, 2.0]),
        ('x\n""\nNA\n', [None, None]),
        ("x\n \n", [None]),
        ("x,y\n,\n  \n1,\n", [None, 1.0]),
        ('y,x\n"a\nb",1\n"c,""d""",2\n', [1.0, 2.0]),
        ('y,x\n5" disk,1\n3" disk,2\n', [1.0, 2.0]),
        ('y,x\n"a"b,1\n', [1.0]),
    ],
    ids=[
        *("lf", "crlf", "cr", "unfinished", "bom", "blank lines", "quotes", "blanks"),
        *("spaces", "all blank", "quoted line end", "stray quote", "text after quote"),
    ],
)
def test_rows_are_read_as_they_are_written(body: str, expected: list[float | None]) -> None:
    assert values(body, X) == expected


def test_header_alone_has_no_blocks() -> None:
    assert list(reader("x,y\n\n\n", X)) == []


@pytest.mark.parametrize(
    ("body", "given", "expected"),
    [
        ("x;y\n1,5;2\n2;2\n", {}, [1.5, 2.0]),
        ("x;y\n1.234,5;2\n1.234;2\n", {}, [1234.5, 1234.0]),
        ('x,y\n"1,5",2\n', {}, [1.5]),
        ('x,y\n"1,234.5",2\n', {}, [1234.5]),
        ("x;y\n1.234;2\n", {}, [1.234]),
        ("x;y\n1.234;2\n", {"training_dialect": COMMA}, [1234.0]),
        ("x;y\n1.234;2\n", {"decimal": ","}, [1234.0]),
        ("x;y\n1,234;2\n", {"decimal": ","}, [1.234]),
        ("x;y\n1,234;2\n", {"thousands": ","}, [1234.0]),
        ("x;y\n1.5;2\n", {"training_dialect": COMMA}, [1.5]),
        ("x;y\n1 234,5;2\n", {"decimal": ",", "thousands": " "}, [1234.5]),
        ("x;y\n1\u202f234,5;2\n", {"decimal": ",", "thousands": "\u00a0"}, [1234.5]),
        ("x;y\n1'234.5;2\n", {"thousands": "\u2019"}, [1234.5]),
        ("x;y\n1.234;1,5\n", {}, [1.234]),
    ],
    ids=[
        *("comma", "german", "quoted comma", "american", "ambiguous", "ambiguous trained"),
        *("decimal given", "decimal given 3 digits", "thousands given", "point for comma"),
        *("spaces given", "other spaces", "swiss", "other column"),
    ],
)
def test_notation_is_given_or_found(
    body: str, given: dict[str, Any], expected: list[float]
) -> None:
    assert values(body, X, **given) == [np.float32(number) for number in expected]


def test_undecided_number_is_a_fault_and_not_a_guess() -> None:
    block = only_block("x;y\n1,234;2\n", X)

    assert block.errors == {
        0: "Line 2, column 'x': must be a number with decimal '.'. Received: '1,234'."
    }


def test_notation_is_settled_by_the_first_block() -> None:
    opened = reader("x;y\n" + "1,5;2\n" * 6000 + "2.5;3\n" * 60_000, X)

    blocks = list(opened)

    assert opened.dialect == Dialect(delimiter=";", decimal=",")
    assert sum(block.fault_count for block in blocks) == 60_000


@pytest.mark.parametrize(
    "given",
    [
        {"decimal": ";"},
        {"decimal": ""},
        {"thousands": "_"},
        {"thousands": ".."},
        {"thousands": ",", "decimal": ","},
    ],
)
def test_impossible_notation_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidParameter):
        reader("x\n1\n", X, **given)


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        ("abc,b,", "x", "must be a number with decimal '.'. Received: 'abc'."),
        ("1e39,b,", "x", "must lie within ±3.4e38, the range of float32. Received: '1e39'."),
        ("inf,b,", "x", "must be a number with decimal '.'. Received: 'inf'."),
        ("true,b,", "x", "must be a number with decimal '.'. Received: 'true'."),
        ('"a\nb",b,', "x", r"must be a number with decimal '.'. Received: 'a\nb'."),
        ("1,b,soon", "day", "must be a date, in ISO 8601 or as '2024-05-31'. Received: 'soon'."),
        (
            f"1,{'y' * 5000},",
            "kind",
            f"may have at most 4096 characters. Received: '{'y' * 39}…'.",
        ),
        ("1,b", None, "must have 3 fields, as the header has. Received: 2."),
        ("1,b,,4", None, "must have 3 fields, as the header has. Received: 4."),
        ("1", None, "must have 3 fields, as the header has. Received: 1."),
    ],
    ids=[
        *("text", "beyond float32", "infinite", "boolean", "line end", "date", "long"),
        *("few", "many", "one"),
    ],
)
def test_fault_has_line_column_and_value(row: str, column: str | None, text: str) -> None:
    body = f'x,kind,day\n1,a,\n\n"2","b\nc",\n{row}\n3,d,\n'

    block = only_block(body, *COLUMNS)

    where = f"Line 6, column {column!r}" if column else "Line 6"
    fault = Fault(detail=f"{where}: {text}", line=6, column=column)
    assert block.faults == (fault,)
    assert block.errors == {2: fault.detail}
    assert block.rows == 4
    assert plain(block.instances["x"]) == [1.0, 2.0, 3.0]
    assert plain(block.instances["kind"]) == ["a", "b\nc", "d"]


def test_bytes_that_are_not_utf8_are_a_fault_of_their_cell() -> None:
    body = "x,name,kind\n1,Zoë,é\n2,".encode() + b"caf\xe9,b\nabc,\xff,near\xfe\n\xb25,,\n"

    block = only_block(body, X, KIND, echo=True)

    assert [fault.detail for fault in block.faults] == [
        "Line 4, column 'x': must be a number with decimal '.'. Received: 'abc'.",
        "Line 4, column 'kind': must be UTF-8. Received: byte 0xfe after 'near'.",
        "Line 5, column 'x': must be UTF-8. Received: byte 0xb2 after ''.",
    ]
    assert plain(block.instances["kind"]) == ["é", "b"]
    assert block.echo["name"] == ["Zoë", "caf\ufffd", "\ufffd", ""]


def test_columns_that_are_no_input_are_ignored_whatever_is_in_them() -> None:
    row = b'1,"near caf\xe9 ""x""", \x96 5" ,\0,b'
    body = b"x,note,note,caf\xe9,kind\n" + row + b"\n" + row.replace(b"1", b"2") + b"\n"

    block = only_block(body, X, KIND)

    assert (block.rows, block.errors) == (2, {})
    assert plain(block.instances["x"]) == [1.0, 2.0]
    assert plain(block.instances["kind"]) == ["b", "b"]
    assert block.ignored_columns == ("note", "note.1", "caf\ufffd")


def test_all_columns_but_the_ignored_ones_must_be_utf8_where_these_are_given() -> None:
    block = only_block(b"x,note,name\n1,\xe9,b\n2,c,\xe9\n", ignored=["note"], echo=True)

    assert [fault.detail for fault in block.faults] == [
        "Line 3, column 'name': must be UTF-8. Received: byte 0xe9 after ''."
    ]


def test_repeated_columns_are_echoed_under_names_of_their_own() -> None:
    block = only_block("x,note,note\n1,a,b\n", X, echo=True)

    assert block.echo == {"x": ["1"], "note": ["a"], "note.1": ["b"]}


def test_row_of_too_few_fields_and_other_bytes_has_one_fault() -> None:
    assert only_block(b"x,kind\n\xff\n", X, KIND).fault_count == 1


@pytest.mark.parametrize(
    ("row", "line"), [('2,"b\n3,c\n', 3), ('"2\n","b\n3,c\n', 4)], ids=["first line", "second line"]
)
def test_unclosed_quote_is_named_by_its_line(row: str, line: int) -> None:
    block = only_block(f"x,kind\n1,a\n{row}", X, KIND)

    assert block.faults == (
        Fault(detail=f"Line {line}: must close the quote that opens here.", line=line),
    )
    assert (block.rows, plain(block.instances["x"])) == (2, [1.0])


@pytest.mark.parametrize("end", ["\n", ""], ids=["finished", "unfinished"])
@pytest.mark.parametrize("name", ["kind", "note"], ids=["input", "ignored"])
def test_row_whose_quote_the_next_row_closes_is_not_lost(name: str, end: str) -> None:
    body = f'x,{name}\n1,a\n2,"5 inch\n3,"6 inch\n4,b{end}'
    columns = (X, KIND) if name == "kind" else (X,)

    block = only_block(body, *columns)

    assert block.errors == {1: "Line 3: must close the quote that opens here."}
    assert plain(block.instances["x"]) == [1.0, 4.0]


def test_unclosed_quote_is_found_where_the_fast_way_would_not_see_it() -> None:
    assert only_block('kind\na\n"b', KIND).errors == {
        1: "Line 3: must close the quote that opens here."
    }


def test_all_faults_are_counted_and_the_first_listed() -> None:
    block = only_block("x,kind\n" + "abc,a\n1,b\n" * 100, X, KIND)

    assert block.fault_count == 100
    assert [fault.line for fault in block.faults] == list(range(2, 2 + 2 * MAX_FAULTS, 2))
    assert list(block.errors) == list(range(0, 200, 2))
    assert plain(block.instances["kind"]) == ["b"] * 100


def test_error_of_a_row_tells_its_first_faults() -> None:
    columns = [number(f"x{index}") for index in range(8)]
    header = ",".join(spec.name for spec in columns)

    block = only_block(f"{header}\n{','.join('abcdefgh')}\n", *columns)

    assert block.fault_count == 8
    assert "'e'. This row has 3 more faults." in block.errors[0]


def test_booleans_stand_for_flags() -> None:
    assert values("flag\nTrue\nfalse\n\n1\n", FLAG) == [1.0, 0.0, 1.0]


def test_codes_are_categories_as_the_vocabulary_spells_them() -> None:
    assert values("kind\n1\n1.0\n2.0\nNA\n", KIND) == ["1", "1", "2.0", None]


@pytest.mark.parametrize("line", ["a,1.50", '"a","1.50"', "a,oops", "a,+1.50"])
def test_echo_is_the_text_of_all_columns(line: str) -> None:
    block = only_block(f'id,x\n"b\n""",  1 \n{line}\n', X, echo=True)

    assert block.echo == {"id": ['b\n"', "a"], "x": ["  1 ", line[2:].strip('",')]}


def test_echo_of_a_ragged_row_is_as_long_as_the_header() -> None:
    block = only_block("id,x\na\nb,1,2,3\n", X, echo=True)

    assert block.echo == {"id": ["a", "b"], "x": ["", "1"]}


def test_echo_of_many_short_rows_under_a_wide_header_is_bounded() -> None:
    names = ",".join(f"x{index}" for index in range(10_000))
    body = f"x,{names}\n" + "1\n" * 1000

    blocks = list(reader(body, X, echo=True))

    assert sum(block.fault_count for block in blocks) == 1000
    assert max(block.rows for block in blocks) <= MAX_FILLED_CELLS / 10_000


def test_nothing_is_echoed_unasked() -> None:
    assert only_block("x\n1\nabc\n", X).echo == {}


def test_too_many_rows_are_refused() -> None:
    assert only_block("x\n1\n2\n", X, max_rows=2).rows == 2
    with pytest.raises(TooManyInstances, match="2 rows"):
        list(reader("x\n1\n2\n3\n", X, max_rows=2))


def test_too_long_a_row_ends_the_blocks() -> None:
    blocks = iter(reader("x\n1\n" + "9" * 2000 + "\n", X, max_row_bytes=1024))

    assert next(blocks).rows == 1
    with pytest.raises(RowTooLarge, match="line 3"):
        next(blocks)


def test_faults_keep_their_line_and_rows_their_index_in_a_long_body() -> None:
    rows = [f'{row},"a\r\nb"' for row in range(60_000)]
    for row in (7, 30_000, 59_999):
        rows[row] = f"bad{row},c"
    body = "x,kind\r\n" + "\r\n".join(rows)

    blocks = list(reader(body, X, KIND))

    assert len(blocks) > 3
    assert sum(block.rows for block in blocks) == 60_000
    faults = [fault for block in blocks for fault in block.faults]
    assert [fault.line for fault in faults] == [2 + 14, 2 + 59_999, 2 + 119_996]
    assert [(blocks[0].errors.keys() - {7})] == [set()]
    assert len(joined(blocks)["x"]) == 59_997


def summary(blocks: list[Block]) -> list[Any]:
    return [
        (
            block.rows,
            block.faults,
            block.errors,
            block.echo,
            {name: plain(column) for name, column in block.instances.items()},
        )
        for block in blocks
    ]


@given(drawn_tables(), st.lists(st.integers(1, 50)))
def test_blocks_do_not_depend_on_how_the_body_arrives(table: DrawnTable, sizes: list[int]) -> None:
    text, dialect, width = table
    header = dialect.delimiter.join(["x", "b", "c", "d"][:width])
    body = f"{header}\n{text}".encode("utf-8", "replace")
    options = {"training_dialect": dialect, "delimiter": dialect.delimiter, "echo": True}

    dripping = reader(Dripping(body, sizes), X, **options)

    assert summary(list(dripping)) == summary(list(reader(body, X, **options)))


@given(st.binary(max_size=200))
@example(BOM_UTF8)
@example(b'x,kind,day\n"')
@example(b"x,kind,day\n\xff\xfe,,\n\x00")
def test_any_bytes_are_answered_or_refused(body: bytes) -> None:
    for prefix in (b"", b"x,kind,day\n", b'x;"kind";day\r'):
        try:
            blocks = list(reader(prefix + body, *COLUMNS, max_row_bytes=1024, echo=True))
        except VitrineError:
            continue
        for block in blocks:
            good = block.rows - len(block.errors)
            assert {len(column) for column in block.instances.values()} == {good}
            assert {len(column) for column in block.echo.values()} == {block.rows}
            assert (block.fault_count > 0) == bool(block.errors) == bool(block.faults)


class Endless:
    """A body without an end, that counts what was read of it."""

    def __init__(self, start: bytes, piece: bytes) -> None:
        self.read_bytes = 0
        self._start = start
        self._piece = piece

    def read(self, size: int, /) -> bytes:
        """Read the start, then one piece after the other."""
        body = (self._start + self._piece * size)[:size]
        self._start = b""
        self.read_bytes += len(body)
        return body


@pytest.mark.parametrize(
    "start",
    [b"", b"x,kind\n", b'x,kind\n1,"', b'x,kind\n"'],
    ids=["header", "row", "quote", "both"],
)
@pytest.mark.parametrize("piece", [b"x", b",", b'""', b"\xff"])
def test_endless_row_is_refused_before_it_fills_memory(start: bytes, piece: bytes) -> None:
    body = Endless(start, piece)

    with pytest.raises(RowTooLarge):
        list(reader(body, X, KIND, max_row_bytes=2**16))
    assert body.read_bytes <= 2**16 + 2 + len(start)


def test_endless_rows_are_read_as_they_are_asked_for() -> None:
    body = Endless(b"x,kind\n", b"1,a\n")

    blocks = iter(reader(body, X, KIND, max_rows=10**9))

    assert next(blocks).rows > 1000
    assert body.read_bytes < 2**15 + 10
    assert [next(blocks).rows for _ in range(5)][-1] > 50_000
    assert body.read_bytes < 2**22


def test_accents_of_names_and_categories_are_compared_in_nfc() -> None:
    body = "a\u0301rea;lugar\n7;Sa\u0303o Paulo\n"
    area, place = number("\xe1rea"), category("lugar", "S\xe3o Paulo")

    block = only_block(body, area, place)

    assert plain(block.instances["\xe1rea"]) == [7.0]
    assert plain(block.instances["lugar"]) == ["S\xe3o Paulo"]
    assert values("\xe1rea\n7\n", number("a\u0301rea")) == [7.0]


@pytest.mark.parametrize("blank", ["-", "#DIV/0!", "none"])
def test_nothing_among_negative_numbers_is_a_blank(blank: str) -> None:
    assert values(f"x\n-5\n{blank}\n", number("x")) == [-5.0, None]
