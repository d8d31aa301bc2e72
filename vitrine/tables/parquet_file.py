"""A Parquet file -> blocks of instances, of as little of it at a time as can be."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from functools import partial

import pyarrow as pa
from pyarrow import parquet, types

from vitrine.errors import DataTooLarge, EmptyBody, TooManyInstances
from vitrine.signature import ColumnSpec, Dialect
from vitrine.tables.arrow_blocks import BLOCK_ROWS, ArrowBlocks
from vitrine.tables.arrow_stream import checked_schema, malformed
from vitrine.tables.blocks import Block
from vitrine.tables.limits import OWN_FILE, ArrowLimits
from vitrine.tables.parquet_pages import ParquetPages

# A decimal of 76 digits has 32.
_MAX_NUMBER_BYTES = 64
_READ_BYTES = 2**20

_malformed = partial(malformed, "Parquet file")


class _BatchedReader(ABC):
    """A table of record batches that is read block by block.

    Args:
        schema: Names and types of the columns.
        columns: Columns that the model needs.
        training_dialect: Dialect of the file that the model was trained on.
        limits: How much the table may hold.
        echo: Whether blocks carry all cells.
        rows_before: Number of rows of the table before those that are read.

    Attributes:
        names: Names of the columns, as those of a CSV file have them.
        dialect: That of a CSV answer.
        ignored_columns: Names of the columns that the model does not have.
        schema: Types of the columns, as they are repeated.

    Raises:
        InvalidInstances: Columns are missing, come twice, or have a type that cannot be read.
    """

    def __init__(
        self,
        schema: pa.Schema,
        columns: Sequence[ColumnSpec],
        *,
        training_dialect: Dialect | None,
        limits: ArrowLimits,
        echo: bool,
        rows_before: int = 0,
    ) -> None:
        self._blocks = ArrowBlocks(
            schema,
            columns,
            training_dialect=training_dialect,
            limits=limits,
            echo=echo,
            rows_before=rows_before,
        )
        self.schema = self._blocks.schema
        self.names = self._blocks.layout.names
        self.ignored_columns = self._blocks.layout.ignored
        self.dialect = Dialect()
        self._fields = [schema.field(index) for index in self._blocks.indices]

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, each of at least one row.

        Raises:
            VitrineError: The file is damaged, or breaks a limit.
        """
        indices = self._blocks.indices
        batches = self._batches()
        while True:
            with _malformed():
                batch = next(batches, None)
                if batch is None:
                    return
                columns = dict(zip(indices, batch.columns, strict=True))
                self._blocks.validate(columns, batch.num_rows)
            yield from self._blocks.blocks(columns, batch.num_rows)

    @abstractmethod
    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Begin to read the columns that are needed."""

    def _read_columns(self) -> list[str] | None:
        """Return the names of the columns that are read; None for all."""
        is_all = len(self._fields) == len(self.schema)
        return None if is_all else [field.name for field in self._fields]

    def is_ready(self) -> bool:
        """Tell that the next block can be read at once."""
        return True


class ParquetReader(_BatchedReader):
    """A Parquet file that is read block by block.

    Args:
        body: The file, in memory.
        columns: Columns that the model needs.
        training_dialect: Dialect of the file that the model was trained on.
        limits: How much the file may hold.
        echo: Whether blocks carry all cells.

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
        super().__init__(
            schema, columns, training_dialect=training_dialect, limits=limits, echo=echo
        )
        names = [field.name for field in self._fields]
        with _malformed():
            _check_widths(metadata.schema, names)
            plan = pages.plan(names, BLOCK_ROWS)
            # A file may ask for codes itself.
            if any(types.is_dictionary(f.type) and f.name in plan.large for f in self._fields):
                raise DataTooLarge("The texts of a column", limits.max_batch_bytes)
            self._file = parquet.ParquetFile(
                pa.BufferReader(source),
                metadata=metadata,
                read_dictionary=plan.coded,
                pre_buffer=False,
            )
        self._batch_rows = plan.rows

    def _batches(self) -> Iterator[pa.RecordBatch]:
        batches: Iterator[pa.RecordBatch] = self._file.iter_batches(
            self._batch_rows, columns=self._read_columns(), use_threads=False
        )
        return batches


class RowGroupReader(_BatchedReader):
    """Some row groups of a Parquet file of one's own, read in memory of a few pages.

    The pages are not judged before, as those of a body are.

    Args:
        stream: The file, as Python has it.
        columns: Columns that the model needs.
        training_dialect: Dialect of the file that the model was trained on.
        echo: Whether blocks carry all cells.
        chosen: Indices of the row groups that are read; None for all.

    Raises:
        MalformedBody: It is no Parquet file.
        InvalidInstances: Columns are missing, come twice, or have a type that cannot be read.
    """

    def __init__(
        self,
        stream: object,
        columns: Sequence[ColumnSpec],
        *,
        training_dialect: Dialect | None,
        echo: bool = False,
        chosen: range | None = None,
    ) -> None:
        with _malformed():
            self._file = parquet.ParquetFile(stream, pre_buffer=False, buffer_size=_READ_BYTES)
            metadata = self._file.metadata
            schema = checked_schema(metadata.schema.to_arrow_schema())
        groups = _groups(metadata)
        self._chosen = range(len(groups)) if chosen is None else chosen
        super().__init__(
            schema,
            columns,
            training_dialect=training_dialect,
            limits=OWN_FILE,
            echo=echo,
            rows_before=sum(rows for rows, _ in groups[: self._chosen.start]),
        )

    def _batches(self) -> Iterator[pa.RecordBatch]:
        batches: Iterator[pa.RecordBatch] = self._file.iter_batches(
            BLOCK_ROWS,
            row_groups=list(self._chosen),
            columns=self._read_columns(),
            use_threads=False,
        )
        return batches


def read_groups(stream: object) -> list[tuple[int, int]]:
    """Return the number of rows, and of bytes when it is unpacked, of each row group of a file.

    Args:
        stream: The file, as Python has it.

    Raises:
        MalformedBody: It is no Parquet file.
    """
    with _malformed():
        return _groups(parquet.read_metadata(stream))


def _groups(metadata: parquet.FileMetaData) -> list[tuple[int, int]]:
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    return [(group.num_rows, group.total_byte_size) for group in groups]


def _check_widths(schema: parquet.ParquetSchema, names: Collection[str]) -> None:
    """Refuse numbers that are wider than any: a few codes may stand for many of them."""
    for index in range(len(schema)):
        column = schema.column(index)
        if column.path in names and column.length > _MAX_NUMBER_BYTES:
            raise ValueError("a number is too wide")
