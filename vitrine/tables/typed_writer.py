"""Columns of numbers, texts and lists of texts -> an Arrow IPC stream or a Parquet file."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pyarrow import ipc, parquet

from vitrine.tables.arrow_columns import ArrowCells
from vitrine.tables.writer import Column

# Types of the columns of an answer; all others are float32.
_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
_TYPES = {
    **dict.fromkeys(("label", "reason", "error"), _TEXT),
    **dict.fromkeys(("labels", "set", "warnings"), _TEXTS),
    "credibility": pa.float64(),
}
# Rows of a Parquet file that are kept until they are written together.
_ROW_GROUP_ROWS = 2**16


class TypedWriter(Protocol):
    """Writes a table in pieces."""

    def begin(self) -> bytes:
        """Return the bytes before the first row."""

    def write(self, columns: Mapping[str, Column]) -> bytes:
        """Return the bytes of some rows; they may come later."""

    def end(self) -> bytes:
        """Return the bytes after the last row."""


def answer_schema(
    own: Mapping[str, str],
    *,
    echo: Sequence[str] = (),
    echoed: pa.Schema | None = None,
    metadata: Mapping[str, str] | None = None,
) -> pa.Schema:
    """Return the types of an answer's columns.

    Args:
        own: Name of each column of predictions -> the name that it has in the answer.
        echo: Columns of the body that are repeated before them.
        echoed: Types of these; None where all are texts.
        metadata: What the schema says beside the types.
    """
    kinds = [_TEXT] * len(echo) if echoed is None else echoed.types
    fields = [
        *(pa.field(name, kind) for name, kind in zip(echo, kinds, strict=False)),
        *(pa.field(shown, _TYPES.get(name, pa.float32())) for name, shown in own.items()),
    ]
    return pa.schema(fields, metadata=dict(metadata or {}))


def make_batch(columns: Mapping[str, Column], schema: pa.Schema) -> pa.RecordBatch:
    """Turn columns into a record batch; NaN becomes a null, as it is an empty cell in CSV."""
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return pa.record_batch(arrays, schema=schema)


def _array(column: Column, kind: pa.DataType) -> pa.Array:
    if isinstance(column, ArrowCells):
        return column.array
    if isinstance(column, np.ndarray) and column.dtype == object:
        return pa.array(column.tolist(), kind)
    return pa.array(column, kind, from_pandas=isinstance(column, np.ndarray))


class _Pieces:
    """A file that keeps what is written to it until that is taken."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class ArrowWriter:
    """Writes an Arrow IPC stream, a record batch at a time.

    Args:
        schema: Types of the columns.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._pieces = _Pieces()
        self._stream = ipc.new_stream(self._pieces, schema)

    def begin(self) -> bytes:
        """Return nothing: the schema leaves with the first rows."""
        return self._pieces.take()

    def write(self, columns: Mapping[str, Column]) -> bytes:
        """Return a record batch."""
        self._stream.write_batch(make_batch(columns, self._schema))
        return self._pieces.take()

    def end(self) -> bytes:
        """Return the mark of the end."""
        self._stream.close()
        return self._pieces.take()


class ParquetWriter:
    """Writes a Parquet file, a row group at a time.

    Args:
        schema: Types of the columns.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._pieces = _Pieces()
        self._file = parquet.ParquetWriter(self._pieces, schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    def begin(self) -> bytes:
        """Return the mark of a Parquet file."""
        return self._pieces.take()

    def write(self, columns: Mapping[str, Column]) -> bytes:
        """Keep rows; return row groups as soon as there are enough rows."""
        batch = make_batch(columns, self._schema)
        self._batches.append(batch)
        self._rows += batch.num_rows
        if self._rows >= _ROW_GROUP_ROWS:
            self._write_group()
        return self._pieces.take()

    def end(self) -> bytes:
        """Return the last rows, and the table of contents."""
        self._write_group()
        self._file.close()
        return self._pieces.take()

    def _write_group(self) -> None:
        if self._rows:
            self._file.write_table(pa.Table.from_batches(self._batches, self._schema))
        self._batches, self._rows = [], 0
