"""The columns that an imported network takes, with what a sample shows about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from training.datasets.column_kinds import Overrides, recognize_kinds
from training.datasets.column_specs import learn_specs, tensor_names
from training.datasets.csv_files import check_columns, read_csv
from training.errors import CannotTrain
from training.importing.interfaces import NetworkInterface
from training.importing.options import ImportOptions
from vitrine.signature import CategoryInput, ColumnSpec, Dialect, Instances, NumberInput
from vitrine.tables.cells import parse


@dataclass(frozen=True, slots=True)
class InputColumns:
    """The columns of a signature.

    Attributes:
        specs: Columns in the order of the network.
        sample: Raw instances of the sample; empty without one.
        dialect: How the file of the sample is written; None without one.
    """

    specs: tuple[ColumnSpec, ...]
    sample: Instances
    dialect: Dialect | None


def describe_columns(
    interface: NetworkInterface, options: ImportOptions, *, in_one_row: bool
) -> InputColumns:
    """Return the columns of the signature.

    Args:
        interface: What the network takes.
        options: What the user said.
        in_one_row: Whether the network takes all columns as one array.

    Raises:
        CannotTrain: The sample does not have the columns that the network takes.
    """
    count = interface.inputs[0].shape[0] or 0
    names = (
        [f"x{number}" for number in range(1, count + 1)]
        if in_one_row
        else [tensor.name for tensor in interface.inputs]
    )
    if options.sample is None:
        return InputColumns(_unknown_specs(names, interface), {}, None)
    return _read_sample(options.sample, options.target, None if in_one_row else names, interface)


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


def _read_sample(
    file: Path, target: str | None, names: Sequence[str] | None, interface: NetworkInterface
) -> InputColumns:
    """Learn from a CSV file what the columns are.

    Args:
        file: The file.
        target: Column that is predicted, which is no input.
        names: Names of the inputs; None to take those of the file in order.
        interface: What the network takes.
    """
    table = read_csv(file)
    columns = {name: texts for name, texts in table.columns.items() if name != target}
    if names is None:
        names = _counted_names(list(columns), interface.inputs[0].shape[0] or 0)
    check_columns(
        names, tuple(columns), missing="--sample has no column", beside_target=target is not None
    )
    inputs = {name: columns[name] for name in names}
    if not any(map(len, inputs.values())):
        raise CannotTrain("--sample must have at least one row.")
    specs = _learn_specs(inputs, table.dialect, interface)
    sample: dict[str, NDArray[Any]] = {
        spec.name: parse(spec, [text or "" for text in inputs[spec.name]], table.dialect).values
        for spec in specs
    }
    return InputColumns(specs, sample, table.dialect)


def _counted_names(names: list[str], count: int) -> list[str]:
    if len(names) != count:
        raise CannotTrain(
            f"--sample must have the {count} columns that the network takes, in its order, besides "
            f"the column that --target names. Received: {len(names)}."
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
