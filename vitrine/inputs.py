"""What a Python caller has -> instances that are about to be read."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.block_stream import BlockStream, open_csv, open_file
from vitrine.data_uris import is_data_uri
from vitrine.errors import Fault, InvalidInstances, shown
from vitrine.extras import needs
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pictures import HEAD_BYTES, picture_blocks
from vitrine.signature import ColumnSpec, Dialect
from vitrine.tables.blocks import Block
from vitrine.tables.columns import Values, decode_columns
from vitrine.tables.rows import decode_rows
from vitrine.tables.spelling import known_names
from vitrine.tables.streams import ByteStream

_CHANNELS = (1, 3)
# A row of a file of one's own may be longer than one that a service takes from strangers.
_MAX_ROW_BYTES = 2**24


class UnknownData(TypeError):
    """Data of a type that the model does not take; the message says which types it takes."""

    def __init__(self, data: object, expected: str) -> None:
        super().__init__(f"The data must be {expected}. Received: {shown(type(data).__name__)}.")


def open_data(
    model: Model, data: object, options: Options, *, max_pixels: int, files: ExitStack
) -> BlockStream:
    """Begin to read whatever a Python caller has as instances of a model.

    Args:
        model: The model that will predict.
        data: See `vitrine.predictor.Predictor.predict`.
        options: What the caller asks for.
        max_pixels: Number of pixels that one picture may have.
        files: Closes what is opened here, once the instances were read.

    Raises:
        VitrineError: The data cannot be read, or does not fit the signature.
        UnknownData: The data is nothing that this model takes.
    """
    if model.manifest.signature.picture is None:
        return _open_table(model, data, options, files)
    spec = model.manifest.signature.inputs[0]
    pictures = _pictures(data)
    _check_rows(pictures, spec.shape)
    blocks = picture_blocks(
        pictures,
        spec.name,
        max_pixels=max_pixels,
        keep_faults=options.report or len(pictures) > 1,
    )
    return BlockStream(blocks=blocks)


def _pictures(data: object) -> Sequence[object]:
    """List the pictures, each as the bytes of a file or as an array of levels."""
    if isinstance(data, str) and is_data_uri(data[:HEAD_BYTES].encode(errors="replace")):
        return [data]
    if isinstance(data, str | Path):
        return [Path(data).read_bytes()]
    if isinstance(data, bytes | bytearray | memoryview):
        return [bytes(data)]
    if isinstance(data, np.ndarray):
        return [data] if _is_one_picture(data) else list(data)
    if isinstance(data, Sequence):
        if data and _is_number(_innermost(data)):
            return _pictures_of_numbers(data)
        return [picture for each in data for picture in _pictures(each)]
    raise UnknownData(data, "a path, bytes, an array, or a list of these")


def _pictures_of_numbers(data: Sequence[object]) -> Sequence[object]:
    try:
        return _pictures(np.asarray(data))
    except ValueError:  # lists of different lengths: reading the levels says so
        return [data]


def _is_one_picture(levels: NDArray[Any]) -> bool:
    return levels.ndim <= 2 or (levels.ndim == 3 and levels.shape[2] in _CHANNELS)


def _check_rows(pictures: Sequence[object], shape: tuple[int, ...]) -> None:
    """Refuse rows that hold a whole picture each: they would be taken for one tall picture.

    Args:
        pictures: What is about to be read.
        shape: Shape of a picture in the network.
    """
    first = pictures[0] if len(pictures) == 1 else None
    if not isinstance(first, np.ndarray) or first.ndim != 2:
        return
    height, width = first.shape
    if width == prod(shape) and height not in {1, width}:
        detail = (
            f"Each of the {height} rows holds {width} numbers, as many as a whole picture: "
            f"reshape{(-1, *shape)} makes {height} pictures of them. A single picture that is "
            f"{width} pixels wide needs its third axis: reshape({height}, {width}, 1)."
        )
        raise InvalidInstances([Fault(detail=detail)])


def _innermost(data: object) -> object:
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return data


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number)


def _open_table(model: Model, data: object, options: Options, files: ExitStack) -> BlockStream:
    if isinstance(data, str | Path):
        return _open_file(model, Path(data), options, files)
    if isinstance(data, bytes | bytearray | memoryview):
        return _open_csv(model, BytesIO(data), options)
    block = _decode(data, model.manifest.signature.columns, model.manifest.dialect)
    return BlockStream(blocks=[block], ignored_columns=block.ignored_columns)


def _open_file(model: Model, path: Path, options: Options, files: ExitStack) -> BlockStream:
    stream = files.enter_context(path.open("rb"))
    return open_file(model.manifest, path, stream, options, max_row_bytes=_MAX_ROW_BYTES)


def _open_csv(model: Model, stream: ByteStream, options: Options) -> BlockStream:
    return open_csv(
        model.manifest, stream, options, max_row_bytes=_MAX_ROW_BYTES, max_rows=sys.maxsize
    )


def _decode(data: object, specs: Sequence[ColumnSpec], dialect: Dialect | None) -> Block:
    if isinstance(data, Mapping):
        if any(isinstance(value, list | np.ndarray) for value in data.values()):
            return _decode_columns(list(data.items()), specs, _values_of, dialect)
        return decode_rows([_plain_row(data)], specs, dialect)
    if isinstance(data, np.ndarray):
        return decode_columns(_columns_of_array(data, specs), specs, dialect)
    if isinstance(data, Sequence):
        return decode_rows([_plain_row(row) for row in data], specs, dialect)
    return _decode_frame(data, specs, dialect)


def _plain_row(row: object) -> object:
    """Write the values of a row as JSON has them."""
    if not isinstance(row, Mapping):
        return row
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str | int | float | list | dict | None):
        return value
    # Dates become ISO 8601; pandas' own missing values become texts that stand for missing ones.
    return value.isoformat() if isinstance(value, date) else str(value)


def _values_of(values: Any, _spec: ColumnSpec) -> Values:
    return _values(values)


def _values(values: Any) -> Values:
    array: NDArray[Any] = np.asarray(values)
    if array.dtype.kind in "fiu":
        return array
    if array.dtype.kind == "M":
        return list(np.datetime_as_string(array))
    return [_plain(value) for value in values]


def _columns_of_array(features: NDArray[Any], specs: Sequence[ColumnSpec]) -> dict[str, Values]:
    rows = np.atleast_2d(features)
    if rows.ndim != 2 or rows.shape[1] != len(specs):
        expected = f"Rows must have {len(specs)} features."
        detail = f"{expected} Received: an array of the shape {features.shape}."
        raise InvalidInstances([Fault(detail=detail)])
    columns = zip(specs, rows.T, strict=True)
    return {spec.name: _values(column) for spec, column in columns}


def _decode_frame(data: Any, specs: Sequence[ColumnSpec], dialect: Dialect | None) -> Block:
    """Take the columns of an Arrow table, or of any data frame that Arrow can read."""
    if not hasattr(data, "__arrow_c_stream__"):
        raise UnknownData(data, "a path, bytes, a mapping, a list of mappings, an array or a table")
    if hasattr(data, "iloc"):  # of pandas' frames, Arrow refuses those with mixed types or names
        columns = [(str(name), data.iloc[:, index]) for index, name in enumerate(data.columns)]
        return _decode_columns(columns, specs, _values_of, dialect)
    with needs("tables"):
        import pyarrow as pa  # noqa: PLC0415 - an extra

        from vitrine.tables.arrow_columns import read_values  # noqa: PLC0415 - an extra

    table = pa.table(data)
    columns = list(zip(table.column_names, table.columns, strict=True))
    return _decode_columns(columns, specs, read_values, dialect)


def _decode_columns(
    columns: Sequence[tuple[str, Any]],
    specs: Sequence[ColumnSpec],
    read: Callable[[Any, ColumnSpec], Values],
    dialect: Dialect | None,
) -> Block:
    """Read the columns that the model has; the others may hold anything."""
    known = {spec.name: spec for spec in specs}
    names = known_names((name for name, _ in columns), known)
    columns = [(names.get(name, name), each) for name, each in columns]
    counts = Counter(name for name, _ in columns)
    faults = [
        Fault(detail=f"Column {shown(name)} must come once. Received: {count} times.", column=name)
        for name, count in counts.items()
        if count > 1 and name in known
    ]
    if faults:
        raise InvalidInstances(faults)
    return decode_columns(
        {name: read(each, known[name]) for name, each in columns if name in known},
        specs,
        dialect,
        ignored=[name for name in counts if name not in known],
    )
