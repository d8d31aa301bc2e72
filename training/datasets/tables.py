"""A CSV file with typed columns, split into parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets.column_kinds import ColumnKinds, Overrides, recognize_kinds
from training.datasets.column_specs import learn_specs
from training.datasets.csv_files import hash_file, read_csv
from training.datasets.parts import Parts
from training.datasets.quantities import describe_marks
from training.datasets.table_splits import DEFAULT_SPLIT, Indices, Split, split_rows
from training.datasets.targets import Target, Targets, Task, read_targets
from vitrine.signature import CategoryInput, ColumnSpec, Dialect, Instances
from vitrine.tables.cells import encode_texts, parse


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table as its network takes them.

    Attributes:
        numbers: Raw values, NaN where missing. Dates are days since 1970-01-01 UTC.
        categories: Codes: 0 for a missing text, 1 for another text, from 2 the vocabulary.

    Shapes:
        numbers: (n, number and date columns); categories: (n, category columns).
    """

    numbers: NDArray[np.float32]
    categories: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def joined(cls, parts: Sequence["Rows"]) -> "Rows":
        """Return the rows of all parts, one part after the other."""
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.categories for part in parts]),
        )

    def take(self, indices: Indices) -> "Rows":
        """Return the rows at the indices, in that order."""
        return Rows(self.numbers[indices], self.categories[indices])

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names of the inputs of the inner network."""
        parts: dict[str, NDArray[Any]] = {"numbers": self.numbers, "categories": self.categories}
        return {name: array for name, array in parts.items() if array.shape[1]}


@dataclass(frozen=True, slots=True)
class TablePart:
    """The rows of one part of a table with their targets.

    Attributes:
        instances: Raw values by column name, as a client would send them.
        rows: The same rows as the network takes them.
        y: Targets: values, codes of class labels, or which labels each row has.

    Shapes:
        y: (n,) float64, (n,) int64, or (n, labels) float32.
    """

    instances: Instances
    rows: Rows
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableParts(Parts[TablePart]):
    """A table in parts.

    Attributes:
        target: What is predicted.
        specs: Columns that are inputs, with what the training rows show about them.
        left_out: Reason why another column is no input, by its name.
        unusable: Number of rows without a target.
        hint: Advice to the user about the target; empty where there is none.
        notes: Sentences on how cells are read that can be written in several ways.
        dialect: How the file is written.
        header_line: Line of the header, from 1.
    """

    target: Target
    specs: tuple[ColumnSpec, ...]
    left_out: dict[str, str]
    unusable: int
    hint: str
    notes: tuple[str, ...]
    dialect: Dialect
    header_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableData:
    """A whole table whose columns are recognized, before it is split.

    Attributes:
        columns: Texts of every column that is no target, by name; None where missing.
        kinds: Kinds of these columns.
        targets: Targets of all rows.
        dialect: How the file is written.
        header_line: Line of the header, from 1.
        notes: Sentences on how cells are read that can be written in several ways.
        sha256: Hash of the file.
    """

    columns: Mapping[str, Sequence[str | None]]
    kinds: ColumnKinds
    targets: Targets
    dialect: Dialect
    header_line: int
    notes: tuple[str, ...]
    sha256: str


def load_table(
    path: Path,
    names: Sequence[str],
    overrides: Overrides,
    *,
    seed: int,
    split: Split = DEFAULT_SPLIT,
    task: Task | None = None,
) -> TableParts:
    """Read a CSV file, recognize its columns, and split its rows.

    The test part does not depend on the seed, so that scores can be compared. It is scikit-learn's
    `train_test_split(test_size=split.test, random_state=42)` of the rows with a target, in the
    order of the file, stratified by the class label where there is one. An eighth of the other
    rows validates and another eighth calibrates, at most 2 000 rows each.

    Args:
        path: The file.
        names: Columns to predict.
        overrides: Kinds of columns that the user gave.
        seed: Seed of all parts but the test part.
        split: Sizes of the parts.
        task: Kind of the target; None to recognize it.

    Raises:
        CannotTrain: The file cannot be read, or does not contain what training needs.
    """
    data = read_table_data(path, names, overrides, task=task)
    return split_table(data, split_rows(data.targets, split, seed=seed))


def read_table_data(
    path: Path, names: Sequence[str], overrides: Overrides, *, task: Task | None = None
) -> TableData:
    """Read a CSV file and recognize its columns.

    Raises:
        CannotTrain: The file cannot be read, or does not contain what training needs.
    """
    table = read_csv(
        path,
        names,
        ignored=overrides.ignored,
        decimal=overrides.decimal,
        thousands=overrides.thousands,
    )
    targets = read_targets(table, names, task)
    columns = {name: texts for name, texts in table.columns.items() if name not in names}
    kinds = recognize_kinds(columns, table.dialect, overrides)
    numbers = [columns[name] for name, kind in kinds.inputs.items() if kind == "number"]
    if targets.target.task == "regression":
        numbers += [table.columns[name] for name in names]
    marks = describe_marks(numbers, table.dialect)
    return TableData(
        columns=columns,
        kinds=kinds,
        targets=targets,
        dialect=table.dialect,
        header_line=table.header_line,
        notes=(*marks, *targets.notes, *kinds.notes),
        sha256=hash_file(path),
    )


def split_table(data: TableData, indices: Mapping[str, Indices]) -> TableParts:
    """Put the rows into parts, and learn ranges and vocabularies from the training rows.

    Args:
        data: The table.
        indices: Indices of the rows of "train", "validation", "calibration" and "test".
    """
    specs = learn_specs(_training_columns(data, indices["train"]), data.kinds, data.dialect)
    raw = {spec.name: _parse_column(data, spec) for spec in specs}
    parts = {name: _table_part(raw, specs, data.targets.y, rows) for name, rows in indices.items()}
    return TableParts(
        **parts,
        target=data.targets.target,
        specs=specs,
        left_out=data.kinds.left_out,
        unusable=len(data.targets.y) - len(data.targets.usable),
        hint=data.targets.hint,
        notes=data.notes,
        dialect=data.dialect,
        header_line=data.header_line,
        sha256=data.sha256,
    )


def _training_columns(data: TableData, rows: Indices) -> dict[str, list[str | None]]:
    return {name: [data.columns[name][row] for row in rows] for name in data.kinds.inputs}


def _parse_column(data: TableData, spec: ColumnSpec) -> NDArray[Any]:
    texts = [text or "" for text in data.columns[spec.name]]
    return parse(spec, texts, data.dialect).values


def _table_part(
    raw: Instances, specs: Sequence[ColumnSpec], y: NDArray[Any], rows: Indices
) -> TablePart:
    instances = {name: values[rows] for name, values in raw.items()}
    return TablePart(instances, encode_rows(instances, specs), y[rows])


def encode_rows(instances: Instances, specs: Sequence[ColumnSpec]) -> Rows:
    """Put raw values side by side as the network takes them."""
    n = len(next(iter(instances.values())))
    numbers = [instances[spec.name] for spec in specs if not isinstance(spec, CategoryInput)]
    categories = [
        encode_texts(instances[spec.name], spec.codes)
        for spec in specs
        if isinstance(spec, CategoryInput)
    ]
    # The empty first column keeps the number of rows where a side has no columns.
    return Rows(
        np.stack([np.empty(n), *numbers], axis=1)[:, 1:].astype(np.float32),
        np.stack([np.empty(n), *categories], axis=1)[:, 1:].astype(np.int32),
    )
