"""Columns of Arrow -> the cells of a model's columns, for streams, files and data frames alike.

Numbers stay numbers where a number is expected. Everything else becomes the text that a CSV file
would have, so that a cell means the same in every format.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

from vitrine.errors import Fault, InvalidInstances, misspelt, shown
from vitrine.signature import CategoryInput, ColumnSpec, DateInput, NumberInput
from vitrine.tables.columns import CodedTexts, Values
from vitrine.tables.header import MAX_COLUMNS, numbered
from vitrine.tables.header_faults import MAX_COMPARED, column_names
from vitrine.tables.spelling import nfc

_IS_TEXT = (
    *(types.is_string, types.is_large_string, types.is_string_view),
    *(types.is_binary, types.is_large_binary, types.is_binary_view),
)
_IS_NUMBER = (types.is_integer, types.is_floating)
_IS_QUANTITY = (*_IS_NUMBER, types.is_decimal, types.is_boolean)
# What a column of each kind may hold beside texts and nulls, and how an error calls it.
_READABLE: Mapping[type[ColumnSpec], tuple[tuple[Any, ...], str]] = {
    NumberInput: (_IS_QUANTITY, "numbers"),
    DateInput: ((*_IS_NUMBER, types.is_date, types.is_timestamp), "dates"),
    CategoryInput: ((*_IS_QUANTITY, types.is_date, types.is_timestamp, types.is_time), "texts"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of a table are a model's.

    Attributes:
        names: Names of the table's columns, as those of a CSV file have them.
        ignored: Those that the model does not have.
        indices: Name of each column of the model -> its index in the table.
    """

    names: tuple[str, ...]
    ignored: tuple[str, ...]
    indices: Mapping[str, int]


def lay_out(schema: pa.Schema, specs: Sequence[ColumnSpec]) -> Layout:
    """Find the columns of a model in a table.

    Raises:
        InvalidInstances: Columns are missing, come twice, or have a type that cannot be read.
    """
    if len(schema) > MAX_COLUMNS:
        rule = f"may have at most {MAX_COLUMNS} columns. Received: {len(schema)}."
        raise InvalidInstances([Fault(detail=f"The table {rule}")])
    names = column_names(schema.names)
    wanted = {nfc(spec.name): spec for spec in specs}
    faults = [*_missing(names, wanted), *_repeated(names, wanted)]
    faults = faults or list(_unreadable(names, schema, wanted))
    if faults:
        raise InvalidInstances(faults)
    own = numbered(names)
    pairs = zip(names, own, strict=True)
    return Layout(
        names=own,
        ignored=tuple(shown_name for name, shown_name in pairs if name not in wanted),
        indices={spec.name: names.index(name) for name, spec in wanted.items()},
    )


def _missing(names: Sequence[str], wanted: Mapping[str, ColumnSpec]) -> Iterator[Fault]:
    missing = [name for name in wanted if name not in names]
    others = [name for name in names[:MAX_COMPARED] if name not in wanted]
    alike = misspelt(missing[:MAX_COMPARED], others)
    for name in missing:
        hint = f" The table has {shown(alike[name])}: rename it." if name in alike else ""
        yield Fault(detail=f"Column {shown(name)} is missing.{hint}", column=name)


def _repeated(names: Sequence[str], wanted: Mapping[str, ColumnSpec]) -> Iterator[Fault]:
    for name, count in Counter(names).items():
        if count > 1 and name in wanted:
            yield repeated(name, count)


def repeated(name: str, count: int) -> Fault:
    """Say that a column of the model comes several times."""
    detail = f"Column {shown(name)} must come once. Received: {count} times."
    return Fault(detail=detail, column=name)


def _unreadable(
    names: Sequence[str], schema: pa.Schema, wanted: Mapping[str, ColumnSpec]
) -> Iterator[Fault]:
    for name, kind in zip(names, schema.types, strict=True):
        if name in wanted and (fault := _fault_of_type(wanted[name], name, kind)):
            yield fault


def _fault_of_type(spec: ColumnSpec, name: str, kind: pa.DataType) -> Fault | None:
    held = kind.value_type if types.is_dictionary(kind) else kind
    readable, expected = _READABLE[type(spec)]
    if types.is_null(held) or holds_texts(held) or any(is_one(held) for is_one in readable):
        return None
    detail = f"Column {shown(name)} must hold {expected}. Received: the Arrow type {shown(kind)}."
    return Fault(detail=detail, column=name)


def read_values(column: pa.Array | pa.ChunkedArray, spec: ColumnSpec) -> Values:
    """Return the cells of a column: numbers as an array with NaN for blanks, or texts.

    Raises:
        InvalidInstances: The column has a type that cannot be read, or is not UTF-8.
    """
    fault = _fault_of_type(spec, spec.name, column.type)
    if fault is not None:
        raise InvalidInstances([fault])
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    try:
        if not isinstance(spec, NumberInput):
            return _coded_texts(array)
        cells = _decoded(array)
        return _numbers(cells) if _is_number(cells.type) else texts_of(cells)
    except pa.ArrowInvalid:
        detail = f"Column {shown(spec.name)} must be UTF-8."
        raise InvalidInstances([Fault(detail=detail, column=spec.name)]) from None


def holds_texts(kind: pa.DataType) -> bool:
    """Tell whether a column holds texts, or bytes that may be texts."""
    return any(is_one(kind) for is_one in _IS_TEXT)


def _is_number(kind: pa.DataType) -> bool:
    return types.is_decimal(kind) or any(is_one(kind) for is_one in _IS_NUMBER)


def _numbers(array: pa.Array) -> NDArray[np.float64]:
    """Return numbers as float64, which holds any float32 exactly; a blank is NaN."""
    numbers = array.cast(pa.float64(), safe=False)
    filled: NDArray[np.float64] = numbers.fill_null(np.nan).to_numpy()
    return filled


def _coded_texts(array: pa.Array) -> CodedTexts:
    """Return the texts of a column, each of them once."""
    # A dictionary may be far longer than a block that uses some of it.
    if not types.is_dictionary(array.type) or len(array.dictionary) > len(array):
        array = _text_array(array).dictionary_encode()
    texts = texts_of(array.dictionary)
    codes = array.indices.cast(pa.int64()).fill_null(len(texts)).to_numpy()
    return CodedTexts([*texts, None], codes)


def texts_of(array: pa.Array) -> list[str | None]:
    """Return the cells of a column as the texts that a CSV file would have; None for a blank.

    Raises:
        pyarrow.ArrowInvalid: The bytes of a text are not UTF-8.
    """
    texts: list[str | None] = _text_array(array).to_pylist()
    return texts


def _text_array(array: pa.Array) -> pa.Array:
    cells = _decoded(array)
    if types.is_floating(cells.type):
        # As Python writes them: Arrow writes 1.0 as 1. A float32 keeps its own few digits.
        numbers = cells.fill_null(np.nan).to_numpy(zero_copy_only=False)
        texts = zip(map(str, numbers), cells.is_null().to_pylist(), strict=True)
        return pa.array([None if blank else text for text, blank in texts], pa.string())
    if types.is_timestamp(cells.type):
        # Without its zone, a time is in UTC, as those without an offset are. To write it in its
        # zone would need a list of all zones.
        cells = cells.cast(pa.timestamp(cells.type.unit))
    return cells.cast(pa.string())


def _decoded(array: pa.Array) -> pa.Array:
    """Return a column with its values in the place of their codes."""
    if not types.is_dictionary(array.type):
        return array
    dictionary = array.dictionary
    if types.is_string_view(dictionary.type) or types.is_binary_view(dictionary.type):
        # Arrow cannot copy views.
        texts = dictionary.cast(pa.binary())
        array = pa.DictionaryArray.from_arrays(array.indices, texts)
    return array.dictionary_decode()


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column whose codes are replaced by what they stand for."""
    if not types.is_dictionary(kind):
        return kind
    return pa.string() if types.is_string_view(kind.value_type) else kind.value_type


def plain(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column in its plain type, though it was read as codes."""
    return array if array.type == kind else _decoded(array).cast(kind)


class ArrowCells(Sequence[str | None]):
    """The cells of a column, as texts where they are asked for as such.

    Attributes:
        array: The cells.
    """

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, index: int) -> str | None: ...
    @overload
    def __getitem__(self, index: slice) -> list[str | None]: ...
    def __getitem__(self, index: int | slice) -> str | list[str | None] | None:
        if isinstance(index, slice):
            return texts_of(self.array[index])
        return texts_of(self.array.slice(range(len(self))[index], 1))[0]

    def __iter__(self) -> Iterator[str | None]:
        return iter(texts_of(self.array))
