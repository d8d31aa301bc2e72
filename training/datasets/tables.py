"""CSV files: read, told what their columns are, split."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from training.columns import Kinds, Overrides, learn_specs, tell_kinds
from training.datasets.parts import Parts
from training.datasets.targets import Target, Targets, Task, read_targets
from training.errors import CannotTrain
from vitrine.errors import VitrineError, shown
from vitrine.signature import CategoryInput, ColumnSpec, Dialect, Instances
from vitrine.tables.cells import encode_texts, parse
from vitrine.tables.files import Table, read_table

_TEST_SEED = 42
_MOST_SPARED = 2000
_LEAST_VALIDATING = 4
_LEAST_TRAINING = 10
# Fewer calibrate nothing: a 90 % interval from n rows is off by 1 / (n + 1).
_LEAST_CALIBRATING = 50


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table as its network takes them.

    Attributes:
        numbers: Raw values, NaN where blank; dates are days since 1970-01-01 UTC.
        categories: Codes: 0 blank, 1 other, from 2 the vocabulary.

    Shapes:
        numbers: (n, number and date columns); categories: (n, category columns).
    """

    numbers: NDArray[np.float32]
    categories: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def joined(cls, parts: Sequence["Rows"]) -> "Rows":
        """Return rows one after the other."""
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.categories for part in parts]),
        )

    def take(self, places: NDArray[np.intp]) -> "Rows":
        """Return the rows at some places, in that order."""
        return Rows(self.numbers[places], self.categories[places])

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names of the inner network's inputs."""
        parts: dict[str, NDArray[Any]] = {"numbers": self.numbers, "categories": self.categories}
        return {name: array for name, array in parts.items() if array.shape[1]}


@dataclass(frozen=True, slots=True)
class TablePart:
    """Instances of one part of a table with their targets.

    Attributes:
        instances: Raw values by column name, as a client would send them.
        rows: The same as the network takes them.
        y: Targets: values, codes of class labels, or which labels each has.

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
    """A table.

    Attributes:
        target: What is predicted.
        specs: The columns that are inputs, as seen in the rows that train.
        left_out: Why other columns are no inputs, by name.
        unusable: Rows without a target.
        hint: What the target may be instead, or nothing.
        dialect: How the file is written.
    """

    target: Target
    specs: tuple[ColumnSpec, ...]
    left_out: dict[str, str]
    unusable: int
    hint: str
    dialect: Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A whole table, its columns told apart, not yet split.

    Attributes:
        columns: Texts of what is no target, by column name, blank as None.
        kinds: What they are.
        targets: What is predicted, row by row.
        dialect: How the file is written.
        sha256: Of the file.
    """

    columns: Mapping[str, Sequence[str | None]]
    kinds: Kinds
    targets: Targets
    dialect: Dialect
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How the rows are kept apart.

    Attributes:
        test: Share of the rows with a target.
        validation: Share of the rest; None for an eighth, 2 000 rows at most.
    """

    test: float = 0.2
    validation: float | None = None


def load_table(
    path: Path,
    names: Sequence[str],
    overrides: Overrides,
    *,
    seed: int,
    split: Split = Split(),
    task: Task | None = None,
) -> TableParts:
    """Read a CSV file, tell what its columns are, and split it.

    The test part is the same whatever the seed, so that scores compare: it is scikit-learn's
    `train_test_split(test_size=split.test, random_state=42)` of the rows with a target, in the
    file's order, stratified by class label where there is one. An eighth of the rest each, 2 000
    rows at most, validate and calibrate.

    Args:
        path: The file.
        names: The columns to predict.
        overrides: Kinds of columns that are given.
        seed: Of the split of the rest.
        split: Shares of the rows.
        task: What is predicted, where that is said.

    Raises:
        CannotTrain: The file cannot be read or does not hold what is needed.
    """
    source = read_source(path, names, overrides, task=task)
    return split_table(source, split_places(source.targets, split, seed=seed))


def read_source(
    path: Path, names: Sequence[str], overrides: Overrides, *, task: Task | None = None
) -> Source:
    """Read a CSV file and tell what its columns are.

    Raises:
        CannotTrain: The file cannot be read or does not hold what is needed.
    """
    table = read_whole(path)
    targets = read_targets(table, names, task)
    columns = {name: texts for name, texts in table.columns.items() if name not in names}
    return Source(
        columns=columns,
        kinds=tell_kinds(columns, table.dialect, overrides),
        targets=targets,
        dialect=table.dialect,
        sha256=hash_file(path),
    )


def split_table(source: Source, places: Mapping[str, NDArray[np.intp]]) -> TableParts:
    """Put the rows into parts, and learn ranges and vocabularies from those that train.

    Args:
        source: The table.
        places: Of the rows of "train", "validation", "calibration" and "test".
    """
    columns, dialect, targets = source.columns, source.dialect, source.targets
    specs = learn_specs(
        {name: [columns[name][place] for place in places["train"]] for name in source.kinds.kept},
        source.kinds,
        dialect,
    )
    raw = {
        spec.name: parse(spec, [text or "" for text in columns[spec.name]], dialect).values
        for spec in specs
    }
    parts = {name: _table_part(raw, specs, targets.y, where) for name, where in places.items()}
    return TableParts(
        **parts,
        target=targets.target,
        specs=specs,
        left_out=source.kinds.left_out,
        unusable=len(targets.y) - len(targets.usable),
        hint=targets.hint,
        dialect=dialect,
        sha256=source.sha256,
    )


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_whole(path: Path) -> Table:
    """Read a whole CSV file.

    Raises:
        CannotTrain: It cannot be read.
    """
    try:
        return read_table(path)
    except OSError as error:
        raise CannotTrain(f"{path} cannot be read: {error.strerror}.") from error
    except VitrineError as error:
        raise CannotTrain(f"{path}: {error.detail}") from error


def set_apart(targets: Targets, test: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of the rows that are not for the test, and of those that are.

    Args:
        targets: What every row's target is.
        test: How many rows with a target, or their share; both give the same rows.

    Raises:
        CannotTrain: A class label cannot be in both.
    """
    usable = targets.usable
    classes = targets.y[usable] if targets.target.is_one_label else None
    count = test if test >= 1 else math.ceil(test * len(usable))
    labels = max(1, len(targets.target.labels)) if classes is not None else 1
    if not labels <= count <= len(usable) - labels:
        raise CannotTrain(
            f"The test part must have {labels} of the {len(usable)} rows with a target at least, "
            f"and leave as many: say another --test-size. Received: {count}."
        )
    rest, held_out = train_test_split(
        usable, test_size=test, random_state=_TEST_SEED, stratify=classes
    )
    return rest, held_out


def split_places(targets: Targets, split: Split, *, seed: int) -> dict[str, NDArray[np.intp]]:
    """Return the places of the rows of each part.

    Args:
        targets: Of all rows.
        split: Shares.
        seed: Of all but the test part.

    Raises:
        CannotTrain: Too few rows are left to train.
    """
    rest, test = set_apart(targets, split.test)
    rest = _shuffled(rest, targets, seed=seed)
    spared = min(_MOST_SPARED, len(rest) // 8)
    calibrating = spared if spared >= _LEAST_CALIBRATING else 0
    validating = max(spared, _LEAST_VALIDATING)
    if split.validation is not None:
        validating = max(_LEAST_VALIDATING, round(split.validation * len(rest)))
    calibration, validation, train = np.split(rest, [calibrating, calibrating + validating])
    _check_train(train, targets)
    return {"train": train, "validation": validation, "calibration": calibration, "test": test}


def _check_train(places: NDArray[np.intp], targets: Targets) -> None:
    advice = "Say a smaller --test-size or --validation-split."
    if len(places) < _LEAST_TRAINING:
        raise CannotTrain(
            f"At least {_LEAST_TRAINING} rows must be left to train. {advice} "
            f"Received: {len(places)}."
        )
    if targets.target.is_one_label:
        found = np.bincount(targets.y[places], minlength=len(targets.target.labels))
        if not found.all():
            label = targets.target.labels[int(found.argmin())]
            raise CannotTrain(
                f"No row that is left to train has the label {shown(label)}. {advice}"
            )


def _shuffled(places: NDArray[np.intp], targets: Targets, *, seed: int) -> NDArray[np.intp]:
    """Return the places in an order whose every piece has the classes in about equal shares."""
    places = np.random.default_rng(seed).permutation(places)
    if not targets.target.is_one_label:
        return places
    codes = targets.y[places]
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    within = np.concatenate([(np.arange(count) + 0.5) / count for count in counts if count])
    return places[order[np.argsort(within, kind="stable")]]


def _table_part(
    raw: Instances,
    specs: Sequence[ColumnSpec],
    y: NDArray[Any],
    places: NDArray[np.intp],
) -> TablePart:
    instances = {name: values[places] for name, values in raw.items()}
    return TablePart(instances, encode_rows(instances, specs), y[places])


def encode_rows(instances: Instances, specs: Sequence[ColumnSpec]) -> Rows:
    """Put raw values side by side as the network takes them."""
    n = len(next(iter(instances.values())))
    numbers = [instances[spec.name] for spec in specs if not isinstance(spec, CategoryInput)]
    categories = [
        encode_texts(instances[spec.name], spec.codes)
        for spec in specs
        if isinstance(spec, CategoryInput)
    ]
    return Rows(
        np.stack([np.empty(n), *numbers], axis=1)[:, 1:].astype(np.float32),
        np.stack([np.empty(n), *categories], axis=1)[:, 1:].astype(np.int32),
    )
