"""Arrow streams: read as they are, and refused where they would take more than they may."""

import struct
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import ipc

from tests.arrow_tables import arrow
from tests.bundles import table_manifest
from vitrine.errors import (
    DataTooLarge,
    EmptyBody,
    InvalidInstances,
    MalformedBody,
    TooManyInstances,
    VitrineError,
)
from vitrine.tables.arrow_stream import ArrowStreamReader
from vitrine.tables.blocks import Block
from vitrine.tables.limits import ArrowLimits
from vitrine.tables.streams import ByteStream

COLUMNS = table_manifest().signature.columns
LIMITS = ArrowLimits(max_rows=2**20, max_row_bytes=2**16, max_batch_bytes=2**22, max_bytes=2**26)
TWO = {"size": [1.0, 2.5], "colour": ["red", None]}
LZ4, ZSTD = (ipc.IpcWriteOptions(compression=name) for name in ("lz4", "zstd"))


def open_stream(body: bytes | ByteStream, *, echo: bool = False) -> ArrowStreamReader:
    """Begin to read a stream."""
    stream = BytesIO(body) if isinstance(body, bytes) else body
    return ArrowStreamReader(stream, COLUMNS, training_dialect=None, limits=LIMITS, echo=echo)


def read(body: bytes | ByteStream, *, echo: bool = False) -> list[Block]:
    """Read all blocks of a stream."""
    return list(open_stream(body, echo=echo))


def written(batches: list[pa.RecordBatch], options: ipc.IpcWriteOptions | None = None) -> bytes:
    """Write record batches as a stream."""
    sink = BytesIO()
    with ipc.new_stream(sink, batches[0].schema, options=options) as stream:
        for batch in batches:
            stream.write_batch(batch)
    return sink.getvalue()


@pytest.mark.parametrize("options", [None, LZ4, ZSTD], ids=["plain", "LZ4", "zstd"])
def test_batches_become_blocks(options: ipc.IpcWriteOptions | None) -> None:
    batch = pa.record_batch(TWO)

    blocks = read(written([batch, batch], options))

    assert [block.rows for block in blocks] == [2, 2]
    assert [block.instances["size"].tolist() for block in blocks] == [[1.0, 2.5]] * 2
    assert [block.instances["colour"].tolist() for block in blocks] == [["red", None]] * 2


class Trickle:
    """A stream of which only some has arrived."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.asked = 0

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, and note how far was read."""
        read, self._body = self._body[:size], self._body[size:]
        self.asked += len(read)
        return read

    def has_arrived(self, _: int) -> bool:
        """Tell that nothing has."""
        return False


def test_batch_is_read_before_the_next_one_has_arrived() -> None:
    batch = pa.record_batch(TWO)
    one, two = written([batch]), written([batch, batch])
    stream = Trickle(two)

    blocks = iter(open_stream(stream))

    assert next(blocks).rows == 2
    assert stream.asked <= len(one)


def test_next_block_is_ready_while_its_batch_is_there() -> None:
    many = pa.record_batch({"size": [1.0] * 1000, "colour": ["red"] * 1000})
    reader = open_stream(Trickle(written([many, many])))
    blocks = iter(reader)

    next(blocks)
    assert reader.is_ready()  # the first block has 512 rows
    next(blocks)
    next(blocks)
    assert reader.is_ready()


def test_stream_may_lack_its_end_mark() -> None:
    assert [block.rows for block in read(arrow(TWO)[:-8])] == [2]


def test_dictionary_may_be_replaced_or_grow() -> None:
    kind = pa.dictionary(pa.int8(), pa.string())
    batches = [
        pa.record_batch({"size": [1.0], "colour": pa.array([text], kind)})
        for text in ("red", "blue")
    ]
    grown = [
        pa.record_batch(
            {
                "size": [1.0],
                "colour": pa.DictionaryArray.from_arrays(pa.array([code], pa.int8()), texts),
            }
        )
        for code, texts in ((0, ["red"]), (1, ["red", "blue"]))
    ]
    deltas = ipc.IpcWriteOptions(emit_dictionary_deltas=True)

    for body in (written(batches), written(grown, deltas)):
        assert [block.instances["colour"].tolist() for block in read(body)] == [["red"], ["blue"]]


def test_columns_that_are_no_input_may_have_any_type() -> None:
    deep = pa.array([1, 2])
    for _ in range(20):
        deep = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), deep)
    others = {
        "nested": deep,
        "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int8())),
        "struct": [{"a": 1}, None],
        "span": pa.array([1, None], pa.duration("s")),
        "bytes": [b"\xff", b""],
    }

    (block,) = read(arrow({**others, **TWO}))

    assert block.ignored_columns == tuple(others)
    assert block.rows == 2


def test_file_without_a_schema_at_its_beginning_is_told_what_to_do() -> None:
    with pytest.raises(MalformedBody, match="write_ipc_stream"):
        read(b"ARROW1\0\0" + bytes(range(8)))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"size": [1.0], "color": ["red"]},
            "Column 'colour' is missing. The table has 'color': rename it.",
        ),
        ({"colour": ["red"]}, "Column 'size' is missing."),
        (
            {"size": [[1.0]], "colour": ["red"]},
            "Column 'size' must hold numbers. Received: the Arrow type 'list<item: double>'.",
        ),
        (
            {"size": pa.array([1], pa.timestamp("s")), "colour": ["red"]},
            "Column 'size' must hold numbers. Received: the Arrow type 'timestamp[s]'.",
        ),
        (
            {"size": [1.0], "colour": [{"a": 1}]},
            "Column 'colour' must hold texts. Received: the Arrow type 'struct<a: int64>'.",
        ),
        ({"size": [1.0], "colour": [b"\xff"]}, "Column 'colour' must be UTF-8."),
    ],
    ids=["misspelt", "missing", "list", "time", "struct", "bytes"],
)
def test_column_that_does_not_fit_is_named(columns: dict[str, pa.Array], sentence: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        read(arrow(columns))

    assert caught.value.faults[0].detail == sentence


def test_column_that_comes_twice_is_named() -> None:
    body = arrow(pa.table([[1.0], [2.0], ["red"]], ["size", " size", "colour"]))

    with pytest.raises(InvalidInstances, match=r"Column 'size' must come once\. Received: 2 times"):
        read(body)


def test_columns_with_one_name_that_are_no_input_are_numbered() -> None:
    body = arrow(pa.table([[1.0], ["red"], [1], [2]], ["size", "colour", "note", "note"]))

    (block,) = read(body, echo=True)

    assert list(block.echo) == ["size", "colour", "note", "note.1"]


def test_nested_column_cannot_be_repeated() -> None:
    with pytest.raises(InvalidInstances, match="Column 'x' cannot be repeated"):
        read(arrow({**TWO, "x": [[1], [2]]}), echo=True)


# What is no stream, or lies.


def repeated(batch: pa.RecordBatch, count: int) -> bytes:
    """Write a record batch many times."""
    once, twice = written([batch]), written([batch, batch])
    return once[:-8] + twice[len(once) - 8 : -8] * (count - 1)


def patched(body: bytes, old: bytes, new: bytes) -> bytes:
    """Write other bytes in the place of some."""
    assert old in body
    return body.replace(old, new, 1)


def compressed(rows: int = 1000) -> bytes:
    """Write a stream whose buffers are compressed, and unpack to 8 bytes a row."""
    batch = pa.record_batch({"size": [1.0] * rows, "colour": pa.nulls(rows)})
    return written([batch], ZSTD)


def nulls(count: int) -> pa.Array:
    """Make nulls that take no memory."""
    return pa.Array.from_buffers(pa.null(), count, [None])


def nested(depth: int) -> bytes:
    """Write a schema of lists in lists."""
    kind: pa.DataType = pa.int8()
    for _ in range(depth):
        kind = pa.list_(kind)
    fields = {"size": pa.float64(), "colour": pa.string(), "deep": kind}
    return bytes(pa.schema(fields).serialize())


def large_dictionaries(count: int) -> bytes:
    """Write a stream whose dictionary grows."""
    texts = [f"{number:01000}" for number in range(500 * count)]
    batches = [
        pa.record_batch(
            {
                "size": [1.0],
                "colour": pa.DictionaryArray.from_arrays(
                    pa.array([0], pa.int32()), texts[: 500 * number]
                ),
            }
        )
        for number in range(1, count + 1)
    ]
    return written(batches, ipc.IpcWriteOptions(emit_dictionary_deltas=True))


def coded(texts: list[str]) -> pa.Array:
    """Make one cell of a dictionary."""
    return pa.array(texts).dictionary_encode()[:1]


def code_beyond_its_dictionary() -> bytes:
    """Write a stream in which a code has no entry."""
    column = pa.DictionaryArray.from_arrays(pa.array([77, 0], pa.int8()), ["red"], safe=False)
    return written([pa.record_batch({"size": [1.0, 2.0], "colour": column})])


TWO_BODY = arrow(TWO)
LENGTH_OF_SCHEMA = TWO_BODY[4:8]
HOSTILE: dict[str, tuple[Callable[[], bytes], type[VitrineError]]] = {
    "nothing": (lambda: b"", EmptyBody),
    "text": (lambda: b"size,colour\n1,red\n", MalformedBody),
    "mark alone": (lambda: b"ARROW1\0\0", MalformedBody),
    "negative length": (
        lambda: patched(TWO_BODY, LENGTH_OF_SCHEMA, b"\xff\xff\xff\xff"),
        MalformedBody,
    ),
    "huge length": (
        lambda: patched(TWO_BODY, LENGTH_OF_SCHEMA, b"\xff\xff\xff\x7f"),
        DataTooLarge,
    ),
    "bytes behind the end": (lambda: TWO_BODY * 2, MalformedBody),
    "code beyond its dictionary": (code_beyond_its_dictionary, MalformedBody),
    "deep nesting": (lambda: nested(300), MalformedBody),
    "rows without bytes": (
        lambda: written([pa.record_batch([nulls(2**31 - 1)] * 2, ["size", "colour"])]),
        TooManyInstances,
    ),
    "many rows": (
        lambda: written([pa.record_batch([nulls(2**19 + 1)] * 2, ["size", "colour"])] * 2),
        TooManyInstances,
    ),
    "dictionary of nulls": (
        lambda: written(
            [
                pa.record_batch(
                    {
                        "size": [1.0],
                        "colour": pa.DictionaryArray.from_arrays([0], nulls(2**31 - 1)),
                    }
                )
            ]
        ),
        TooManyInstances,
    ),
    "dictionary of a negative length": (
        lambda: patched(
            written([pa.record_batch({"size": [1.0], "colour": coded(["red", "blue"] * 2000)})]),
            struct.pack("<qq", 2, 0),
            struct.pack("<qq", -1, 0),
        ),
        MalformedBody,
    ),
    "batches without rows": (
        lambda: repeated(pa.record_batch(TWO)[:0], 40_001),
        MalformedBody,
    ),
    "large batch": (
        lambda: arrow({"size": np.zeros(2**20), "colour": pa.nulls(2**20)}),
        DataTooLarge,
    ),
    "compressed large batch": (lambda: compressed(2**20), DataTooLarge),
    "compressed to gigabytes": (
        lambda: patched(compressed(), struct.pack("<q", 8000), struct.pack("<q", 2**50)),
        DataTooLarge,
    ),
    "compressed to a negative length": (
        lambda: patched(compressed(), struct.pack("<q", 8000), struct.pack("<q", -7)),
        MalformedBody,
    ),
    "compressed to less": (
        lambda: patched(compressed(), struct.pack("<q", 8000), struct.pack("<q", 7999)),
        MalformedBody,
    ),
    "growing dictionary": (lambda: large_dictionaries(10), DataTooLarge),
    "long text": (
        lambda: arrow({"size": [1.0], "colour": ["x" * 2**17]}),
        DataTooLarge,
    ),
    "many columns": (
        lambda: arrow(pa.table([[1]] * 20_001, [str(number) for number in range(20_001)])),
        InvalidInstances,
    ),
}


@pytest.mark.parametrize(("make", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_stream_is_refused(make: Callable[[], bytes], expected: type[VitrineError]) -> None:
    with pytest.raises(expected):
        read(make())


def shared_views(text: str, count: int) -> pa.Array:
    """Make views that all see one text."""
    views = struct.pack("<i4sii", len(text), text[:4].encode(), 0, 0) * count
    buffers = [None, pa.py_buffer(views), pa.py_buffer(text.encode())]
    return pa.Array.from_buffers(pa.string_view(), count, buffers)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x" * 60_000]).dictionary_encode().take([0] * 5000),
        shared_views("x" * 60_000, 5000),
    ],
    ids=["dictionary", "views"],
)
def test_text_that_many_cells_share_is_cut_into_small_blocks(column: pa.Array) -> None:
    batch = pa.record_batch({"size": pa.nulls(5000), "colour": column})

    reader = iter(open_stream(written([batch])))

    assert max(next(reader).rows for _ in range(3)) == 2**22 // 60_000
    with pytest.raises(DataTooLarge, match="texts of a table"):
        list(reader)


def test_buffer_of_views_may_be_longer_than_they_are() -> None:
    views = struct.pack("<i12s", 3, b"red") + b"more"
    column = pa.Array.from_buffers(pa.string_view(), 1, [None, pa.py_buffer(views)])

    (block,) = read(written([pa.record_batch({"size": [1.0], "colour": column})]))

    assert block.instances["colour"].tolist() == ["red"]


@pytest.mark.parametrize("options", [None, ZSTD], ids=["plain", "zstd"])
def test_cut_stream_is_refused(options: ipc.IpcWriteOptions | None) -> None:
    table = pa.record_batch(
        {"size": [1.0, 2.0], "colour": pa.array(["red", None]).dictionary_encode()}
    )
    body = written([table], options)

    outcomes = set(_outcomes(body[:length] for length in range(1, len(body) - 8)))

    assert outcomes <= {"MalformedBody", "0 rows"}  # a stream may end behind any message


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_changed_stream_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(_bodies())))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))

    list(_outcomes([bytes(body)]))


def _bodies() -> list[bytes]:
    coded = pa.record_batch({"size": [1, 2], "colour": pa.array(["red", None]).dictionary_encode()})
    views = pa.record_batch({"size": [1, 2], "colour": pa.array(["red", None], pa.string_view())})
    return [TWO_BODY, written([coded, coded], LZ4), written([views]), compressed(10)]


def _outcomes(bodies: Iterable[bytes]) -> Iterator[str]:
    for body in bodies:
        try:
            yield f"{sum(block.rows for block in read(body))} rows"
        except VitrineError as error:
            yield type(error).__name__
