"""Instances that are about to be read: a table, rows of JSON or pictures, block by block."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, Protocol

from vitrine.bundle import Manifest
from vitrine.errors import MAX_FAULTS, InvalidParameter
from vitrine.extras import needs
from vitrine.options import Options
from vitrine.signature import Dialect
from vitrine.tables.blocks import Block
from vitrine.tables.limits import OWN_FILE, ArrowLimits
from vitrine.tables.records import FIRST_BLOCK_BYTES
from vitrine.tables.streams import ByteStream

_NAMED_CHARACTERS = 64
_PIECE_BYTES = 2**20


class FileKind(Enum):
    """What the name of a file says that it holds."""

    CSV = frozenset[str]()
    ARROW = frozenset({".arrow", ".arrows", ".feather", ".ipc"})
    PARQUET = frozenset({".parquet"})

    @classmethod
    def of(cls, path: PurePath) -> "FileKind":
        """Return what a file holds; CSV where its name says nothing else."""
        return next((kind for kind in cls if path.suffix.lower() in kind.value), cls.CSV)


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


class BlockReader(TableReader, Iterable[Block], Protocol):
    """A table that yields its blocks."""


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


def refuse_marks(options: Options) -> None:
    """Refuse the marks of a CSV file where a table is something else.

    Raises:
        InvalidParameter: One is given.
    """
    for name in ("delimiter", "decimal", "thousands"):
        value = getattr(options, name)
        if value is not None:
            raise InvalidParameter(name, value, "is for CSV alone")


def of_table(reader: "BlockReader") -> BlockStream:
    """Return the instances of a table that was begun."""
    return BlockStream(blocks=reader, ignored_columns=reader.ignored_columns, table=reader)


def open_csv(  # noqa: PLR0913 - one option for each thing that can be said about it
    manifest: Manifest,
    stream: ByteStream,
    options: Options,
    *,
    max_row_bytes: int,
    max_rows: int,
    may_lack_header: bool = False,
    first_line: int = 1,
    first_block_bytes: int = FIRST_BLOCK_BYTES,
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
        first_line: Line of the file on which the bytes start, where they are a part of one.
        first_block_bytes: Size of the first block; of a part, that which it has in the file.

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
        first_line=first_line,
        first_block_bytes=first_block_bytes,
    )
    return of_table(reader)


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
    return of_table(reader)


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
    return of_table(reader)


def open_row_groups(
    manifest: Manifest, stream: ByteStream, options: Options, groups: range | None = None
) -> BlockStream:
    """Begin to read row groups of a Parquet file of one's own, in memory of a few pages.

    Args:
        manifest: Description of the model.
        stream: The file, which `seek` and `tell` can move in.
        options: What the caller asks for.
        groups: Indices of the row groups; None for all.

    Raises:
        VitrineError: The columns do not fit the model, or the bytes are no such file.
    """
    with needs("tables"):
        from vitrine.tables.parquet_file import RowGroupReader  # noqa: PLC0415 - an extra

    reader = RowGroupReader(
        stream,
        manifest.signature.columns,
        training_dialect=manifest.dialect,
        echo=options.echo,
        chosen=groups,
    )
    return of_table(reader)


def open_file(
    manifest: Manifest, path: Path, stream: ByteStream, options: Options, *, max_row_bytes: int
) -> BlockStream:
    """Begin to read a file of one's own: Parquet or Arrow if its name says so, and CSV otherwise.

    Args:
        manifest: Description of the model.
        path: Name of the file.
        stream: Its bytes. A Parquet file is held in memory.
        options: What the caller asks for.
        max_row_bytes: Size of the longest row of CSV that is read.

    Raises:
        VitrineError: The table does not fit the model, or cannot be read.
    """
    kind = FileKind.of(path)
    if kind is FileKind.CSV:
        return open_csv(
            manifest, stream, options, max_row_bytes=max_row_bytes, max_rows=sys.maxsize
        )
    refuse_marks(options)
    if kind is FileKind.ARROW:
        return open_arrow(manifest, stream, options, OWN_FILE)
    body = b"".join(iter(lambda: stream.read(_PIECE_BYTES), b""))
    return open_parquet(manifest, body, options, OWN_FILE)
