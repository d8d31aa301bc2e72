"""Instances that are about to be read: a table, rows of JSON or pictures, block by block."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vitrine.bundle import Manifest
from vitrine.errors import MAX_FAULTS
from vitrine.extras import needs
from vitrine.options import Options
from vitrine.signature import Dialect
from vitrine.tables.blocks import Block
from vitrine.tables.limits import ArrowLimits
from vitrine.tables.streams import ByteStream

_NAMED_CHARACTERS = 64


class TableReader(Protocol):
    """A table that is read block by block.

    Attributes:
        names: Names of its columns.
        dialect: Marks of its numbers and columns; settled once its first block was read.
        ignored_columns: Columns that the model does not have.
        schema: Types of its columns, as Arrow has them; None where all are texts.
    """

    names: tuple[str, ...]
    dialect: Dialect
    ignored_columns: tuple[str, ...]
    schema: Any

    def is_ready(self) -> bool:
        """Tell whether the next block can be read without waiting for its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockStream:
    """Instances that are about to be read.

    Attributes:
        blocks: Blocks of instances, made as they are asked for.
        ignored_columns: Columns that the model does not have.
        table: The table that the blocks come from; None for pictures and rows of JSON.
    """

    blocks: Iterable[Block]
    ignored_columns: Sequence[str] = ()
    table: TableReader | None = None


def first_names(columns: Sequence[str]) -> list[str]:
    """Return the first names, each cut to 64 characters: an answer names no more of them."""
    return [name[:_NAMED_CHARACTERS] for name in columns[:MAX_FAULTS]] if columns else []


def open_csv(
    manifest: Manifest,
    stream: ByteStream,
    options: Options,
    *,
    max_row_bytes: int,
    max_rows: int,
    may_lack_header: bool = False,
) -> BlockStream:
    """Begin to read CSV as instances of a model.

    Args:
        manifest: Description of the model.
        stream: The bytes of the CSV.
        options: What the caller asks for.
        max_row_bytes: Size of the longest row that is read.
        max_rows: Number of rows that are read.
        may_lack_header: Whether the first line may be a row, with a field for each column of the
            model, in order.

    Raises:
        VitrineError: The header does not fit the model, or the options do not fit the body.
    """
    with needs("tables"):
        from vitrine.tables.reader import CsvReader  # noqa: PLC0415 - rows need no PyArrow

    reader = CsvReader(
        stream,
        manifest.signature.columns,
        training_dialect=manifest.dialect or Dialect(),
        delimiter=options.delimiter,
        decimal=options.decimal,
        thousands=options.thousands,
        max_row_bytes=max_row_bytes,
        max_rows=max_rows,
        echo=options.echo,
        may_lack_header=may_lack_header,
    )
    return BlockStream(blocks=reader, ignored_columns=reader.ignored_columns, table=reader)


def open_arrow(
    manifest: Manifest, stream: ByteStream, options: Options, limits: ArrowLimits
) -> BlockStream:
    """Begin to read an Arrow IPC stream as instances of a model.

    Args:
        manifest: Description of the model.
        stream: The bytes of the stream.
        options: What the caller asks for.
        limits: How much the stream may hold.

    Raises:
        VitrineError: The columns do not fit the model, or the bytes are no such stream.
    """
    with needs("tables"):
        from vitrine.tables.arrow_stream import ArrowStreamReader  # noqa: PLC0415 - an extra

    reader = ArrowStreamReader(
        stream,
        manifest.signature.columns,
        training_dialect=manifest.dialect,
        limits=limits,
        echo=options.echo,
    )
    return BlockStream(blocks=reader, ignored_columns=reader.ignored_columns, table=reader)


def open_parquet(
    manifest: Manifest, body: bytes, options: Options, limits: ArrowLimits
) -> BlockStream:
    """Begin to read a Parquet file as instances of a model.

    Args:
        manifest: Description of the model.
        body: The file.
        options: What the caller asks for.
        limits: How much the file may hold.

    Raises:
        VitrineError: The columns do not fit the model, or the bytes are no such file.
    """
    with needs("tables"):
        from vitrine.tables.parquet_file import ParquetReader  # noqa: PLC0415 - an extra

    reader = ParquetReader(
        body,
        manifest.signature.columns,
        training_dialect=manifest.dialect,
        limits=limits,
        echo=options.echo,
    )
    return BlockStream(blocks=reader, ignored_columns=reader.ignored_columns, table=reader)
