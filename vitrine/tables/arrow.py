"""The fast way to read a block of CSV: PyArrow, where nothing is out of the ordinary.

It stops at the first cell that it cannot read and names neither row nor column, so what it refuses
is read by `reader` as text. Nothing here may read a cell otherwise than `cells` does.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from vitrine.signature import ColumnSpec, Dialect, Instances, NumberInput
from vitrine.tables.cells import BLANKS, narrowed, parse
from vitrine.tables.records import BOM

# It gives freed memory back; the default pool keeps as much as the largest block took.
_POOL = pa.system_memory_pool()
_CODED_TEXT = pa.dictionary(pa.int32(), pa.string())


class ArrowReader:
    """Reads blocks of whole records without a header."""

    def __init__(
        self, columns: Mapping[int, ColumnSpec], *, width: int, delimiter: str, max_block_bytes: int
    ) -> None:
        """Set the options.

        Args:
            columns: The model's, by their place in a record.
            width: Fields in a record.
            delimiter: Between fields.
            max_block_bytes: Size of the largest block.
        """
        self._columns = columns
        self._names = [str(place) for place in range(width)]
        self._reading = csv.ReadOptions(
            use_threads=False, block_size=max_block_bytes + 1, column_names=self._names
        )
        self._parsing = {
            quotes: csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quotes else False,
                newlines_in_values=quotes,  # twice as fast without
            )
            for quotes in (True, False)
        }

    def instances(self, body: bytes, dialect: Dialect) -> Instances | None:
        """Read the model's columns; None where a cell or a row needs a closer look.

        A quote that the body's end leaves open goes unnoticed.
        """
        types = {
            str(place): pa.float64() if isinstance(spec, NumberInput) else _CODED_TEXT
            for place, spec in self._columns.items()
        }
        table = self._read(body, types, decimal=dialect.decimal)
        if table is None:
            return None
        instances = {}
        for place, spec in self._columns.items():
            values = _values(table.column(str(place)), spec, dialect)
            if values is None:
                return None
            instances[spec.name] = values
        return instances

    def texts(self, body: bytes) -> list[list[str]] | None:
        """Read all columns as they are written, without their quotes."""
        table = self._read(body, dict.fromkeys(self._names, pa.string()), decimal=".")
        return None if table is None else [column.to_pylist() for column in table.columns]

    def _read(self, body: bytes, types: Mapping[str, Any], *, decimal: str) -> Any:
        if body.startswith(BOM):  # PyArrow would drop it, at the start of any block
            return None
        converting = csv.ConvertOptions(
            include_columns=list(types),
            column_types=types,
            null_values=sorted(BLANKS),
            strings_can_be_null=False,
            decimal_point=decimal,
            check_utf8=False,  # whole blocks were checked
        )
        try:
            return csv.read_csv(
                pa.BufferReader(body),
                self._reading,
                self._parsing[b'"' in body],
                converting,
                memory_pool=_POOL,
            )
        except pa.ArrowInvalid:
            return None


def _values(column: Any, spec: ColumnSpec, dialect: Dialect) -> NDArray[Any] | None:
    read = _numbers if isinstance(spec, NumberInput) else _coded
    pieces = [read(chunk, spec, dialect) for chunk in column.chunks]
    found = [piece for piece in pieces if piece is not None]
    return np.concatenate(found) if len(found) == len(pieces) else None


def _numbers(chunk: Any, _spec: ColumnSpec, _dialect: Dialect) -> NDArray[np.float32] | None:
    validity, data = chunk.buffers()
    numbers = np.frombuffer(data, np.float64, len(chunk), chunk.offset * 8)
    if chunk.null_count:
        # Not chunk.to_numpy(): with blanks in it, that imports pandas where it is installed.
        bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
        numbers = np.where(bits[chunk.offset :][: len(chunk)], numbers, np.nan)
    parsed = narrowed(numbers, {})
    # PyArrow takes "inf" and "-nan(1)" for numbers; they are not.
    strange = np.isnan(numbers).sum() != chunk.null_count
    return None if strange or parsed.faults else parsed.values


def _coded(chunk: Any, spec: ColumnSpec, dialect: Dialect) -> NDArray[Any] | None:
    parsed = parse(spec, chunk.dictionary.to_pylist(), dialect)
    if parsed.faults:
        return None
    codes = chunk.indices
    return parsed.values[np.frombuffer(codes.buffers()[1], np.int32, len(codes), codes.offset * 4)]
