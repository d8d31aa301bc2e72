"""What the pages of a Parquet file unpack to, found out from their headers alone.

A page of a few bytes may unpack to gigabytes, and a few hundred such pages may be needed for one
block of rows.

References:
    https://github.com/apache/parquet-format, above all `parquet.thrift`, whose numbers of fields
    stand here.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import DataTooLarge
from vitrine.tables.limits import ArrowLimits
from vitrine.tables.thrift import I32, I64, LIST, STRUCT, Struct, ThriftReader, TooManyValues

_MARK = b"PAR1"
_TAIL_BYTES = 8
_MAX_FOOTER_BYTES = 2**22
# PyArrow takes up to a kilobyte for some of the values.
_MAX_FOOTER_VALUES = 300_000
_MAX_PAGE_VALUES = 500_000
_BYTE_ARRAY = 6
_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 0, 2, 3
_DICTIONARY_CODES = frozenset({2, 8})
# Only the lengths of texts are written as differences, or parts of the texts, too.
_DELTA_CODES = frozenset({6, 7})
# Pages that are unpacked at the same time may together have so many times the bytes of one batch.
_BATCHES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The part of a column that lies in one row group."""

    name: str
    start: int
    end: int
    is_texts: bool


@dataclass(slots=True)
class _Column:
    """The pages of one column.

    Attributes:
        rows: Number of values of each page of data.
        text_bytes: Bytes of the texts that lie in each of them.
        is_delta: Whether texts in each are written as differences.
        largest, largest_dictionary: Bytes of the largest page, and of the largest dictionary.
    """

    rows: list[int]
    text_bytes: list[int]
    is_delta: list[bool]
    largest: int = 0
    largest_dictionary: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How the columns of a file are read.

    Attributes:
        rows: How many rows are read at once.
        deltas: Names of the columns in which texts are written as differences.
    """

    rows: int
    deltas: Sequence[str]


class ParquetPages:
    """The pages of a Parquet file.

    Args:
        body: The file.
        limits: How much it may hold.

    Raises:
        ValueError: It is no Parquet file.
        DataTooLarge: It describes too much.
    """

    def __init__(self, body: bytes, limits: ArrowLimits) -> None:
        self._body = body
        self._limits = limits
        self._chunks = list(_chunks(_footer(body)))

    def plan(self, names: Collection[str], most: int) -> "Plan":
        """Say how columns can be read in little memory.

        Args:
            names: Names of the columns that are read.
            most: Number of rows that are wanted.

        Raises:
            ValueError: The file is damaged.
            DataTooLarge: Pages unpack to more than the limits allow.
        """
        columns = self._columns(names)
        at_once = sum(each.largest + each.largest_dictionary for each in columns.values())
        if at_once > _BATCHES_AT_ONCE * self._limits.max_batch_bytes:
            most_bytes = _BATCHES_AT_ONCE * self._limits.max_batch_bytes
            raise DataTooLarge("Pages of a Parquet file that are read together", most_bytes)
        rows = most
        while rows > 1 and _texts_at_once(columns.values(), rows) > self._limits.max_batch_bytes:
            rows //= 2
        return Plan(rows, [name for name, column in columns.items() if any(column.is_delta)])

    def _columns(self, names: Collection[str]) -> dict[str, _Column]:
        columns = {name: _Column([], [], []) for name in names}
        reader = ThriftReader(self._body, max_values=_MAX_PAGE_VALUES)
        total = 0
        for chunk in self._chunks:
            if chunk.name in columns:
                total += self._read_chunk(reader, chunk, columns[chunk.name])
                if total > self._limits.max_bytes:
                    raise DataTooLarge("The pages of a Parquet file", self._limits.max_bytes)
        return columns

    def _read_chunk(self, reader: ThriftReader, chunk: _Chunk, column: _Column) -> int:
        """Look at the header of each page of a chunk; return what they unpack to."""
        reader.position, total = chunk.start, 0
        while reader.position < chunk.end:
            try:
                header = reader.read_struct(chunk.end)
            except TooManyValues:
                raise _too_complex(_MAX_PAGE_VALUES) from None
            size, packed = _number(header, 2), _number(header, 3)
            reader.position += packed
            if reader.position > chunk.end:
                raise ValueError("a page is longer than its column")
            if size > self._limits.max_batch_bytes:
                raise DataTooLarge("A page of a Parquet file", self._limits.max_batch_bytes)
            total += size
            _note_page(header, size, chunk, column)
        return total


def _note_page(header: Struct, size: int, chunk: _Chunk, column: _Column) -> None:
    kind = header.get((1, I32))
    if kind == _DICTIONARY_PAGE:
        entries = _number(_struct(header, 7), 1)
        if entries > size:  # every entry takes a byte at least
            raise ValueError("a dictionary has more entries than bytes")
        column.largest_dictionary = max(column.largest_dictionary, size)
        return
    if kind not in {_DATA_PAGE, _DATA_PAGE_V2}:
        return
    data = _struct(header, 5 if kind == _DATA_PAGE else 8)
    encoding = _number(data, 2 if kind == _DATA_PAGE else 4)
    is_plain = chunk.is_texts and encoding not in _DICTIONARY_CODES
    column.rows.append(_number(data, 1))
    column.text_bytes.append(size if is_plain else 0)
    column.is_delta.append(is_plain and encoding in _DELTA_CODES)
    column.largest = max(column.largest, size)


def _texts_at_once(columns: Iterable[_Column], rows: int) -> int:
    return sum(_largest_window(column, rows) for column in columns)


def _largest_window(column: _Column, rows: int) -> int:
    """Return the most bytes that the texts of so many consecutive rows may have."""
    counts = np.array(column.rows, np.int64)
    if not len(counts):
        return 0
    # A text may repeat the one before, whose bytes are then there only once.
    repeats = np.where(column.is_delta, np.minimum(counts, rows), 1)
    # In floating point: what is too large for an integer is only compared.
    sizes = np.array(column.text_bytes, np.float64) * repeats
    ends = np.cumsum(counts)
    sums: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(sizes)])
    last = np.searchsorted(ends - counts, ends + rows - 1)
    return int((sums[last] - sums[:-1]).max())


def _footer(body: bytes) -> Struct:
    """Read the description of the file, which stands at its end."""
    if len(body) < len(_MARK) + _TAIL_BYTES or not body.endswith(_MARK):
        raise ValueError("the file has no end")
    size = int.from_bytes(body[-_TAIL_BYTES:-4], "little")
    if size > len(body) - _TAIL_BYTES - len(_MARK):
        raise ValueError("the description is longer than the file")
    if size > _MAX_FOOTER_BYTES:
        raise DataTooLarge("The description of a Parquet file", _MAX_FOOTER_BYTES)
    reader = ThriftReader(body[-_TAIL_BYTES - size : -_TAIL_BYTES], max_values=_MAX_FOOTER_VALUES)
    try:
        return reader.read_struct(size)
    except TooManyValues:
        raise _too_complex(_MAX_FOOTER_VALUES) from None


def _too_complex(limit: int) -> DataTooLarge:
    return DataTooLarge("The description of a Parquet file", limit, unit="values")


def _chunks(footer: Struct) -> Iterator[_Chunk]:
    for group in footer.get((4, LIST), ()):
        for column in group.get((1, LIST), ()):
            description = _struct(column, 3)
            if _number(description, 5, I64):  # a chunk without values has no pages
                yield _chunk(description)


def _chunk(description: Struct) -> _Chunk:
    path = [name.decode() for name in description.get((3, LIST), ())]
    start = _number(description, 9, I64)
    dictionary: Any = description.get((11, I64))
    if dictionary is not None and 0 < dictionary < start:
        start = dictionary
    return _Chunk(
        # Only columns without parts are read, so that no other path matters.
        name=path[0] if len(path) == 1 else "",
        start=start,
        end=start + _number(description, 7, I64),
        is_texts=description.get((1, I32)) == _BYTE_ARRAY,
    )


def _struct(fields: Struct, number: int) -> Struct:
    found = fields.get((number, STRUCT))
    if found is None:
        raise ValueError("a structure is missing")
    struct: Struct = found
    return struct


def _number(fields: Struct, number: int, kind: int = I32) -> int:
    found = fields.get((number, kind))
    if found is None or found < 0:
        raise ValueError("a number is missing or negative")
    value: int = found
    return value
