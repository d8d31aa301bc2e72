"""What a table predicts: a number, one of several class labels, or any number of labels.

The kind is recognized from the texts of the target columns.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.datasets.csv_files import check_columns
from training.errors import CannotTrain
from vitrine.errors import shown
from vitrine.signature import Dialect
from vitrine.tables.files import Table
from vitrine.tables.numbers import parse_numbers

Task = Literal["regression", "binary", "multiclass", "multilabel"]
Texts = Sequence[str | None]

_MIN_ROWS = 20
# A class label needs one row in every part, and one more.
_MIN_OF_A_LABEL = 4
_MAX_LABELS = 1000
# A column of numbers may have this share of other texts, which are mistakes.
_STRAY_SHARE = 0.1
# Whole numbers with so few different values may be codes of classes.
_FEW_NUMBERS = 12
# Texts that say that an instance does not have a label, and that it has.
_ABSENT_AND_PRESENT = (
    ("0", "1"),
    ("no", "yes"),
    ("n", "y"),
    ("false", "true"),
    ("f", "t"),
    ("não", "sim"),
    ("nao", "sim"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted.

    Attributes:
        task: Kind of the target.
        names: Name of the target column, or one column for each of several labels.
        labels: Class labels in the order of their codes; empty for a regression.
        rarest: Code of the label that the fewest rows have; None where a row may have several.
    """

    task: Task
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    rarest: int | None = None

    @property
    def name(self) -> str:
        """The names of the columns in one text."""
        return ", ".join(self.names)

    @property
    def is_one_label(self) -> bool:
        """Whether each instance has exactly one class label."""
        return self.task in {"binary", "multiclass"}


@dataclass(frozen=True, slots=True)
class Targets:
    """The target of every row.

    Attributes:
        target: What is predicted.
        y: Values, codes of class labels, or which labels each row has. Meaningless for rows that
            are not usable.
        usable: Indices of the rows that have a target.
        hint: Advice to the user about the target; empty where there is none.

    Shapes:
        y: (rows,) float64 values, (rows,) int64 codes, or (rows, labels) float32 of 0 and 1.
    """

    target: Target
    y: NDArray[Any]
    usable: NDArray[np.intp]
    hint: str = ""


def read_targets(table: Table, names: Sequence[str], task: Task | None) -> Targets:
    """Read the target columns, and recognize what they predict.

    Several columns are labels, and an instance may have any number of them. One column of numbers
    is a regression, unless it has only two values. All other texts are class labels.

    Args:
        table: The file.
        names: Target columns.
        task: Kind of the target; None to recognize it.

    Raises:
        CannotTrain: A column is missing, or does not contain what the task needs.
    """
    _check_names(table, names)
    columns = [table.columns[name] for name in names]
    usable = _usable_rows(names, columns)
    if len(names) > 1 or task == "multilabel":
        flags = [_class_labels(texts, table.dialect) for texts in columns]
        return _read_labels(names, flags, usable, task)
    (name,), (texts,) = names, columns
    labels = _class_labels(texts, table.dialect)
    _check_varies(name, labels, usable)
    if task is None:
        task = _recognize_task(texts, labels, usable, table.dialect)
    if task == "regression":
        return _read_values(name, texts, usable, table.dialect)
    return _read_classes(name, labels, usable, task)


def _usable_rows(names: Sequence[str], columns: Sequence[Texts]) -> NDArray[np.intp]:
    """Return the indices of the rows that have a value in every target column."""
    usable = np.flatnonzero(np.all([[text is not None for text in each] for each in columns], 0))
    if len(usable) < _MIN_ROWS:
        raise CannotTrain(
            f"At least {_MIN_ROWS} rows must have a value in {_names_text(names)}. "
            f"Received: {len(usable)}."
        )
    for name, texts in zip(names, columns, strict=True):
        _check_varies(name, texts, usable)
    return usable


def _check_varies(name: str, texts: Texts, usable: NDArray[np.intp]) -> None:
    if len({texts[row] for row in usable}) == 1:
        raise CannotTrain(f"{shown(name)} has the same value in every row.")


def _recognize_task(
    texts: Texts, labels: Texts, usable: NDArray[np.intp], dialect: Dialect
) -> Task:
    # A stray text among numbers is a mistake in the file, not a class.
    is_number = len(parse_numbers(texts, dialect).faults) <= _STRAY_SHARE * len(usable)
    has_many = len({labels[row] for row in usable}) > 2
    return "regression" if is_number and has_many else "multiclass"


def _check_names(table: Table, names: Sequence[str]) -> None:
    check_columns(names, tuple(table.columns))
    for name in names:
        if names.count(name) > 1:
            raise CannotTrain(f"{shown(name)} is named twice as a target.")


def _names_text(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names)


def _read_values(name: str, texts: Texts, usable: NDArray[np.intp], dialect: Dialect) -> Targets:
    parsed = parse_numbers(texts, dialect)
    if parsed.faults:
        row = min(parsed.faults)
        raise CannotTrain(
            f"A regression needs a numeric target: {shown(name)} in data row {row + 1} "
            f"{parsed.faults[row]}. Received: {shown(texts[row])}."
        )
    values = parsed.values.astype(np.float64)
    if np.ptp(values[usable]) == 0:
        raise CannotTrain(f"{shown(name)} has the same value in every row.")
    distinct = np.unique(values[usable])
    hint = ""
    if len(distinct) <= _FEW_NUMBERS and (distinct == np.rint(distinct)).all():
        hint = (
            f"{shown(name)} has {len(distinct)} different whole numbers and is predicted as a "
            "quantity. Give --task multiclass if the numbers are codes of classes."
        )
    return Targets(Target("regression", (name,)), values, usable, hint)


def _class_labels(texts: Texts, dialect: Dialect) -> list[str | None]:
    """Return the labels that the texts stand for; 1 and 1.0 are the same label."""
    known = {text: _class_label(text, dialect) for text in set(texts) if text is not None}
    return [None if text is None else known[text] for text in texts]


def _class_label(text: str, dialect: Dialect) -> str:
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return str(int(text))  # codes may have more digits than a float32
    parsed = parse_numbers([text], dialect)
    return text if parsed.faults else np.format_float_positional(parsed.values[0], trim="-")


def _read_classes(name: str, texts: Texts, usable: NDArray[np.intp], task: Task) -> Targets:
    counts = Counter(texts[row] for row in usable)
    labels = tuple(sorted((text for text in counts if text is not None), key=_sort_key))
    if task == "binary" and len(labels) != 2:
        raise CannotTrain(
            f"--task binary needs two class labels in {shown(name)}. Received: {len(labels)}."
        )
    if len(labels) > _MAX_LABELS:
        raise CannotTrain(
            f"{shown(name)} may have at most {_MAX_LABELS} class labels. Received: {len(labels)}."
        )
    rarest = min(labels, key=lambda label: counts[label])
    if counts[rarest] < _MIN_OF_A_LABEL:
        raise CannotTrain(
            f"Each class label of {shown(name)} must be in at least {_MIN_OF_A_LABEL} rows. "
            f"Received: {counts[rarest]} of {shown(rarest)}."
        )
    codes = {label: code for code, label in enumerate(labels)}
    y = np.array([codes.get(text or "", -1) for text in texts], dtype=np.int64)
    kind: Task = "binary" if len(labels) == 2 else "multiclass"
    target = Target(kind, (name,), labels, rarest=codes[rarest])
    return Targets(target, y, usable)


def _sort_key(label: str) -> tuple[int, float, str]:
    """Sort numbers by value, before all texts."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label.casefold()


def _read_labels(
    names: Sequence[str], columns: Sequence[Texts], usable: NDArray[np.intp], task: Task | None
) -> Targets:
    if task not in {None, "multilabel"}:
        raise CannotTrain(f"--task {task} needs one target column. Received: {len(names)}.")
    y = np.stack(
        [_read_flags(name, texts, usable) for name, texts in zip(names, columns, strict=True)],
        axis=1,
    )
    return Targets(Target("multilabel", tuple(names), tuple(names)), y, usable)


def _read_flags(name: str, texts: Texts, usable: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return 1 for each row that has the label of a column, else 0."""
    known = {(texts[row] or "").lower() for row in usable}
    present = next((yes for no, yes in _ABSENT_AND_PRESENT if known <= {no, yes}), None)
    if present is None:
        raise CannotTrain(
            "Each of several target columns must say whether an instance has that label, with 0 "
            f"and 1, no and yes, or false and true. Received in {shown(name)}: "
            f"{', '.join(shown(text) for text in sorted(known)[:3])}."
        )
    flags = np.array([(text or "").lower() == present for text in texts], dtype=np.float32)
    having = int(flags[usable].sum())
    if not _MIN_OF_A_LABEL <= having <= len(usable) - _MIN_OF_A_LABEL:
        raise CannotTrain(
            f"At least {_MIN_OF_A_LABEL} rows must have the label {shown(name)}, and at least as "
            f"many must not have it. Received: {having} of {len(usable)} have it."
        )
    return flags
