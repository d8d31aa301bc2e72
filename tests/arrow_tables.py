"""Tables in the formats of Arrow, made by code."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pyarrow as pa
from pyarrow import feather, ipc, parquet


def arrow(columns: Mapping[str, Any] | pa.Table, **options: int) -> bytes:
    """Write an Arrow IPC stream."""
    made = columns if isinstance(columns, pa.Table) else pa.table(columns)
    sink = BytesIO()
    with ipc.new_stream(sink, made.schema) as stream:
        stream.write_table(made, **options)
    return sink.getvalue()


def parquet_file(columns: Mapping[str, Any] | pa.Table, **options: Any) -> bytes:
    """Write a Parquet file."""
    made = columns if isinstance(columns, pa.Table) else pa.table(columns)
    sink = BytesIO()
    parquet.write_table(made, sink, **options)
    return sink.getvalue()


def feather_file(columns: Mapping[str, Any], compression: str) -> bytes:
    """Write a file of Arrow."""
    sink = BytesIO()
    feather.write_feather(pa.table(columns), sink, compression=compression)
    return sink.getvalue()
