"""Where a record ends, and where its fields do."""

from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitrine.tables.tables import Dripping
from vitrine.errors import EmptyBody, MalformedBody, RowTooLarge
from vitrine.tables.records import (
    FIRST_BLOCK_BYTES,
    RecordBlock,
    RecordStream,
    split_fields,
    split_records,
)

CSV_TEXT = st.text('",;\n\r a1', max_size=40)


def read_by_hand(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Read a table one character at a time: line of each record, fields."""
    records: list[tuple[int, list[str]]] = []
    fields: list[str] = []
    field, line, started, state = "", 0, 0, "start"
    for character in text:
        if character == "\n":
            line += 1
        if state == "quoted":
            state, field = ("closing", field) if character == '"' else (state, field + character)
        elif state == "closing" and character == '"':
            state, field = "quoted", field + character
        elif character == "\n":
            records.append((started, [*fields, field]))
            fields, field, state, started = [], "", "start", line
        elif character == delimiter:
            fields, field, state = [*fields, field], "", "start"
        elif character == '"' and state == "start":
            state = "quoted"
        else:
            state, field = "plain", field + character
    return [*records, (started, [*fields, field])]


def only_block(body: bytes, delimiter: str = ",") -> RecordBlock:
    """Read a body that is one block."""
    (block,) = RecordStream(BytesIO(body), max_row_bytes=1000).blocks(delimiter)
    return block


def whole_records(buffer: bytes, delimiter: str) -> bytes:
    """Return the whole records in a buffer of two bytes or more, when more bytes are to come."""
    stream = RecordStream(BytesIO(buffer + b"x"), max_row_bytes=len(buffer) - len("\r\n"))
    try:
        return next(stream.blocks(delimiter)).body
    except RowTooLarge:
        return b""


def joined(records: RecordStream) -> bytes:
    return b"".join(block.body for block in records.blocks(","))


def as_one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(CSV_TEXT, st.sampled_from(",;"))
def test_records_and_fields_are_those_read_by_hand(text: str, delimiter: str) -> None:
    expected = read_by_hand(as_one_line_end(text), delimiter)

    records = [
        (line, [as_one_line_end(field) for field in split_fields(record, delimiter).texts])
        for line, record in split_records(text, delimiter)
    ]

    assert [record for record in records if record[1] != [""]] == [
        record for record in expected if record[1] != [""]
    ]


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ("a,b", ["a", "b"]),
        ("", [""]),
        (",", ["", ""]),
        ('"a,b",c', ["a,b", "c"]),
        ('"a""b"', ['a"b']),
        ('""', [""]),
        ('""""', ['"']),
        ('5" disk,"x"', ['5" disk', "x"]),
        ('"a"b"c,d', ['ab"c', "d"]),
        (' "a",b', [' "a"', "b"]),
        ('"a\r\nb",c', ["a\r\nb", "c"]),
    ],
)
def test_fields_are_split_as_rfc_4180_says(record: str, fields: list[str]) -> None:
    found = split_fields(record, ",")

    assert found.texts == fields
    assert found.unclosed_quote is None


@pytest.mark.parametrize(
    ("record", "line"),
    [
        ('"a\n1,"b', 0),
        ('x\n1,2,"a\r\n1,"b', 1),
        ('"a\n1"" b" c', 0),
        ('"a\nb" ', None),
        ('"a"b', None),
        ('"a\n""b"', None),
    ],
)
def test_quote_that_another_line_seems_to_close_is_unclosed(record: str, line: int | None) -> None:
    assert split_fields(record, ",").unclosed_quote == line


@pytest.mark.parametrize(
    ("record", "line"), [('a,"b', 0), ('"a\nb","c\nd', 1), ('"a\r\nb\rc","', 2), ('"', 0)]
)
def test_unclosed_quote_is_found_on_its_line(record: str, line: int) -> None:
    assert split_fields(record, ",").unclosed_quote == line
    assert not only_block(record.encode()).is_regular


@given(CSV_TEXT, st.sampled_from(",;"))
def test_last_record_end_stands_whatever_follows(text: str, delimiter: str) -> None:
    body = text.encode()
    ends = []
    for size in range(2, len(body) + 1):
        whole = whole_records(body[:size], delimiter)
        ends.append(len(whole))
        records = [record for _, record in split_records(whole.decode(), delimiter)]
        assert whole == b"" or whole.endswith((b"\n", b"\r"))
        assert all(only_block(f"{record}\n".encode(), delimiter).is_regular for record in records)

    assert all(before <= after for before, after in pairwise(ends))


@pytest.mark.parametrize(
    ("buffer", "end"),
    [
        (b"a,b", 0),
        (b"a\nb", 2),
        (b"a\nb\r", 2),
        (b"a\rb", 2),
        (b"a\r\nb", 3),
        (b'a,"b\nc', 0),
        (b'x\na,"b\nc', 2),
        (b'"b\nc"\n', 6),
        (b'"b\nc"\r', 0),
        (b'"a""\n"\n"', 7),
        (b'5" disk\n"a\n', 8),
        (b'5" disk\r', 0),
        (b'5" disk\n3" disk\r', 8),
    ],
)
def test_block_ends_with_the_last_whole_record(buffer: bytes, end: int) -> None:
    assert whole_records(buffer, ",") == buffer[:end]


@given(st.binary(min_size=1, max_size=30))
def test_block_without_quotes_is_regular(octets: bytes) -> None:
    assert only_block(b"x" + octets.replace(b'"', b"")).is_regular


def test_start_is_what_comes_next_without_a_mark() -> None:
    records = RecordStream(BytesIO("\ufeffa,b\n1,2\n".encode()), max_row_bytes=1000)

    assert records.start() == records.start() == b"a,b\n1,2\n"
    assert records.head(",") == {",": b"a,b\n"}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_body_in_utf16_is_read_as_utf8(encoding: str) -> None:
    text = "größe,名前\n" + "1,\U0001f600\n" * 20_000

    records = RecordStream(BytesIO(("\ufeff" + text).encode(encoding)), max_row_bytes=1000)

    assert records.head(",") == {",": "größe,名前\n".encode()}
    assert joined(records) == text.encode()


@pytest.mark.parametrize(
    ("buffer", "most", "expected"),
    [
        (b'\na,b\n"c\nd",e\r\nf', 9, [b"\n", b"a,b\n", b'"c\nd",e\r\n', b"f", b""]),
        (b"a\nb\nc\n", 2, [b"a\n", b"b\n"]),
        (b"a\n" + b"x" * FIRST_BLOCK_BYTES, 9, [b"a\n"]),
    ],
    ids=["all", "few", "unfinished"],
)
def test_upcoming_records_are_whole_and_stay(
    buffer: bytes, most: int, expected: list[bytes]
) -> None:
    records = RecordStream(BytesIO(buffer), max_row_bytes=2**20)
    records.start()

    assert records.upcoming(",", most=most) == expected
    assert records.start() == buffer[:FIRST_BLOCK_BYTES]


def test_other_format_is_refused_from_the_start() -> None:
    with pytest.raises(MalformedBody, match="Parquet"):
        RecordStream(BytesIO(b"PAR1\0"), max_row_bytes=1000).start()


@given(st.lists(CSV_TEXT), st.lists(st.integers(1, 9)))
def test_blocks_do_not_depend_on_how_bytes_arrive(texts: list[str], sizes: list[int]) -> None:
    body = "\n".join(texts).encode()
    whole = RecordStream(BytesIO(body), max_row_bytes=1000)
    dripping = RecordStream(Dripping(body, sizes), max_row_bytes=1000)

    assert list(dripping.blocks(",")) == list(whole.blocks(","))
    assert joined(RecordStream(BytesIO(body), max_row_bytes=1000)) == body


@given(st.lists(st.text('"\r\n,ab', max_size=9), min_size=1), st.sampled_from(["\n", "\r", "\r\n"]))
def test_lines_do_not_depend_on_where_blocks_are_cut(rows: list[str], line_end: str) -> None:
    body = "".join('"' + row.replace('"', '""') + '"' + line_end for row in rows)
    expected = [(line + 1, record) for line, record in split_records(body, ",") if record.strip()]

    records = RecordStream(BytesIO(body.encode()), max_row_bytes=40)
    found = [
        (block.line + line, record)
        for block in records.blocks(",")
        for line, record in split_records(block.body.decode(), ",")
        if record.strip()
    ]

    assert found == expected


def test_first_block_is_small_and_later_ones_are_not() -> None:
    records = RecordStream(BytesIO(b"123456789\n" * 200_000), max_row_bytes=2**20)

    sizes = [len(block.body) for block in records.blocks(",")]

    assert 2**14 < sizes[0] <= 2**15 < 2**17 < max(sizes) <= 2**18


@pytest.mark.parametrize("size", [1000, 1001])
def test_longest_row_is_read_wherever_it_is(size: int) -> None:
    row = b"x" * size + b"\r\n"
    body = b"a\n" * 77 + row + b"b\n"
    records = RecordStream(BytesIO(body), max_row_bytes=size)

    assert joined(records) == body


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"x" * 1100, "A row may have at most 1000 bytes. The row on line 3 has more."),
        (b'y,"\n\n' + b"x\n" * 600, " A quote that opens on line 3 is not closed."),
        (b'"\n\n",z,"' + b"x" * 1100, " A quote that opens on line 5 is not closed."),
    ],
    ids=["long", "quote", "later quote"],
)
def test_row_without_end_is_refused_after_the_rows_before_it(row: bytes, message: str) -> None:
    blocks = RecordStream(BytesIO(b"a\n\n" + row), max_row_bytes=1000).blocks(",")

    assert next(blocks).body == b"a\n\n"
    with pytest.raises(RowTooLarge) as caught:
        next(blocks)
    assert caught.value.detail.endswith(message)


@pytest.mark.parametrize("body", [b"", b"\n", b"\xef\xbb\xbf", b" \r\n  \n ", b"\n" * 100_000])
def test_body_without_a_line_is_empty(body: bytes) -> None:
    with pytest.raises(EmptyBody):
        RecordStream(BytesIO(body), max_row_bytes=1000).head(",")


def test_head_is_the_first_record_under_each_delimiter() -> None:
    records = RecordStream(BytesIO(b'\xef\xbb\xbf\n \r\na;"x\ny",b\n1\n'), max_row_bytes=1000)

    assert records.head(",;") == {",": b'a;"x\n', ";": b'a;"x\ny",b\n'}
    assert records.line == 3


def test_head_may_be_longer_than_a_first_read() -> None:
    head = b"x," * 50_000 + b"x\n"

    found = RecordStream(BytesIO(head + b"1\n"), max_row_bytes=2**20).head(",")

    assert found == {",": head}


def test_head_is_read_to_the_second_half_of_its_line_end() -> None:
    head = b"x" * (FIRST_BLOCK_BYTES - 1) + b"\r\n"

    found = RecordStream(BytesIO(head + b"1\r\n"), max_row_bytes=2**20).head(",")

    assert found == {",": head}


def test_endless_head_is_refused() -> None:
    with pytest.raises(RowTooLarge, match="line 2"):
        RecordStream(BytesIO(b"\n" + b"x" * 5000), max_row_bytes=1024).head(",")
