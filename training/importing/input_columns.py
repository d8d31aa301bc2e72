"""The columns that an imported network takes, with what a sample shows about them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from training.datasets.column_kinds import Overrides, recognize_kinds
from training.datasets.column_specs import learn_specs, tensor_names
from training.datasets.csv_files import check_columns, read_csv
from training.importing.interfaces import (
    NetworkInterface,
    Tensor,
    describe_steps,
    describe_tensors,
)
from training.importing.options import ImportOptions
from training.importing.refusals import CannotImport
from vitrine.signature import CategoryInput, ColumnSpec, Dialect, Instances, NumberInput
from vitrine.tables.cells import parse

# Each column costs a tenth of a second while a version is published, and a tenth of a millisecond
# in each request.
_MAX_COLUMNS = 1200
_TOO_MANY = (
    "Train the network on fewer columns or time steps. If it takes a picture, build a network that "
    "takes (HEIGHT, WIDTH, 1) around it, with a Flatten or Reshape in front, and save that."
)


@dataclass(frozen=True, slots=True)
class InputColumns:
    """The columns of a signature.

    Attributes:
        specs: Columns in the order of the network.
        tensors: Arrays that the network takes, whose shapes are known. Each takes as many of the
            columns as it has elements.
        sample: Raw instances of the sample; empty without one.
        dialect: How the file of the sample is written; None without one.
    """

    specs: tuple[ColumnSpec, ...]
    tensors: tuple[Tensor, ...]
    sample: Instances
    dialect: Dialect | None


def describe_columns(interface: NetworkInterface, options: ImportOptions) -> InputColumns:
    """Return the columns of the signature.

    Raises:
        CannotImport: The sample does not have the columns that the network takes, or there are too
            many.
    """
    if options.sample is None:
        tensors = _known_tensors(interface.inputs, None)
        return InputColumns(_unknown_specs(_names(tensors), interface), tensors, {}, None)
    return _read_sample(options.sample, options.target, interface)


def _known_tensors(tensors: tuple[Tensor, ...], columns: int | None) -> tuple[Tensor, ...]:
    """Return tensors whose length is known, from the number of columns where it was open.

    Args:
        tensors: Tensors of the network.
        columns: Number of columns of the sample; None without one.
    """
    if any(None in tensor.shape for tensor in tensors):
        tensors = (_with_length(tensors, columns),)
    count = sum(tensor.size for tensor in tensors)
    if count > _MAX_COLUMNS:
        raise CannotImport(
            f"The network takes {_described(tensors)}. That is {count} columns; a model has at "
            f"most {_MAX_COLUMNS}.",
            way_out=_TOO_MANY,
        )
    return tensors


def _with_length(tensors: tuple[Tensor, ...], columns: int | None) -> Tensor:
    first = tensors[0]
    known = math.prod(length for length in first.shape if length is not None)
    is_one = len(tensors) == 1 and first.shape.count(None) == 1
    if columns is None or not is_one or columns % known:
        raise CannotImport(
            f"The network takes {_described(tensors)}, so its number of columns is not known.",
            way_out="Give --sample with a file whose columns are what the network takes, in its "
            "order: they show how many there are.",
        )
    shape = tuple(columns // known if length is None else length for length in first.shape)
    return replace(first, shape=shape)


def _described(tensors: tuple[Tensor, ...]) -> str:
    is_steps = len(tensors) == 1 and len(tensors[0].shape) == 2
    return describe_steps(tensors[0]) if is_steps else describe_tensors(tensors)


def _names(tensors: tuple[Tensor, ...]) -> list[str]:
    """Return names for columns that no sample names."""
    if len(tensors) == 1 and tensors[0].size > 1:
        return _names_of_elements(tensors[0], "x")
    return [name for tensor in tensors for name in _names_of_elements(tensor, f"{tensor.name}_")]


def _names_of_elements(tensor: Tensor, prefix: str) -> list[str]:
    """Return a name for each element: those of two axes have the time step in front."""
    if tensor.size == 1:
        return [tensor.name]
    *steps, features = tensor.shape
    if not steps or features == 1:
        return [f"{prefix}{number}" for number in range(1, tensor.size + 1)]
    return [
        f"t{step}_x{feature}"
        for step in range(1, (steps[0] or 0) + 1)
        for feature in range(1, (features or 0) + 1)
    ]


def _unknown_specs(names: Sequence[str], interface: NetworkInterface) -> tuple[ColumnSpec, ...]:
    """Describe columns of which nothing is known but what the network says."""
    tensors = tensor_names(names)
    return tuple(_unknown_spec(name, tensors[name], interface) for name in names)


def _unknown_spec(name: str, tensor: str, interface: NetworkInterface) -> ColumnSpec:
    if name in interface.vocabularies:
        return CategoryInput(
            name=name,
            tensor=tensor,
            dtype="int32",
            shape=(1,),
            vocabulary=interface.vocabularies[name],
            blanks=False,
        )
    return NumberInput(
        name=name,
        tensor=tensor,
        dtype="float32",
        shape=(1,),
        minimum=None,
        maximum=None,
        median=None,
        blanks=False,
    )


def _read_sample(file: Path, target: str | None, interface: NetworkInterface) -> InputColumns:
    """Learn from a CSV file what the columns are.

    Inputs of one column each are found by their names, and all others by their order.

    Args:
        file: The file.
        target: Column that is predicted, which is no input.
        interface: What the network takes.
    """
    table = read_csv(file)
    columns = {name: texts for name, texts in table.columns.items() if name != target}
    tensors = _known_tensors(interface.inputs, len(columns))
    if all(tensor.size == 1 for tensor in tensors):
        names = [tensor.name for tensor in tensors]
    else:
        names = _counted_names(list(columns), tensors)
    check_columns(
        names, tuple(columns), missing="--sample has no column", beside_target=target is not None
    )
    inputs = {name: columns[name] for name in names}
    if not any(map(len, inputs.values())):
        raise CannotImport(
            "--sample must have at least one row.", way_out="Add rows as the network takes them."
        )
    specs = _learn_specs(inputs, table.dialect, interface)
    sample: dict[str, NDArray[Any]] = {
        spec.name: parse(spec, [text or "" for text in inputs[spec.name]], table.dialect).values
        for spec in specs
    }
    return InputColumns(specs, tensors, sample, table.dialect)


def _counted_names(names: list[str], tensors: tuple[Tensor, ...]) -> list[str]:
    count = sum(tensor.size for tensor in tensors)
    if len(names) != count:
        raise CannotImport(
            f"--sample must have the {count} columns that the network takes. "
            f"Received: {len(names)}.",
            way_out=f"The network takes {_described(tensors)}. Write its columns in that "
            "order, and name the column that is predicted, if it is among them, with --target.",
        )
    return names


def _learn_specs(
    columns: Mapping[str, Sequence[str | None]], dialect: Dialect, interface: NetworkInterface
) -> tuple[ColumnSpec, ...]:
    """Learn ranges from a sample; the vocabularies are those of the network."""
    texts = tuple(name for name in columns if name in interface.vocabularies)
    numbers = tuple(name for name in columns if name not in interface.vocabularies)
    kinds = recognize_kinds(columns, dialect, Overrides(numeric=numbers, categorical=texts))
    return tuple(
        msgspec.structs.replace(spec, vocabulary=interface.vocabularies[spec.name])
        if isinstance(spec, CategoryInput)
        else spec
        for spec in learn_specs(columns, kinds, dialect)
    )
