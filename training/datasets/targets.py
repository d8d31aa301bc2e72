"""What a table predicts: a number, one of two or more class labels, or any of several.

Told from the texts of the target columns alone.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.errors import CannotTrain
from vitrine.errors import nearest, shown
from vitrine.signature import Dialect
from vitrine.tables.cells import parse_numbers
from vitrine.tables.files import Table

Task = Literal["regression", "binary", "multiclass", "multilabel"]
Texts = Sequence[str | None]

_LEAST_ROWS = 20
# Of each class label: one in every part, and one more.
_LEAST_OF_A_LABEL = 4
_MOST_LABELS = 1000
_STRAY_SHARE = 0.1
# Whole numbers with so few different values may be codes of classes.
_FEW_NUMBERS = 12
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
        task: Its kind.
        names: The columns: one, or one a label where an instance may have several.
        labels: Class labels in the order of their codes; none of a regression.
        rarest: Code of the one that fewest rows have; None where rows have any of several.
    """

    task: Task
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    rarest: int | None = None

    @property
    def name(self) -> str:
        """What it is called where one word is wanted."""
        return ", ".join(self.names)

    @property
    def is_one_label(self) -> bool:
        """Whether each instance has one class label."""
        return self.task in {"binary", "multiclass"}


@dataclass(frozen=True, slots=True)
class Targets:
    """Every row's target.

    Attributes:
        target: What they are.
        y: Values, codes of class labels, or which labels each row has; meaningless where not
            usable.
        usable: Places of the rows that have one.
        hint: What the person at the terminal may want to say instead, or nothing.

    Shapes:
        y: (rows,) float64 values, (rows,) int64 codes, or (rows, labels) float32 of 0 and 1.
    """

    target: Target
    y: NDArray[Any]
    usable: NDArray[np.intp]
    hint: str = ""


def read_targets(table: Table, names: Sequence[str], task: Task | None) -> Targets:
    """Tell what the target columns hold, and read them.

    Several columns are labels that an instance may have any of. One column of numbers is a
    regression, unless it has two values alone; any other text is a class label.

    Args:
        table: The file.
        names: The target's columns.
        task: What it is, where that is said.

    Raises:
        CannotTrain: There is no such column, or it does not hold what the task needs.
    """
    _check_names(table, names)
    columns = [table.columns[name] for name in names]
    usable = np.flatnonzero(np.all([[text is not None for text in each] for each in columns], 0))
    if len(usable) < _LEAST_ROWS:
        raise CannotTrain(
            f"At least {_LEAST_ROWS} rows must have a value in {_listed(names)}. "
            f"Received: {len(usable)}."
        )
    for name, texts in zip(names, columns, strict=True):
        if len({texts[place] for place in usable}) == 1:
            raise CannotTrain(f"{shown(name)} has the same value in every row.")
    if len(names) > 1 or task == "multilabel":
        flags = [_class_labels(texts, table.dialect) for texts in columns]
        return _read_labels(names, flags, usable, task)
    (name,), (texts,) = names, columns
    numbers = parse_numbers(texts, table.dialect)
    labels = _class_labels(texts, table.dialect)
    distinct = {labels[place] for place in usable}
    if len(distinct) == 1:
        raise CannotTrain(f"{shown(name)} has the same value in every row.")
    if task is None:
        # A stray text among numbers is a slip to be told of, not a class.
        is_number = len(numbers.faults) <= _STRAY_SHARE * len(usable)
        task = "regression" if is_number and len(distinct) > 2 else "multiclass"
    if task == "regression":
        return _read_values(name, texts, usable, table.dialect)
    return _read_classes(name, labels, usable, task)


def _check_names(table: Table, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.columns:
            raise CannotTrain(f"There is no column {shown(name)}.{nearest(name, table.columns)}")
        if names.count(name) > 1:
            raise CannotTrain(f"{shown(name)} is named twice as a target.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names)


def _read_values(name: str, texts: Texts, usable: NDArray[np.intp], dialect: Dialect) -> Targets:
    parsed = parse_numbers(texts, dialect)
    if parsed.faults:
        place = min(parsed.faults)
        raise CannotTrain(
            f"A regression needs a numeric target: {shown(name)} in data row {place + 1} "
            f"{parsed.faults[place]}. Received: {shown(texts[place])}."
        )
    values = parsed.values.astype(np.float64)
    if np.ptp(values[usable]) == 0:
        raise CannotTrain(f"{shown(name)} has the same value in every row.")
    distinct = np.unique(values[usable])
    hint = ""
    if len(distinct) <= _FEW_NUMBERS and (distinct == np.rint(distinct)).all():
        hint = (
            f"{shown(name)} has {len(distinct)} different whole numbers, predicted as a quantity; "
            "say --task multiclass if they are codes of classes."
        )
    return Targets(Target("regression", (name,)), values, usable, hint)


def _class_labels(texts: Texts, dialect: Dialect) -> list[str | None]:
    """Return the labels that texts stand for: 1 and 1.0 are the same number."""
    known = {text: _class_label(text, dialect) for text in set(texts) if text is not None}
    return [None if text is None else known[text] for text in texts]


def _class_label(text: str, dialect: Dialect) -> str:
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return str(int(text))  # of any length: codes may be longer than a float32 tells apart
    parsed = parse_numbers([text], dialect)
    return text if parsed.faults else np.format_float_positional(parsed.values[0], trim="-")


def _read_classes(name: str, texts: Texts, usable: NDArray[np.intp], task: Task) -> Targets:
    counts = Counter(texts[place] for place in usable)
    labels = tuple(sorted((text for text in counts if text is not None), key=_in_order))
    if task == "binary" and len(labels) != 2:
        raise CannotTrain(
            f"--task binary needs two class labels in {shown(name)}. Received: {len(labels)}."
        )
    if len(labels) > _MOST_LABELS:
        raise CannotTrain(
            f"{shown(name)} may have {_MOST_LABELS} class labels at most. Received: {len(labels)}."
        )
    rarest = min(labels, key=lambda label: counts[label])
    if counts[rarest] < _LEAST_OF_A_LABEL:
        raise CannotTrain(
            f"Each class label of {shown(name)} must come in {_LEAST_OF_A_LABEL} rows at least. "
            f"Received: {counts[rarest]} of {shown(rarest)}."
        )
    codes = {label: code for code, label in enumerate(labels)}
    y = np.array([codes.get(text or "", -1) for text in texts], dtype=np.int64)
    kind: Task = "binary" if len(labels) == 2 else "multiclass"
    target = Target(kind, (name,), labels, rarest=codes[rarest])
    return Targets(target, y, usable)


def _in_order(label: str) -> tuple[int, float, str]:
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
    y = np.zeros((len(columns[0]), len(names)), dtype=np.float32)
    for place, (name, texts) in enumerate(zip(names, columns, strict=True)):
        known = {(text or "").lower() for text in (texts[row] for row in usable)}
        present = next((yes for no, yes in _ABSENT_AND_PRESENT if known <= {no, yes}), None)
        if present is None:
            raise CannotTrain(
                f"Each of several target columns must say whether an instance has that label, by "
                f"0 and 1, no and yes, or false and true. Received in {shown(name)}: "
                f"{', '.join(shown(text) for text in sorted(known)[:3])}."
            )
        y[:, place] = [(text or "").lower() == present for text in texts]
        having = int(y[usable, place].sum())
        if not _LEAST_OF_A_LABEL <= having <= len(usable) - _LEAST_OF_A_LABEL:
            raise CannotTrain(
                f"At least {_LEAST_OF_A_LABEL} rows must have the label {shown(name)}, and as many "
                f"lack it. Received: {having} of {len(usable)} have it."
            )
    return Targets(Target("multilabel", tuple(names), tuple(names)), y, usable)
