"""Record batches of Arrow -> blocks of instances, each of a bounded size whatever a batch repeats.

A few bytes can stand for long texts: a code for an entry of a dictionary, or a view of bytes that
others see as well. So texts are measured before they are made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, types

from vitrine.errors import DataTooLarge, Fault, InvalidInstances, TooManyInstances, shown
from vitrine.signature import ColumnSpec, Dialect
from vitrine.tables.arrow_columns import ArrowCells, Layout, lay_out, read_values
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

    Attributes:
        layout: Which columns are the model's.
        indices: Indices of the columns that are read.

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
    ) -> None:
        self.layout = lay_out(schema, specs)
        if echo:
            _check_echo(schema, self.layout)
        wanted = range(len(schema)) if echo else sorted(self.layout.indices.values())
        self.indices = tuple(wanted)
        self._specs = specs
        self._dialect = training_dialect
        self._limits = limits
        self._echo = echo
        self._rows = self._text_bytes = 0

    def blocks(self, columns: Mapping[int, pa.Array], rows: int) -> Iterator[Block]:
        """Yield the blocks of a record batch.

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
            count = self._fitting(piece.values(), stop - start)
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

    def _fitting(self, arrays: Iterable[pa.Array], rows: int) -> int:
        """Return how many of the rows make a block; at least one."""
        lengths = np.zeros(rows, np.int64)
        for array in arrays:
            if is_text(array.type):
                lengths += _text_bytes(array)
        longest = self._limits.max_row_bytes
        count = max(1, int(np.searchsorted(np.cumsum(lengths), _BLOCK_TEXT_BYTES, "right")))
        if lengths[:count].max(initial=0) > longest:
            raise DataTooLarge("The texts of a row", longest)
        self._text_bytes += int(lengths[:count].sum())
        if self._text_bytes > self._limits.max_bytes:
            raise DataTooLarge("The texts of a table", self._limits.max_bytes)
        return count

    def _block(self, columns: Mapping[int, pa.Array], first: int) -> Block:
        values = {
            spec.name: read_values(columns[self.layout.indices[spec.name]], spec)
            for spec in self._specs
        }
        block = decode_columns(
            values, self._specs, self._dialect, ignored=self.layout.ignored, first=first
        )
        if not self._echo:
            return block
        cells = {name: ArrowCells(columns[at]) for at, name in enumerate(self.layout.names)}
        return replace(block, echo=cells)


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column holds texts or bytes, be they coded or not."""
    held = kind.value_type if types.is_dictionary(kind) else kind
    return not types.is_primitive(held) and not types.is_null(held)


def _text_bytes(array: pa.Array) -> NDArray[np.int64]:
    """Return how many bytes the text of each cell has.

    Shapes:
        (n,)
    """
    if types.is_dictionary(array.type):
        lengths = _lengths(array.dictionary)
        codes = array.indices.cast(pa.int64()).fill_null(len(lengths))
        measured: NDArray[np.int64] = np.append(lengths, 0)[codes.to_numpy()]
        return measured
    return _lengths(array)


def _lengths(array: pa.Array) -> NDArray[np.int64]:
    if types.is_string_view(array.type) or types.is_binary_view(array.type):
        return _lengths_of_views(array)
    if types.is_decimal(array.type) or types.is_fixed_size_binary(array.type):
        return np.full(len(array), array.type.byte_width, np.int64)
    lengths = compute.binary_length(array).cast(pa.int64()).fill_null(0)
    measured: NDArray[np.int64] = lengths.to_numpy()
    return measured


def _lengths_of_views(array: pa.Array) -> NDArray[np.int64]:
    """Return the lengths of views, which are in the first 4 of the 16 bytes of each."""
    views = np.frombuffer(array.buffers()[1], np.int32).reshape(-1, 4)
    lengths = views[array.offset :][: len(array), 0].astype(np.int64)
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
