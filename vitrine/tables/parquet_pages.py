"""What the pages of a Parquet file unpack to, found out from their headers alone.

A page of a few bytes may unpack to gigabytes, and a few hundred such pages may be needed for one
block of rows.

References:
    https://github.com/apache/parquet-format, above all `parquet.thrift`, whose numbers of fields
    stand here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import DataTooLarge
from vitrine.tables.limits import ArrowLimits
from vitrine.tables.thrift import (
    BINARY,
    I32,
    I64,
    LIST,
    STRUCT,
    Struct,
    ThriftReader,
    TooManyValues,
)

_MARK = b"PAR1"
_TAIL_BYTES = 8
_BYTE_ARRAY = 6
_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 0, 2, 3
# Pages that are unpacked at the same time may together have so many times the bytes of one batch.
_BATCHES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The part of a column that lies in one row group."""

    name: str
    start: int
    end: int
    is_texts: bool


class _Coding(IntEnum):
    """How the texts of a page are written."""

    PLAIN = 0
    CODES = 1
    DELTAS = 2


# The lists of the description, by the numbers of the fields that lead to them.
_LISTS: Mapping[tuple[int, ...], int] = {
    (2,): STRUCT,  # the schema
    (4,): STRUCT,  # row groups
    (5,): STRUCT,  # remarks
    (7,): STRUCT,  # orders of columns
    (4, 1): STRUCT,  # the chunks of a row group
    (4, 4): STRUCT,  # how it is sorted
    (4, 1, 3, 2): I32,  # the encodings of a chunk
    (4, 1, 3, 3): BINARY,  # its path
    (4, 1, 3, 8): STRUCT,  # remarks
    (4, 1, 3, 13): STRUCT,  # pages by encoding
    (4, 1, 3, 16, 2): I64,  # histograms of levels
    (4, 1, 3, 16, 3): I64,
    (4, 1, 3, 17, 2): I32,  # kinds of geometries
}
# Numbers of encodings. Of those with differences, one is of the lengths alone.
_CODINGS = {
    **dict.fromkeys((2, 8), _Coding.CODES),
    **dict.fromkeys((6, 7), _Coding.DELTAS),
}


@dataclass(slots=True)
class _Column:
    """The pages of one column.

    Attributes:
        rows: Number of values of each page of data.
        sizes: Bytes of each, unpacked.
        codings: How the texts of each are written.
        is_texts: Whether it holds texts.
        dictionary: Bytes of the largest dictionary.
    """

    rows: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    codings: list[_Coding] = field(default_factory=list)
    is_texts: bool = False
    dictionary: int = 0

    @property
    def bytes_at_once(self) -> int:
        """Bytes of the largest page and of the dictionary."""
        return max(self.sizes, default=0) + self.dictionary

    @property
    def plain_bytes(self) -> int:
        """Bytes of the pages whose texts are not in the dictionary."""
        pages = zip(self.sizes, self.codings, strict=True)
        return sum(size for size, coding in pages if coding is _Coding.PLAIN)

    @property
    def may_be_coded(self) -> bool:
        """Whether PyArrow can read texts as codes, and keep one copy of each."""
        return self.is_texts and self.dictionary > 0 and _Coding.DELTAS not in self.codings

    def texts_at_once(self, rows: int, *, is_coded: bool) -> int:
        """Return the most bytes that the texts of so many consecutive rows may have."""
        counts = np.array(self.rows, np.int64)
        if not (len(counts) and self.is_texts):
            return 0
        repeats = np.minimum(counts, rows)
        # In floating point: what is too large for an integer is only compared.
        sizes = np.array(self.sizes, np.float64)
        # Of texts that are written as differences, each may repeat all of the one before.
        most = [sizes, 0.0 * sizes if is_coded else repeats * self.dictionary, sizes * repeats]
        sums: NDArray[np.float64] = np.append(0.0, np.cumsum(np.choose(self.codings, most)))
        ends = np.cumsum(counts)
        last = np.searchsorted(ends - counts, ends + rows - 1)
        return int((sums[last] - sums[:-1]).max())


@dataclass(frozen=True, slots=True)
class Plan:
    """How the columns of a file are read.

    Attributes:
        rows: How many rows are read at once.
        coded: Names of the columns whose texts are read as codes.
        large: Names of the columns with too many bytes to be read as codes.
    """

    rows: int
    coded: Sequence[str]
    large: Sequence[str]


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
        self._chunks = list(_chunks(_footer(body, limits)))

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
        largest = self._limits.max_batch_bytes
        if sum(each.bytes_at_once for each in columns.values()) > _BATCHES_AT_ONCE * largest:
            subject = "The pages of a Parquet file that are read at once"
            raise DataTooLarge(subject, _BATCHES_AT_ONCE * largest)
        # PyArrow keeps codes' texts that are not in the dictionary until the last row is read.
        large = [name for name, column in columns.items() if column.plain_bytes > largest]
        coded = [
            name for name, column in columns.items() if column.may_be_coded and name not in large
        ]
        rows = most
        while rows > 1 and largest < sum(
            column.texts_at_once(rows, is_coded=name in coded) for name, column in columns.items()
        ):
            rows //= 2
        return Plan(rows, coded, large)

    def _columns(self, names: Collection[str]) -> dict[str, _Column]:
        columns = {name: _Column() for name in names}
        reader = ThriftReader(self._body, max_values=self._limits.max_header_values)
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
                raise _too_complex(self._limits) from None
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
        column.dictionary = max(column.dictionary, size)
        return
    if kind not in {_DATA_PAGE, _DATA_PAGE_V2}:
        return
    data = _struct(header, 5 if kind == _DATA_PAGE else 8)
    encoding = _number(data, 2 if kind == _DATA_PAGE else 4)
    column.rows.append(_number(data, 1))
    column.sizes.append(size)
    column.codings.append(_CODINGS.get(encoding, _Coding.PLAIN))
    column.is_texts = column.is_texts or chunk.is_texts


def _footer(body: bytes, limits: ArrowLimits) -> Struct:
    """Read the description of the file, which stands at its end."""
    if len(body) < len(_MARK) + _TAIL_BYTES or not body.endswith(_MARK):
        raise ValueError("the file has no end")
    size = int.from_bytes(body[-_TAIL_BYTES:-4], "little")
    if size > len(body) - _TAIL_BYTES - len(_MARK):
        raise ValueError("the description is longer than the file")
    if size > limits.max_footer_bytes:
        raise DataTooLarge("The description of a Parquet file", limits.max_footer_bytes)
    footer = body[-_TAIL_BYTES - size : -_TAIL_BYTES]
    reader = ThriftReader(footer, max_values=limits.max_header_values, lists=_LISTS)
    try:
        return reader.read_struct(size)
    except TooManyValues:
        raise _too_complex(limits) from None


def _too_complex(limits: ArrowLimits) -> DataTooLarge:
    subject = "The description of a Parquet file"
    return DataTooLarge(subject, limits.max_header_values, unit="values")


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
