"""A Parquet file -> blocks of instances, of as little of it at a time as can be."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial

import pyarrow as pa
from pyarrow import parquet, types

from vitrine.errors import DataTooLarge, EmptyBody, TooManyInstances
from vitrine.signature import ColumnSpec, Dialect
from vitrine.tables.arrow_blocks import BLOCK_ROWS, ArrowBlocks
from vitrine.tables.arrow_stream import checked_schema, malformed
from vitrine.tables.blocks import Block
from vitrine.tables.limits import ArrowLimits
from vitrine.tables.parquet_pages import ParquetPages

# A decimal of 76 digits has 32.
_MAX_NUMBER_BYTES = 64

_malformed = partial(malformed, "Parquet file")


class ParquetReader:
    """A Parquet file that is read block by block.

    Args:
        body: The file, in memory.
        columns: Columns that the model needs.
        training_dialect: Dialect of the file that the model was trained on.
        limits: How much the file may hold.
        echo: Whether blocks carry all cells.

    Attributes:
        names: Names of the columns, as those of a CSV file have them.
        dialect: That of a CSV answer.
        ignored_columns: Names of the columns that the model does not have.
        schema: Types of the columns, as they are repeated.

    Raises:
        EmptyBody: There is nothing.
        MalformedBody: It is no Parquet file.
        InvalidInstances: Columns are missing, come twice, or have a type that cannot be read.
        TooManyInstances: It has more rows than the limits allow.
    """

    def __init__(
        self,
        body: bytes,
        columns: Sequence[ColumnSpec],
        *,
        training_dialect: Dialect | None,
        limits: ArrowLimits,
        echo: bool = False,
    ) -> None:
        if not body:
            raise EmptyBody("a Parquet file")
        source = pa.py_buffer(body)
        with _malformed():
            pages = ParquetPages(body, limits)
            metadata = parquet.read_metadata(pa.BufferReader(source))
            schema = checked_schema(metadata.schema.to_arrow_schema())
        if metadata.num_rows > limits.max_rows:
            raise TooManyInstances("rows", limits.max_rows)
        self._blocks = ArrowBlocks(
            schema, columns, training_dialect=training_dialect, limits=limits, echo=echo
        )
        self.schema = self._blocks.schema
        self.names = self._blocks.layout.names
        self.ignored_columns = self._blocks.layout.ignored
        self.dialect = Dialect()
        fields = [schema.field(index) for index in self._blocks.indices]
        self._columns = [field.name for field in fields]
        with _malformed():
            _check_widths(metadata.schema, self._columns)
            plan = pages.plan(self._columns, BLOCK_ROWS)
            # A file may ask for codes itself.
            if any(types.is_dictionary(each.type) and each.name in plan.large for each in fields):
                raise DataTooLarge("The texts of a column", limits.max_batch_bytes)
            self._file = parquet.ParquetFile(
                pa.BufferReader(source),
                metadata=metadata,
                read_dictionary=plan.coded,
                pre_buffer=False,
            )
        self._batch_rows = plan.rows

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, each of at least one row.

        Raises:
            VitrineError: The file is damaged, or breaks a limit.
        """
        indices = self._blocks.indices
        is_all = len(indices) == len(self.schema)
        batches = self._file.iter_batches(
            self._batch_rows, columns=None if is_all else self._columns, use_threads=False
        )
        while True:
            with _malformed():
                batch = next(batches, None)
                if batch is None:
                    return
                columns = dict(zip(indices, batch.columns, strict=True))
                self._blocks.validate(columns, batch.num_rows)
            yield from self._blocks.blocks(columns, batch.num_rows)

    def is_ready(self) -> bool:
        """Tell that the next block can be read at once."""
        return True


def _check_widths(schema: parquet.ParquetSchema, names: Collection[str]) -> None:
    """Refuse numbers that are wider than any: a few codes may stand for many of them."""
    for index in range(len(schema)):
        column = schema.column(index)
        if column.path in names and column.length > _MAX_NUMBER_BYTES:
            raise ValueError("a number is too wide")
