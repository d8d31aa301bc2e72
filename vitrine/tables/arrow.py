"""The fast way to read a block of CSV: PyArrow, for cells that need no closer look.

PyArrow stops at the first cell that it cannot read and says neither the row nor the column. What it
refuses is read again by `text`. No cell may mean anything else here than it does in `cells`.
"""

from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from vitrine.signature import ColumnSpec, Dialect, Instances, NumberInput
from vitrine.tables.cells import parse
from vitrine.tables.parsed import BLANKS, NO_QUANTITIES

# This pool gives freed memory back; the default one keeps as much as the largest block took.
_POOL = pa.system_memory_pool()
_CODED_TEXT = pa.dictionary(pa.int32(), pa.string())


class ArrowReader:
    """Reads blocks of whole records without a header.

    Args:
        columns: Index of each column of the model in a record -> the column.
        width: Number of fields in a record.
        delimiter: Mark between fields.
        max_block_bytes: Size of the largest block.
    """

    def __init__(
        self, columns: Mapping[int, ColumnSpec], *, width: int, delimiter: str, max_block_bytes: int
    ) -> None:
        self._columns = columns
        self._ends = tuple(f'{delimiter}\r\n"'.encode())
        self._names = [str(index) for index in range(width)]
        self._read_options = csv.ReadOptions(
            use_threads=False, block_size=max_block_bytes + 1, column_names=self._names
        )
        self._parse_options = {
            has_quotes: csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if has_quotes else False,
                newlines_in_values=has_quotes,  # twice as fast without
            )
            for has_quotes in (True, False)
        }

    def instances(self, body: bytes, dialect: Dialect) -> Instances | None:
        """Read the model's columns; None where a cell or a row needs a closer look.

        Args:
            body: Records, each of their quotes closed.
            dialect: Marks of the numbers.
        """
        types = {
            str(index): pa.float64() if isinstance(spec, NumberInput) else _CODED_TEXT
            for index, spec in self._columns.items()
        }
        table = self._read(body, types, decimal=dialect.decimal)
        if table is None:
            # Looking for "-" among negative numbers takes time, so it is done only where it must.
            table = self._read(body, types, decimal=dialect.decimal, blanks=NO_QUANTITIES)
        if table is None:
            return None
        instances = {}
        for index, spec in self._columns.items():
            values = _values(table.column(str(index)), spec, dialect)
            if values is None:
                return None
            instances[spec.name] = values
        return instances

    def texts(self, body: bytes) -> list[list[str]] | None:
        """Read all columns as text, without the quotes around cells; None as in `instances`."""
        table = self._read(body, dict.fromkeys(self._names, pa.string()), decimal=".")
        return None if table is None else _texts(table.columns)

    def _read(
        self,
        body: bytes,
        types: Mapping[str, Any],
        *,
        decimal: str,
        blanks: Collection[str] = BLANKS,
    ) -> Any:
        if body.startswith(BOM_UTF8):  # PyArrow would drop it, at the start of any block
            return None
        convert_options = csv.ConvertOptions(
            include_columns=list(types),
            column_types=types,
            null_values=sorted(blanks),  # of numbers only
            strings_can_be_null=False,
            decimal_point=decimal,
            check_utf8=False,  # of no use: columns that are not read may hold any bytes
        )
        has_quotes = b'"' in body
        try:
            table = csv.read_csv(
                pa.BufferReader(body),
                self._read_options,
                self._parse_options[has_quotes],
                convert_options,
                memory_pool=_POOL,
            )
        except pa.ArrowInvalid:
            return None
        return None if has_quotes and self._is_badly_quoted(body, table.num_rows) else table

    def _is_badly_quoted(self, body: bytes, rows: int) -> bool:
        """Tell whether a quote may close a field of an earlier line: text follows it."""
        lines = max(body.count(b"\n"), body.count(b"\r")) + (not body.endswith((b"\n", b"\r")))
        if rows == lines:
            return False
        octets = np.frombuffer(body, np.uint8)
        behind = np.flatnonzero(octets == ord('"'))[1::2] + 1
        return not np.isin(octets[behind[behind < len(octets)]], self._ends).all()


def _values(column: Any, spec: ColumnSpec, dialect: Dialect) -> NDArray[Any] | None:
    chunk_values = _numbers if isinstance(spec, NumberInput) else _coded_values
    values = []
    for chunk in column.chunks:
        some = chunk_values(chunk, spec, dialect)
        if some is None:
            return None
        values.append(some)
    return np.concatenate(values)


def _numbers(chunk: Any, _spec: ColumnSpec, _dialect: Dialect) -> NDArray[np.float32] | None:
    validity, data = chunk.buffers()
    numbers = np.frombuffer(data, np.float64, len(chunk), chunk.offset * 8)
    if chunk.null_count:
        # Not chunk.to_numpy(): with blanks in it, that imports pandas where it is installed.
        bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
        numbers = np.where(bits[chunk.offset :][: len(chunk)], numbers, np.nan)
    with np.errstate(over="ignore"):
        values = numbers.astype(np.float32)
    # Only blanks may be no finite number. PyArrow takes "inf" and "-nan(1)" for numbers, and 1e39
    # is beyond float32.
    is_regular = np.count_nonzero(np.isfinite(values)) == len(chunk) - chunk.null_count
    return values if is_regular else None


def _coded_values(chunk: Any, spec: ColumnSpec, dialect: Dialect) -> NDArray[Any] | None:
    """Parse each distinct text once."""
    texts = _texts([chunk.dictionary])
    if texts is None:
        return None
    parsed = parse(spec, texts[0], dialect)
    if parsed.faults:
        return None
    codes = chunk.indices
    return parsed.values[np.frombuffer(codes.buffers()[1], np.int32, len(codes), codes.offset * 4)]


def _texts(columns: Iterable[Any]) -> list[list[str]] | None:
    """Return columns of texts as Python has them; None where one is not UTF-8."""
    try:
        return [column.to_pylist() for column in columns]
    except UnicodeDecodeError:
        return None
