"""Which rows of a table train, validate, calibrate and test."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from training.datasets.targets import Targets
from training.errors import CannotTrain
from vitrine.errors import shown

Indices = NDArray[np.intp]

_TEST_SEED = 42
# Largest number of rows that validate, and that calibrate.
_MAX_SPARED = 2000
_MIN_VALIDATION = 4
_MIN_TRAINING = 10
# Fewer rows calibrate nothing: a 90 % interval from n rows is off by 1 / (n + 1).
_MIN_CALIBRATION = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How large the parts of a table are.

    Attributes:
        test: Share of the rows with a target that test.
        validation: Share of the other rows that validates; None for an eighth, at most 2 000 rows.
    """

    test: float = 0.2
    validation: float | None = None


DEFAULT_SPLIT = Split()


def split_rows(targets: Targets, split: Split, *, seed: int) -> dict[str, Indices]:
    """Return the indices of the rows of each part.

    Args:
        targets: Targets of all rows.
        split: Sizes of the parts.
        seed: Seed of all parts but the test part, which is always the same.

    Raises:
        CannotTrain: Too few rows are left to train.
    """
    rest, test = split_off_test_rows(targets, split.test)
    rest = _shuffled(rest, targets, seed=seed)
    spared = min(_MAX_SPARED, len(rest) // 8)
    calibrating = spared if spared >= _MIN_CALIBRATION else 0
    validating = max(spared, _MIN_VALIDATION)
    if split.validation is not None:
        validating = round(split.validation * len(rest))
        _check_validation(validating, len(rest))
    calibration, validation, train = np.split(rest, [calibrating, calibrating + validating])
    _check_training_rows(train, targets)
    return {"train": train, "validation": validation, "calibration": calibration, "test": test}


def split_off_test_rows(targets: Targets, test: float) -> tuple[Indices, Indices]:
    """Return the indices of the rows outside of the test part, and of those in it.

    Args:
        targets: Targets of all rows.
        test: Number of the rows with a target that test, or their share. Both give the same rows.

    Raises:
        CannotTrain: A class label cannot be both inside and outside of the test part.
    """
    usable = targets.usable
    classes = targets.y[usable] if targets.target.is_one_label else None
    count = test if test >= 1 else math.ceil(test * len(usable))
    labels = max(1, len(targets.target.labels)) if classes is not None else 1
    if not labels <= count <= len(usable) - labels:
        raise CannotTrain(
            f"The test part must have at least {labels} of the {len(usable)} rows with a target, "
            f"and leave at least {labels} of them for the other parts. Give another --test-size. "
            f"Received: {count}."
        )
    rest, held_out = train_test_split(
        usable, test_size=test, random_state=_TEST_SEED, stratify=classes
    )
    return rest, held_out


def _check_validation(rows: int, rest: int) -> None:
    if rows < _MIN_VALIDATION:
        raise CannotTrain(
            f"At least {_MIN_VALIDATION} of the {rest:,} rows besides the test part must validate. "
            f"Give a larger --validation-split. Received: {rows}."
        )


def _check_training_rows(rows: Indices, targets: Targets) -> None:
    advice = "Give a smaller --test-size or --validation-split."
    if len(rows) < _MIN_TRAINING:
        raise CannotTrain(
            f"At least {_MIN_TRAINING} rows must be left to train. {advice} Received: {len(rows)}."
        )
    if targets.target.is_one_label:
        counts = np.bincount(targets.y[rows], minlength=len(targets.target.labels))
        if not counts.all():
            label = targets.target.labels[int(counts.argmin())]
            raise CannotTrain(f"No training row has the label {shown(label)}. {advice}")


def _shuffled(rows: Indices, targets: Targets, *, seed: int) -> Indices:
    """Return the rows in an order whose every section has about the same shares of each class."""
    rows = np.random.default_rng(seed).permutation(rows)
    if not targets.target.is_one_label:
        return rows
    codes = targets.y[rows]
    by_class = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    # Each row gets its relative position within its class; sorting by it mixes the classes evenly.
    within = np.concatenate([(np.arange(count) + 0.5) / count for count in counts if count])
    return rows[by_class[np.argsort(within, kind="stable")]]
