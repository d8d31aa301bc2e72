"""The fast way to read a block of CSV gives the values of the thorough way, or none."""

from io import BytesIO
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from tests.vitrine.tables.drawn import DrawnTable, drawn_tables
from tests.vitrine.tables.tables import COMMA, POINT, assert_same, category, date, number
from vitrine.signature import ColumnSpec, Dialect
from vitrine.tables.arrow import ArrowReader
from vitrine.tables.cells import parse
from vitrine.tables.records import RecordBlock, RecordStream
from vitrine.tables.text import TextRows

X, KIND, DAY = number("x"), category("kind", "a", "1"), date("day")


def read_both_ways(body: bytes, dialect: Dialect, columns: list[ColumnSpec]) -> bool:
    """Compare the two ways to read a block; tell whether PyArrow took it."""
    names = [spec.name for spec in columns]
    arrow = ArrowReader(
        dict(enumerate(columns)),
        width=len(columns),
        delimiter=dialect.delimiter,
        max_block_bytes=2**16,
    )
    records = RecordBlock(body, line=1, is_regular=True)
    rows = TextRows(records, names, delimiter=dialect.delimiter, checked=range(len(columns)))
    parsed = {}
    for index, spec in enumerate(columns):
        column = parse(spec, rows.column(index), dialect)
        rows.add_faults(index, column.faults)
        parsed[spec.name] = column.values

    fast, texts = arrow.instances(body, dialect), arrow.texts(body)

    if fast is not None:
        assert rows.faults == {}
        assert_same(fast, parsed)
    if texts is not None:
        assert dict(zip(names, texts, strict=True)) == rows.echo()
    return fast is not None


@given(drawn_tables(), st.lists(st.sampled_from([X, KIND, DAY]), min_size=4, max_size=4))
@example(("\ufeff1\n", POINT, 1), [X])
@example(("-nan\n1\n", POINT, 1), [X])
@example(("nan(1)\n", POINT, 1), [X])
@example(('"a\r\nb"\r2\n\n1', POINT, 1), [KIND])
def test_both_ways_to_read_a_table_agree(table: DrawnTable, kinds: list[Any]) -> None:
    text, dialect, width = table
    names = ["p", "q", "r", "s"][:width]
    columns = [structs.replace(spec, name=name) for spec, name in zip(kinds, names, strict=False)]

    read_both_ways(text.encode("utf-8", "replace"), dialect, columns)


@given(st.text('",;\n\r 15.e-a\t', max_size=30), st.sampled_from(",;\t"))
@example(";\n5;;,", ";")
def test_both_ways_to_read_a_scrawl_agree(text: str, delimiter: str) -> None:
    for block in RecordStream(BytesIO(text.encode()), max_row_bytes=100).blocks(delimiter):
        if block.is_regular:
            read_both_ways(block.body, Dialect(delimiter=delimiter), [X, KIND])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"], ids=["unfinished", "finished"])
def test_ordinary_table_takes_the_fast_way(line_end: str, last: str) -> None:
    rows = ["1.5,a,2024-05-31", '-2e3,"b,c",', ",1.0,2024-05-31 12:00"]
    body = line_end.join(rows) + (line_end if last else "")

    assert read_both_ways(body.encode(), POINT, [X, KIND, DAY])


def test_decimal_commas_take_the_fast_way() -> None:
    assert read_both_ways(b'1,5;a\n"2,5";b\n;c\n', COMMA, [X, KIND])
