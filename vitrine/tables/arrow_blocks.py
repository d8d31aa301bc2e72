"""Record batches of Arrow -> blocks of instances, each of a bounded size whatever a batch repeats.

A few bytes can stand for long texts: a code for an entry of a dictionary, or a view of bytes that
others see as well. So texts are measured before they are made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, types

from vitrine.errors import DataTooLarge, Fault, InvalidInstances, TooManyInstances, shown
from vitrine.signature import ColumnSpec, Dialect
from vitrine.tables.arrow_columns import ArrowCells, Layout, lay_out, plain, plain_type, read_values
from vitrine.tables.blocks import Block
from vitrine.tables.columns import decode_columns
from vitrine.tables.limits import ArrowLimits

# The first block is small, so that the first predictions leave early.
FIRST_BLOCK_ROWS = 512
BLOCK_ROWS = 8192
# Most bytes of the texts of a block, unless a single row has more.
_BLOCK_TEXT_BYTES = 2**22


class ArrowBlocks:
    """Cuts the record batches of one table into blocks.

    Args:
        schema: Names and types of the columns.
        specs: Columns that the model needs.
        training_dialect: Dialect of the file that the model was trained on.
        limits: How much the table may hold.
        echo: Whether blocks carry all cells.
        rows_before: Number of rows of the table before those that are cut.

    Attributes:
        layout: Which columns are the model's.
        indices: Indices of the columns that are read.
        schema: Types of all columns, as they are repeated.

    Raises:
        InvalidInstances: Columns are missing, come twice, or have a type that cannot be read.
    """

    def __init__(
        self,
        schema: pa.Schema,
        specs: Sequence[ColumnSpec],
        *,
        training_dialect: Dialect | None,
        limits: ArrowLimits,
        echo: bool,
        rows_before: int = 0,
    ) -> None:
        self.layout = lay_out(schema, specs)
        if echo:
            _check_echo(schema, self.layout)
        wanted = range(len(schema)) if echo else sorted(self.layout.indices.values())
        self.indices = tuple(wanted)
        kinds = map(plain_type, schema.types)
        self.schema = pa.schema(list(zip(self.layout.names, kinds, strict=True)))
        self._specs = specs
        self._dialect = training_dialect
        self._limits = limits
        self._echo = echo
        self._rows_before = rows_before
        self._rows = self._text_bytes = 0
        # The last dictionary of each coded column, and the lengths of its texts. Many batches share
        # one dictionary, which may be long.
        self._dictionaries: dict[int, pa.Array] = {}
        self._lengths: dict[int, NDArray[np.int64]] = {}

    def validate(self, columns: Mapping[int, pa.Array], rows: int) -> None:
        """Look whether the columns of a record batch are what they say to be.

        Raises:
            pyarrow.ArrowInvalid: One is damaged.
        """
        for index, array in columns.items():
            if len(array) != rows:
                raise pa.ArrowInvalid("a column has not as many cells as its batch has rows")
            self._validate(index, array)

    def blocks(self, columns: Mapping[int, pa.Array], rows: int) -> Iterator[Block]:
        """Yield the blocks of a record batch that was validated.

        Args:
            columns: Index of a column -> its cells.
            rows: Number of rows.

        Raises:
            VitrineError: There is more than the limits allow, or a text is not UTF-8.
        """
        start = 0
        while start < rows:
            stop = min(start + (BLOCK_ROWS if self._rows else FIRST_BLOCK_ROWS), rows)
            piece = {index: array[start:stop] for index, array in columns.items()}
            count = self._fitting(piece, stop - start)
            piece = {index: array[:count] for index, array in piece.items()}
            first = self._count(count)
            yield self._block(piece, first)
            start += count

    def _count(self, rows: int) -> int:
        """Count rows; return how many there were before."""
        before, self._rows = self._rows, self._rows + rows
        if self._rows > self._limits.max_rows:
            raise TooManyInstances("rows", self._limits.max_rows)
        return before

    def _validate(self, index: int, array: pa.Array) -> None:
        if not types.is_dictionary(array.type):
            array.validate(full=True)
            return
        # Nulls take no memory, however many an entry says that there are.
        if len(array.dictionary) > self._limits.max_rows:
            raise pa.ArrowInvalid("a dictionary has more entries than a table may have rows")
        if not _is_same(array.dictionary, self._dictionaries.get(index)):
            array.dictionary.validate(full=True)
            self._lengths[index] = np.append(_lengths(array.dictionary), 0)
            self._dictionaries[index] = array.dictionary
        array.indices.validate(full=True)
        lowest, highest = compute.min_max(array.indices).as_py().values()
        if lowest is not None and not 0 <= lowest <= highest < len(array.dictionary):
            raise pa.ArrowInvalid("a code is not within its dictionary")

    def _fitting(self, columns: Mapping[int, pa.Array], rows: int) -> int:
        """Return how many of the rows make a block; at least one."""
        lengths = np.zeros(rows, np.int64)
        for index, array in columns.items():
            lengths += self._text_bytes_of(index, array)
        longest = self._limits.max_row_bytes
        count = max(1, int(np.searchsorted(np.cumsum(lengths), _BLOCK_TEXT_BYTES, "right")))
        if lengths[:count].max(initial=0) > longest:
            raise DataTooLarge("The texts of a row", longest)
        self._text_bytes += int(lengths[:count].sum())
        if self._text_bytes > self._limits.max_bytes:
            raise DataTooLarge("The texts of a table", self._limits.max_bytes)
        return count

    def _text_bytes_of(self, index: int, array: pa.Array) -> NDArray[np.int64]:
        """Return how many bytes the text of each cell has."""
        if not types.is_dictionary(array.type):
            return _lengths(array)
        lengths = self._lengths[index]
        codes = array.indices.cast(pa.int64()).fill_null(len(lengths) - 1)
        measured: NDArray[np.int64] = lengths[codes.to_numpy()]
        return measured

    def _block(self, columns: Mapping[int, pa.Array], first: int) -> Block:
        values = {
            spec.name: read_values(columns[self.layout.indices[spec.name]], spec)
            for spec in self._specs
        }
        block = decode_columns(
            values,
            self._specs,
            self._dialect,
            ignored=self.layout.ignored,
            first=self._rows_before + first,
        )
        if not self._echo:
            return block
        # Codes are not repeated, but what they stand for: each block would bring its dictionary.
        cells = {
            name: ArrowCells(plain(columns[at], self.schema.types[at]))
            for at, name in enumerate(self.layout.names)
        }
        return replace(block, echo=cells)


def _is_same(dictionary: pa.Array, other: pa.Array | None) -> bool:
    """Tell whether two dictionaries, both of which are kept, lie in the same memory."""
    return other is not None and _place(dictionary) == _place(other)


def _place(array: pa.Array) -> tuple[int, int, list[int]]:
    addresses = [0 if buffer is None else buffer.address for buffer in array.buffers()]
    return array.offset, len(array), addresses


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column holds texts or bytes, be they coded or not."""
    held = kind.value_type if types.is_dictionary(kind) else kind
    return not types.is_primitive(held) and not types.is_null(held)


def _lengths(array: pa.Array) -> NDArray[np.int64]:
    """Return how many bytes the text of each cell has; 0 where it is a number.

    Shapes:
        (n,)
    """
    if not (len(array) and is_text(array.type)):
        return np.zeros(len(array), np.int64)
    if types.is_string_view(array.type) or types.is_binary_view(array.type):
        return _lengths_of_views(array)
    if types.is_decimal(array.type) or types.is_fixed_size_binary(array.type):
        return np.full(len(array), array.type.byte_width, np.int64)
    lengths = compute.binary_length(array).cast(pa.int64()).fill_null(0)
    measured: NDArray[np.int64] = lengths.to_numpy()
    return measured


def _lengths_of_views(array: pa.Array) -> NDArray[np.int64]:
    """Return the lengths of views, which are in the first 4 of the 16 bytes of each."""
    # The buffer may be longer than the views that are in it.
    views = np.frombuffer(array.buffers()[1], np.int32, 4 * (array.offset + len(array)))
    lengths = views.reshape(-1, 4)[array.offset :, 0].astype(np.int64)
    if array.null_count:
        lengths[array.is_null().to_numpy(zero_copy_only=False)] = 0
    return lengths


def _check_echo(schema: pa.Schema, layout: Layout) -> None:
    """Refuse to repeat columns that no CSV file could have."""
    faults = [
        Fault(
            detail=f"Column {shown(name)} cannot be repeated: it has the Arrow type {shown(kind)}.",
            column=name,
        )
        for name, kind in zip(layout.names, schema.types, strict=True)
        if not _is_flat(kind)
    ]
    if faults:
        raise InvalidInstances(faults)


def _is_flat(kind: pa.DataType) -> bool:
    held = kind.value_type if types.is_dictionary(kind) else kind
    return any(
        is_one(held)
        for is_one in (
            *(types.is_boolean, types.is_integer, types.is_floating, types.is_decimal),
            *(types.is_date, types.is_time, types.is_timestamp, types.is_null),
            *(types.is_string, types.is_large_string, types.is_string_view),
        )
    )
