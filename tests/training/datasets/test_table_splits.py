"""Which rows of a table are in which part."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from training.datasets.column_kinds import Overrides
from training.datasets.table_splits import Split, split_off_test_rows, split_rows
from training.datasets.tables import load_table
from training.datasets.targets import Target, Targets, Task
from training.errors import CannotTrain


def test_table_test_part_is_that_of_scikit_learn(rents: Path) -> None:
    parts = load_table(rents, ["rent"], Overrides(), seed=0)
    with rents.open() as stream:
        rows = list(csv.DictReader(stream))

    _, expected = train_test_split(rows, test_size=0.2, random_state=42)

    np.testing.assert_allclose(parts.test.y, [float(row["rent"]) for row in expected], rtol=1e-6)


def test_table_seed_changes_the_other_parts_alone(rents: Path) -> None:
    first, other = (load_table(rents, ["rent"], Overrides(), seed=seed) for seed in (0, 1))

    np.testing.assert_array_equal(first.test.y, other.test.y)
    assert set(first.train.y) != set(other.train.y)


def test_small_table_has_no_calibration_part(rents: Path) -> None:
    parts = load_table(rents, ["rent"], Overrides(), seed=0)

    assert parts.sizes == {"train": 84, "validation": 12, "calibration": 0, "test": 24}


def test_larger_table_spares_an_eighth_of_the_rest_twice(many_rents: Path) -> None:
    parts = load_table(many_rents, ["rent"], Overrides(), seed=0)

    assert parts.sizes == {"train": 384, "validation": 64, "calibration": 64, "test": 128}


def test_table_parts_are_kept_apart(many_rents: Path) -> None:
    parts = load_table(many_rents, ["rent"], Overrides(categorical=("row",)), seed=0)

    several = (parts.train, parts.validation, parts.calibration, parts.test)
    rows = np.concatenate([part.instances["row"] for part in several])
    assert sorted(map(int, rows)) == list(range(1, 641))


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_test_part_is_the_same_by_share_and_by_count(kind: Any) -> None:
    codes = np.arange(57) % 2
    targets = Targets(Target(kind, ("y",), ("a", "b")), codes, np.arange(3, 57))

    by_share, by_count = split_off_test_rows(targets, 0.2)[1], split_off_test_rows(targets, 11)[1]

    assert by_share.tolist() == by_count.tolist()


def targets_of(labels: str) -> Targets:
    """Return targets of one row a letter, their labels the letters."""
    names = tuple(sorted(set(labels)))
    y = np.array([names.index(label) for label in labels], dtype=np.int64)
    task: Task = "binary" if len(names) == 2 else "multiclass"
    return Targets(Target(task, ("y",), names), y, np.arange(len(y)))


UNSPLITTABLE: dict[str, tuple[str, Split, str]] = {
    "more labels than rows to test": (
        "abcdefghij" * 4,
        Split(),
        "must have at least 10 of the 40 rows",
    ),
    "hardly any test": (
        "ab" * 20,
        Split(test=0.01),
        "must have at least 2 of the 40 rows .* Received: 1",
    ),
    "nearly all test": ("ab" * 20, Split(test=0.99), "leave at least 2.* Received: 40"),
    "nearly no validation": ("ab" * 50, Split(validation=0.01), "At least 4 of the 80 rows"),
    "nearly all validation": ("ab" * 250, Split(validation=0.9), "10 rows must be left to train"),
    "rare label": ("ab" * 98 + "cccc", Split(validation=0.85), "No training row has the label .c."),
}


@pytest.mark.parametrize(("labels", "split", "message"), UNSPLITTABLE.values(), ids=UNSPLITTABLE)
def test_shares_that_leave_a_part_too_little_are_refused(
    labels: str, split: Split, message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        split_rows(targets_of(labels), split, seed=0)
