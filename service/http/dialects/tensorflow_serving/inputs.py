"""The members of a request -> instances, or what is wrong with them in that server's words."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.http.dialects.tensorflow_serving.documents import (
    invalid,
    show,
    type_name,
    wrong_type,
)
from service.http.dialects.tensorflow_serving.strict_json import NUMBERS
from vitrine.signature import ColumnSpec, Dialect, NumberInput
from vitrine.tables.blocks import Block
from vitrine.tables.rows import parse_values

Object = Mapping[str, Any]
# Given the index of an instance and the name of an input, returns what comes before the sentence
# about it.
Prefix = Callable[[int, str], str]

_NUMBERS = frozenset((int, float))
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a table's columns, as a request has them.

    Attributes:
        columns: Name of each column -> its cells.
        count: Number of rows.
        is_flat: Whether a cell is a value by itself, and not a list of one value.
        prefix: Says where a cell is.
    """

    columns: Mapping[str, Sequence[object]]
    count: int
    is_flat: bool
    prefix: Prefix


def is_b64(value: object) -> bool:
    """Tell whether a value is bytes as base64."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and not is_b64(value)


def choose(document: Object) -> tuple[str, Any]:
    """Return `instances` or `inputs`, whichever a request has, with its value.

    Raises:
        InvalidInstances: It has both, or none, or its instances are no list of any.
    """
    if "instances" in document and "inputs" in document:
        rule = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        raise invalid(f"JSON Value: {show(document)} {rule} ")
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            rule = "Expecting 'instances' to be an list/array"
            raise invalid(f"JSON Value: {show(document)} {rule}")
        if not instances:
            raise invalid(f"JSON Value: {show(document)} No values in 'instances' array")
        return "instances", instances
    if "inputs" in document:
        return "inputs", document["inputs"]
    raise invalid("Missing 'inputs' or 'instances' key")


def pictures_of_rows(instances: Sequence[object], name: str) -> list[object]:
    """Return pictures that are instances, each by itself or under the name of the input.

    Raises:
        InvalidInstances: They are named in another way.
    """
    return rows_of(instances, [name])[name] if _is_object(instances[0]) else _plain(instances)


def pictures_of_columns(value: object, name: str) -> list[object]:
    """Return pictures that are the column of an input.

    Raises:
        InvalidInstances: They are no list.
    """
    if _is_object(value):
        value = _named(value, name)
    pictures = [value] if is_b64(value) else value
    if not isinstance(pictures, list):
        raise invalid(_no_batch(name, value))
    if not pictures:
        raise invalid("No values in 'inputs' array")
    return pictures


def cells_of_rows(instances: Sequence[object], columns: Sequence[ColumnSpec]) -> Cells:
    """Return the cells of rows.

    Raises:
        InvalidInstances: They are no rows of the table.
    """
    names = [spec.name for spec in columns]
    if _is_object(instances[0]):
        return _unwrapped(rows_of(instances, names), len(instances), _of_row)
    if len(names) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    cells = {names[0]: _plain(instances)}
    return _unwrapped(cells, len(instances), _of_plain_row)


def rows_of(instances: Sequence[object], names: Sequence[str]) -> dict[str, list[object]]:
    """Return the members of objects that have exactly some names.

    Raises:
        InvalidInstances: One has others, or is no object.
    """
    expected = set(names)
    for index, row in enumerate(instances):
        if not isinstance(row, dict) or is_b64(row):
            raise invalid(f"Expecting object but got list at item {index} of input list")
        if row.keys() != expected:
            raise invalid(_wrong_names(index, row, expected))
    rows: Sequence[Any] = instances
    return {name: [row[name] for row in rows] for name in names}


def _wrong_names(index: int, row: Object, expected: set[str]) -> str:
    for name in row:
        if name not in expected:
            rule = f"JSON object: does not have named input: {show(name)[1:-1]}"
            return f"{_of_row(index, show(name)[1:-1])}{rule}"
    listed = ",".join(sorted(expected))
    found = f"JSON object: {show(row)} keys must be equal to: {listed}"
    return f"Failed to process element: {index} of 'instances' list. {found}"


def _plain(instances: Sequence[object]) -> list[object]:
    for index, value in enumerate(instances):
        if _is_object(value):
            raise invalid(f"Expecting value/list but got object at item {index} of input list")
    return list(instances)


def _of_row(row: int, name: str) -> str:
    key = f" key: {name}" if name else ""
    return f"Failed to process element: {row}{key} of 'instances' list. Error: INVALID_ARGUMENT: "


def _of_plain_row(row: int, _: str) -> str:
    return _of_row(row, "")


def cells_of_columns(value: object, columns: Sequence[ColumnSpec]) -> Cells:
    """Return the cells of columns.

    Raises:
        InvalidInstances: They are no columns of the table, all of one length.
    """
    names = [spec.name for spec in columns]
    if _is_object(value):
        cells = {name: _named(value, name) for name in names}
    elif len(names) > 1:
        raise invalid(
            "inputs is a plain value/list, but expecting an object as multiple input tensors "
            "required as per tensorinfo_map"
        )
    else:
        cells = {names[0]: value}
    return _unwrapped(cells, _common_length(cells), _nowhere)


def _nowhere(_: int, __: str) -> str:
    return ""


def _named(value: Any, name: str) -> Any:
    if name not in value:
        raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return value[name]


def _common_length(columns: Object) -> int:
    lengths: dict[str, int] = {}
    for name, cells in columns.items():
        if not isinstance(cells, list):
            raise invalid(_no_batch(name, cells))
        lengths[name] = len(cells)
    expected = next(iter(lengths.values()))
    for name, length in lengths.items():
        if length != expected:
            rule = f"has inconsistent batch size: {length} expecting: {expected}"
            raise invalid(f"Tensor name: {name} {rule}")
    if not expected:
        raise invalid("No values in 'inputs' array")
    return expected


def _no_batch(name: str, value: object) -> str:
    return f"Tensor name: {name} must be a list, one value for each instance. Got: {show(value)}"


def _unwrapped(columns: Mapping[str, Sequence[object]], count: int, prefix: Prefix) -> Cells:
    """Take each cell out of its list, where it stands in one."""
    flat = {name: not isinstance(cells[0], list) for name, cells in columns.items()}
    values = {
        name: list(cells) if flat[name] else _out_of_lists(cells, name, prefix)
        for name, cells in columns.items()
    }
    for name, cells in values.items():
        if list in set(map(type, cells)):
            raise invalid(_unexpected_list(cells, name, prefix, is_flat=flat[name]))
    return Cells(values, count, is_flat=any(flat.values()), prefix=prefix)


def _out_of_lists(cells: Sequence[object], name: str, prefix: Prefix) -> list[object]:
    values: list[object] = []
    for index, cell in enumerate(cells):
        if not isinstance(cell, list):
            rule = f"JSON Value: {show(cell)} found at incorrect level: 2 in the JSON DOM."
            raise invalid(f"{prefix(index, name)}{rule} Expected at level: 2")
        if len(cell) != 1:
            rule = f"Encountered list at unexpected size: {len(cell)} at level: 1 expected size: 1"
            raise invalid(f"{prefix(index, name)}{rule}")
        values += cell
    return values


def _unexpected_list(cells: Sequence[object], name: str, prefix: Prefix, *, is_flat: bool) -> str:
    index = next(index for index, cell in enumerate(cells) if isinstance(cell, list))
    level = 1 if is_flat else 2
    rule = f"Encountered list at unexpected level: {level} expected < {level}"
    return f"{prefix(index, name)}{rule}"


def cells_of_examples(document: Object, columns: Sequence[ColumnSpec]) -> Cells:
    """Return the cells of examples, each an object of features.

    Raises:
        InvalidInstances: They are no examples of the table.
    """
    examples = examples_of(document)
    values = {
        spec.name: [_feature(example, spec.name, _kind(spec)) for example in examples]
        for spec in columns
    }
    return Cells(values, len(examples), is_flat=True, prefix=_nowhere)


def _kind(spec: ColumnSpec) -> str:
    return "float" if isinstance(spec, NumberInput) else "string"


def examples_of(document: Object) -> list[dict[str, object]]:
    """Return the examples of a request, each with the features of its context.

    Raises:
        InvalidInstances: They are no objects, or no list of any.
    """
    context = document.get("context", {})
    _check_example(context)
    found = document.get("examples")
    if "examples" not in document:
        rule = "When method is classify, key 'examples' is expected and was not found"
        raise invalid(f"JSON Value: {show(document)} {rule}")
    if not isinstance(found, list):
        rule = "Expecting 'examples' value to be an list/array"
        raise invalid(f"JSON Value: {show(document)} {rule}")
    if not found:
        raise invalid(f"JSON Value: {show(document)} 'examples' value is an empty array")
    for example in found:
        _check_example(example)
        for name in context.keys() & example.keys():
            raise invalid(f"Feature: {show(name)[1:-1]} is in 'context' and in an example.")
    return [{**context, **example} for example in found] if context else found


def _check_example(example: object) -> None:
    if not isinstance(example, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(example)}")


def _feature(example: Object, name: str, kind: str) -> object:
    """Return the only value of a feature."""
    if name not in example:
        rule = f"(data type: {kind}) is required but could not be found."
        raise invalid(f"Feature: {name} {rule}")
    value = example[name]
    if isinstance(value, list):
        if len(value) != 1:
            rule = f"Number of {kind} values != expected. Values size: {len(value)}"
            raise invalid(f"Key: {name}, {rule} but output shape: [1]")
        value = value[0]
    if value is None or isinstance(value, list) or _is_object(value):
        rule = f"has element with unexpected JSON type: {type_name(value)}"
        raise invalid(f"Feature: {name} {rule}")
    return value


def pictures_of_examples(document: Object, name: str, shape: tuple[int, ...]) -> list[object]:
    """Return the pictures of examples: base64, or levels in one row or nested.

    Args:
        document: The members of the request.
        name: Name of the model's input.
        shape: Shape of a picture whose levels stand in one row.

    Raises:
        InvalidInstances: An example has no picture.
    """
    pictures: list[object] = []
    for example in examples_of(document):
        if name not in example:
            rule = "(data type: float) is required but could not be found."
            raise invalid(f"Feature: {name} {rule}")
        pictures.append(_in_rows(example[name], shape))
    return pictures


def _in_rows(value: object, shape: tuple[int, ...]) -> object:
    """Cut levels that stand in one row into the rows of a picture."""
    if isinstance(value, list) and len(value) == 1 and is_b64(value[0]):
        return value[0]
    is_row = isinstance(value, list) and _NUMBERS.issuperset(map(type, value))
    if isinstance(value, list) and is_row and len(value) == np.prod(shape):
        return np.array(value, dtype=np.float64).reshape(shape).tolist()
    return value


def block_of(cells: Cells, columns: Sequence[ColumnSpec]) -> Block:
    """Turn cells into instances.

    Raises:
        InvalidInstances: A cell has another type than its column, or cannot be read.
    """
    numbers = [spec.name for spec in columns if isinstance(spec, NumberInput)]
    values = _numbers({name: cells.columns[name] for name in numbers}, cells.prefix)
    for spec in columns:
        if spec.name not in values:
            values[spec.name] = _texts(spec, cells.columns[spec.name], cells.prefix)
    return Block(instances={spec.name: values[spec.name] for spec in columns}, rows=cells.count)


def _numbers(columns: Mapping[str, Sequence[object]], prefix: Prefix) -> dict[str, NDArray[Any]]:
    """Round all columns of numbers in one step: NumPy takes longer for each small one."""
    if not columns:
        return {}
    rows = [_only_numbers(name, cells, prefix) for name, cells in columns.items()]
    numbers = np.array(rows, dtype=np.float64)
    # Comparing is faster than silencing the warning of an overflow.
    too_large = (np.abs(numbers) > _LARGEST) & np.isfinite(numbers)
    if too_large.any():
        column, index = (int(at) for at in np.argwhere(too_large)[0])
        name, cells = list(columns.items())[column]
        rule = (
            f"Cannot convert JSON value: {show(cells[index])} to float without loss of precision."
        )
        raise invalid(prefix(index, name) + rule)
    return dict(zip(columns, numbers.astype(np.float32), strict=True))


def _only_numbers(name: str, cells: Sequence[object], prefix: Prefix) -> Sequence[object]:
    """Return cells that are numbers, or refuse the first that is none."""
    if _NUMBERS.issuperset(map(type, cells)):
        return cells
    numbers = [NUMBERS.get(cell, cell) if isinstance(cell, str) else cell for cell in cells]
    for index, number in enumerate(numbers):
        if type(number) not in _NUMBERS:
            raise invalid(prefix(index, name) + wrong_type(number, "float"))
    return numbers


def _texts(spec: ColumnSpec, cells: Sequence[object], prefix: Prefix) -> NDArray[Any]:
    texts = [_text(cell, prefix(index, spec.name)) for index, cell in enumerate(cells)]
    parsed = parse_values(spec, texts, Dialect())
    for index, rule in parsed.faults.items():
        said = f"JSON Value: {show(cells[index])} of input {spec.name} {rule}."
        raise invalid(prefix(index, spec.name) + said)
    return parsed.values


def _text(cell: object, prefix: str) -> str:
    if not isinstance(cell, str):
        if is_b64(cell):
            return _decode(cell, prefix)
        raise invalid(prefix + wrong_type(cell, "string"))
    return cell


def _decode(cell: Any, prefix: str) -> str:
    try:
        return b64decode(cell["b64"], validate=True).decode()
    except (Base64Error, ValueError):
        raise invalid(f"{prefix}Unable to base64 decode") from None
