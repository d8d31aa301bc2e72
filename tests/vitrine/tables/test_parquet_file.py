"""Parquet files: read in small parts, and refused where these would unpack to too much."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from tests.arrow_tables import parquet_file
from tests.bundles import table_manifest
from vitrine.errors import (
    DataTooLarge,
    EmptyBody,
    InvalidInstances,
    MalformedBody,
    TooManyInstances,
    VitrineError,
)
from vitrine.tables.arrow_blocks import BLOCK_ROWS
from vitrine.tables.blocks import Block
from vitrine.tables.limits import ArrowLimits
from vitrine.tables.parquet_file import ParquetReader
from vitrine.tables.parquet_pages import ParquetPages, Plan

COLUMNS = table_manifest().signature.columns
LIMITS = ArrowLimits(max_rows=2**20, max_row_bytes=2**16, max_batch_bytes=2**22, max_bytes=2**26)
TWO = {"size": [1.0, 2.5], "colour": ["red", None]}


def read(body: bytes, *, echo: bool = False) -> list[Block]:
    """Read all blocks of a file."""
    return list(ParquetReader(body, COLUMNS, training_dialect=None, limits=LIMITS, echo=echo))


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "snappy"},
        {"compression": "none", "use_dictionary": False},
        {"compression": "zstd", "data_page_version": "2.0"},
        {"compression": "gzip", "version": "1.0"},
        {"compression": "brotli", "row_group_size": 1},
        {"compression": "lz4", "data_page_size": 1},
        {
            "use_dictionary": False,
            "column_encoding": {"size": "BYTE_STREAM_SPLIT", "colour": "DELTA_BYTE_ARRAY"},
        },
        {"use_dictionary": False, "column_encoding": {"colour": "DELTA_LENGTH_BYTE_ARRAY"}},
        {"write_page_index": True, "write_page_checksum": True},
        {"store_schema": False, "write_statistics": False},
    ],
    ids=lambda options: " ".join(f"{name}={value}" for name, value in options.items()),
)
def test_file_is_read_however_it_was_written(options: dict[str, Any]) -> None:
    blocks = read(parquet_file(TWO, **options))

    assert [size for block in blocks for size in block.instances["size"].tolist()] == [1.0, 2.5]
    assert [colour for block in blocks for colour in block.instances["colour"]] == ["red", None]


@pytest.mark.parametrize(
    "colours",
    [
        pa.array(["red", None], pa.large_string()),
        pa.array(["red", None], pa.string_view()),
        pa.array(["red", None], pa.binary()),
        pa.array(["red", None]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
@pytest.mark.parametrize(
    "sizes",
    [
        pa.array([1, 2.5], pa.float16()),
        pa.array([Decimal("1.00"), Decimal("2.50")], pa.decimal128(5, 2)),
        pa.array([Decimal("1.00"), Decimal("2.50")], pa.decimal256(60, 2)),
        pa.array(["1", "2.5"]),
        pa.array([1.0, 2.5]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_columns_may_have_any_flat_type(sizes: pa.Array, colours: pa.Array) -> None:
    (block,) = read(parquet_file({"size": sizes, "colour": colours}))

    assert block.instances["size"].tolist() == [1.0, 2.5]
    assert block.instances["colour"].tolist() == ["red", None]


def test_nested_columns_are_ignored() -> None:
    others = {"list": [[1, 2], None], "struct": [{"size": 5, "b": [1]}, None]}

    (block,) = read(parquet_file({**others, **TWO}))

    assert block.ignored_columns == ("list", "struct")
    assert block.instances["size"].tolist() == [1.0, 2.5]


def test_columns_with_one_name_that_are_no_input_are_repeated() -> None:
    body = parquet_file(pa.table([[1.0], ["red"], [1], [2]], ["size", "colour", "note", "note"]))

    (block,) = read(body, echo=True)

    assert {name: list(cells) for name, cells in block.echo.items()} == {
        "size": ["1.0"],
        "colour": ["red"],
        "note": ["1"],
        "note.1": ["2"],
    }


def test_column_of_another_type_is_named() -> None:
    with pytest.raises(InvalidInstances, match="Column 'size' must hold numbers"):
        read(parquet_file({"size": [[1.0]], "colour": ["red"]}))


# What is no file, or lies.


def zeros(rows: int) -> bytes:
    """Write numbers that lie in one page, which is small when it is compressed."""
    columns = {"size": np.zeros(rows), "colour": pa.nulls(rows, pa.string())}
    return parquet_file(
        columns,
        use_dictionary=False,
        compression="zstd",
        data_page_size=2**40,
        max_rows_per_page=2**40,
        row_group_size=2**40,
    )


def varint(number: int) -> bytes:
    """Write a number as Thrift does."""
    octets = b""
    while number > 127:
        octets += bytes([number & 127 | 128])
        number >>= 7
    return octets + bytes([number])


def described(footer: bytes) -> bytes:
    """Write a file that is nothing but its description."""
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def list_of(size: int, kind: int = 12) -> bytes:
    """Write a field, the fourth, that is a list of so many structures."""
    return bytes([4 << 4 | 9, 15 << 4 | kind]) + varint(size)


def patched_footer(body: bytes, length: int) -> bytes:
    """Give the description another length."""
    return body[:-8] + length.to_bytes(4, "little") + b"PAR1"


def long_prefixes(length: int, count: int) -> bytes:
    """Write texts of which each repeats the one before."""
    return parquet_file(
        {"size": pa.nulls(count, pa.float64()), "colour": ["x" * length] * count},
        use_dictionary=False,
        column_encoding={"colour": "DELTA_BYTE_ARRAY"},
        compression="zstd",
    )


TWO_BODY = parquet_file(TWO)
HOSTILE: dict[str, tuple[Callable[[], bytes], type[VitrineError]]] = {
    "nothing": (lambda: b"", EmptyBody),
    "text": (lambda: b"size,colour\n1,red\n", MalformedBody),
    "marks alone": (lambda: b"PAR1PAR1", MalformedBody),
    "encrypted": (lambda: TWO_BODY[:-4] + b"PARE", MalformedBody),
    "description longer than the file": (
        lambda: patched_footer(TWO_BODY, 2**32 - 1),
        MalformedBody,
    ),
    "long description": (lambda: described(b"\0" * (2**22 + 1)), DataTooLarge),
    "millions of row groups": (lambda: described(list_of(10**6) + b"\0" * 10**6), DataTooLarge),
    "row groups that are not there": (lambda: described(list_of(2**31 - 1)), DataTooLarge),
    "row groups that are numbers": (
        lambda: described(list_of(100, kind=5) + b"\0" * 101),
        MalformedBody,
    ),
    "deep description": (lambda: described(b"\x1c" * 1000), MalformedBody),
    "endless number": (lambda: described(b"\x15" + b"\xff" * 1000), MalformedBody),
    "large page": (lambda: zeros(2**20), DataTooLarge),
    "many rows": (
        lambda: parquet_file({"size": pa.nulls(2**20 + 1), "colour": pa.nulls(2**20 + 1)}),
        TooManyInstances,
    ),
    "long text": (lambda: parquet_file({"size": [1.0], "colour": ["x" * 2**17]}), DataTooLarge),
    "many texts that ask to be codes": (
        lambda: parquet_file(
            {
                "size": pa.nulls(5000, pa.float64()),
                "colour": pa.array([f"{n:01000}" for n in range(5000)]).dictionary_encode(),
            },
            use_dictionary=False,
        ),
        DataTooLarge,
    ),
    "text that is repeated": (lambda: long_prefixes(2**16, 5000), DataTooLarge),
}


@pytest.mark.parametrize(("make", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_file_is_refused(make: Callable[[], bytes], expected: type[VitrineError]) -> None:
    with pytest.raises(expected):
        read(make())


@pytest.mark.parametrize(
    ("offset", "value"),
    [("data_page_offset", 2**40), ("total_compressed_size", 2**40)],
)
def test_page_that_is_not_in_the_file_is_refused(offset: str, value: int) -> None:
    body = parquet_file(TWO, use_dictionary=False, compression="none")
    column = parquet.read_metadata(BytesIO(body)).row_group(0).column(0)
    number = getattr(column, offset)
    zigzag = {number: varint(2 * number), value: varint(2 * value)}
    footer = body[-8 - int.from_bytes(body[-8:-4], "little") : -8]
    assert zigzag[number] in footer
    changed = footer.replace(zigzag[number], zigzag[value])

    with pytest.raises(MalformedBody):
        read(body[: -8 - len(footer)] + described(changed)[4:])


def test_page_that_unpacks_to_more_than_it_says_is_refused() -> None:
    body = zeros(1000)
    size = next(varint(2 * octets) for octets in range(8000, 8100) if varint(2 * octets) in body)

    with pytest.raises(MalformedBody):
        read(body.replace(size, varint(2 * 7000), 1))


def test_many_rows_of_long_texts_are_read_a_few_at_a_time() -> None:
    texts = [f"{number:060000}" for number in range(1000)]
    body = parquet_file(
        {"size": pa.nulls(1000, pa.float64()), "colour": texts},
        use_dictionary=False,
        compression="zstd",
        data_page_size=1000,
        write_batch_size=1,
    )
    pages = ParquetPages(body, LIMITS)

    assert pages.plan(["size", "colour"], BLOCK_ROWS) == Plan(64, [], ["colour"])
    assert pages.plan(["size"], BLOCK_ROWS) == Plan(BLOCK_ROWS, [], [])


def test_texts_of_a_dictionary_are_read_as_codes_unless_many_are_not_in_it() -> None:
    def plan(count: int) -> Plan:
        texts = [f"{number:01000}" for number in range(count)]
        columns = {"size": pa.nulls(count, pa.float64()), "colour": texts}
        body = parquet_file(columns, dictionary_pagesize_limit=2**16, write_batch_size=10)
        return ParquetPages(body, LIMITS).plan(["size", "colour"], BLOCK_ROWS)

    assert plan(100) == Plan(BLOCK_ROWS, ["colour"], [])
    assert plan(4000) == Plan(BLOCK_ROWS, ["colour"], [])
    assert (plan(5000).coded, plan(5000).large) == ([], ["colour"])


def test_cut_file_is_refused() -> None:
    assert set(_outcomes(TWO_BODY[:length] for length in range(1, len(TWO_BODY)))) == {
        "MalformedBody"
    }


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_changed_file_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(_bodies())))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))

    list(_outcomes([bytes(body)]))


def _bodies() -> list[bytes]:
    plain = {"compression": "none", "use_dictionary": False}
    delta = {**plain, "column_encoding": {"colour": "DELTA_BYTE_ARRAY"}}
    return [
        TWO_BODY,
        parquet_file(TWO, data_page_version="2.0", compression="zstd"),
        parquet_file(TWO, **plain),
        parquet_file(TWO, **delta),
        parquet_file({**TWO, "other": [[1], None]}),
    ]


def _outcomes(bodies: Iterable[bytes]) -> Iterator[str]:
    for body in bodies:
        try:
            yield f"{sum(block.rows for block in read(body))} rows"
        except VitrineError as error:
            yield type(error).__name__
