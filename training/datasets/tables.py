"""CSV files: read, told what their columns are, split."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from service.bundle import (
    FIRST_CODE,
    MISSING_CODE,
    OTHER_CODE,
    CategoryInput,
    ColumnSpec,
    Dialect,
    Instances,
)
from service.errors import ServiceError, nearest, shown
from service.tables import Table, read_table
from service.tables.cells import parse, parse_numbers
from training.columns import Overrides, learn_specs, tell_kinds
from training.datasets.parts import Parts
from training.errors import CannotTrain

_LEAST_ROWS = 20
_TEST_SEED = 42
_MOST_SPARED = 2000
_LEAST_VALIDATING = 4
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
        y: Targets.
    """

    instances: Instances
    rows: Rows
    y: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableParts(Parts[TablePart]):
    """A table.

    Attributes:
        specs: The columns that are inputs, as seen in the rows that train.
        left_out: Why other columns are no inputs, by name.
        unusable: Rows without a target.
        dialect: How the file is written.
    """

    specs: tuple[ColumnSpec, ...]
    left_out: dict[str, str]
    unusable: int
    dialect: Dialect


def load_table(
    path: Path, target: str, overrides: Overrides, *, test_share: float, seed: int
) -> TableParts:
    """Read a CSV file, tell what its columns are, and split it.

    The test part is the same whatever the seed, so that scores compare: it is scikit-learn's
    `train_test_split(test_size=test_share, random_state=42)` of the rows with a target, in the
    file's order. An eighth of the rest each, 2 000 rows at most, validate and calibrate.

    Args:
        path: The file.
        target: The column to predict.
        overrides: Kinds of columns that are given.
        test_share: Share of the rows with a target.
        seed: Of the split of the rest.

    Raises:
        CannotTrain: The file cannot be read or does not hold what is needed.
    """
    table = _read_table(path)
    y, usable = _targets(table, target)
    columns = {name: texts for name, texts in table.columns.items() if name != target}
    kinds = tell_kinds(columns, table.dialect, overrides)
    places = _split(usable, test_share=test_share, seed=seed)
    specs = learn_specs(
        {name: [columns[name][place] for place in places["train"]] for name in kinds.kept},
        kinds,
        table.dialect,
    )
    raw = {
        spec.name: parse(spec, [text or "" for text in columns[spec.name]], table.dialect).values
        for spec in specs
    }
    parts = {name: _table_part(raw, specs, y, where) for name, where in places.items()}
    return TableParts(
        **parts,
        specs=specs,
        left_out=kinds.left_out,
        unusable=len(y) - len(usable),
        dialect=table.dialect,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _read_table(path: Path) -> Table:
    try:
        return read_table(path)
    except OSError as error:
        raise CannotTrain(f"{path} cannot be read: {error.strerror}.") from error
    except ServiceError as error:
        raise CannotTrain(f"{path}: {error.detail}") from error


def _targets(table: Table, target: str) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return every row's target and the places of the rows that have one."""
    if target not in table.columns:
        raise CannotTrain(f"There is no column {shown(target)}.{nearest(target, table.columns)}")
    texts = table.columns[target]
    parsed = parse_numbers(texts, table.dialect)
    if parsed.faults:
        place = min(parsed.faults)
        raise CannotTrain(
            f"A regression needs a numeric target: {shown(target)} in data row {place + 1} "
            f"{parsed.faults[place]}. Received: {shown(texts[place])}."
        )
    usable = np.flatnonzero(~np.isnan(parsed.values))
    if len(usable) < _LEAST_ROWS:
        raise CannotTrain(
            f"At least {_LEAST_ROWS} rows must have a value in {shown(target)}. "
            f"Received: {len(usable)}."
        )
    if np.ptp(parsed.values[usable]) == 0:
        raise CannotTrain(f"{shown(target)} has the same value in every row.")
    return parsed.values.astype(np.float64), usable


def _split(
    usable: NDArray[np.intp], *, test_share: float, seed: int
) -> dict[str, NDArray[np.intp]]:
    rest, test = train_test_split(usable, test_size=test_share, random_state=_TEST_SEED)
    rest = np.random.default_rng(seed).permutation(rest)
    spared = min(_MOST_SPARED, len(rest) // 8)
    calibrating = spared if spared >= _LEAST_CALIBRATING else 0
    validating = max(spared, _LEAST_VALIDATING)
    calibration, validation, train = np.split(rest, [calibrating, calibrating + validating])
    return {"train": train, "validation": validation, "calibration": calibration, "test": test}


def _table_part(
    raw: Instances,
    specs: Sequence[ColumnSpec],
    y: NDArray[np.float64],
    places: NDArray[np.intp],
) -> TablePart:
    instances = {name: values[places] for name, values in raw.items()}
    return TablePart(instances, encode_rows(instances, specs), y[places])


def encode_rows(instances: Instances, specs: Sequence[ColumnSpec]) -> Rows:
    """Put raw values side by side as the network takes them."""
    n = len(next(iter(instances.values())))
    numbers = [instances[spec.name] for spec in specs if not isinstance(spec, CategoryInput)]
    categories = [
        _encode(instances[spec.name], spec) for spec in specs if isinstance(spec, CategoryInput)
    ]
    return Rows(
        np.stack([np.empty(n), *numbers], axis=1)[:, 1:].astype(np.float32),
        np.stack([np.empty(n), *categories], axis=1)[:, 1:].astype(np.int32),
    )


def _encode(texts: NDArray[np.object_], spec: CategoryInput) -> NDArray[np.int32]:
    codes: dict[str | None, int] = {None: MISSING_CODE}
    codes.update((text, FIRST_CODE + place) for place, text in enumerate(spec.vocabulary))
    return np.array([codes.get(text, OTHER_CODE) for text in texts], dtype=np.int32)
