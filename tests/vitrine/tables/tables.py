"""Columns, dialects and readers for the tests of tables."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.signature import CategoryInput, ColumnSpec, DateInput, Dialect, Instances, NumberInput
from vitrine.tables.blocks import Block
from vitrine.tables.reader import CsvReader
from vitrine.tables.streams import ByteStream

POINT = Dialect()
COMMA = Dialect(delimiter=";", decimal=",", thousands=".")


def number(name: str, *, maximum: float = 100.0) -> NumberInput:
    """Make a column of numbers; one that ends at 1 is a flag."""
    return NumberInput(
        name=name,
        tensor=name,
        dtype="float32",
        shape=(1,),
        minimum=0.0,
        maximum=maximum,
        median=1.0,
        blanks=True,
    )


def date(name: str, date_format: str = "%Y-%m-%d") -> DateInput:
    """Make a column of dates."""
    return DateInput(
        name=name,
        tensor=name,
        dtype="float32",
        shape=(1,),
        format=date_format,
        minimum=0.0,
        maximum=1.0,
        median=0.5,
        blanks=True,
    )


def category(name: str, *vocabulary: str) -> CategoryInput:
    """Make a column of categories."""
    return CategoryInput(
        name=name, tensor=name, dtype="int32", shape=(1,), vocabulary=vocabulary, blanks=True
    )


def reader(body: bytes | str | ByteStream, *columns: ColumnSpec, **options: Any) -> CsvReader:
    """Open a body with wide limits and a training file of decimal points."""
    octets = body.encode() if isinstance(body, str) else body
    stream = BytesIO(octets) if isinstance(octets, bytes) else octets
    limits = {"training_dialect": POINT, "max_row_bytes": 2**20, "max_rows": 10**6}
    return CsvReader(stream, columns, **{**limits, **options})


def only_block(body: bytes | str, *columns: ColumnSpec, **options: Any) -> Block:
    """Read a body that is one block."""
    (block,) = reader(body, *columns, **options)
    return block


def values(body: bytes | str, *columns: ColumnSpec, **options: Any) -> list[Any]:
    """Read the first column of a faultless body, a blank as None."""
    block = only_block(body, *columns, **options)
    assert block.errors == {}
    return plain(block.instances[columns[0].name])


def plain(column: NDArray[Any]) -> list[Any]:
    """Turn an array into a list with None for blanks."""
    if column.dtype == object:
        return list(column)
    return [None if np.isnan(cell) else cell for cell in column.tolist()]


def assert_same(left: Instances, right: Instances) -> None:
    """Compare instances to the bit, the type and the sign of zero."""
    assert left.keys() == right.keys()
    for name, column in left.items():
        assert column.dtype == right[name].dtype
        if column.dtype == object:
            assert column.tolist() == right[name].tolist()
        else:
            np.testing.assert_array_equal(column, right[name])
            known = ~np.isnan(column)
            np.testing.assert_array_equal(np.signbit(column[known]), np.signbit(right[name][known]))


class Dripping:
    """A stream that gives what it likes at each read, as a socket does."""

    def __init__(self, body: bytes, sizes: list[int]) -> None:
        self._body = BytesIO(body)
        self._sizes = iter(sizes)

    def read(self, size: int, /) -> bytes:
        """Read at least one byte, unless the body has ended."""
        return self._body.read(min(size, next(self._sizes, size)))


def joined(blocks: Sequence[Block]) -> Instances:
    """Put the instances of consecutive blocks together."""
    names = blocks[0].instances
    return {name: np.concatenate([block.instances[name] for block in blocks]) for name in names}
