"""What a table predicts: a number, one of several class labels, or any number of labels.

The kind is recognized from the texts of the target columns.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.datasets.csv_files import check_columns
from training.datasets.date_orders import why_no_dates
from training.datasets.quantities import Quantities, read_quantities, why_no_numbers
from training.datasets.spellings import describe_spellings
from training.errors import CannotTrain
from vitrine.errors import shown
from vitrine.signature import Dialect
from vitrine.tables.dates import find_date_formats
from vitrine.tables.files import Table
from vitrine.tables.numbers import parse_numbers
from vitrine.tables.spelling import BOOLEAN_PAIRS, same_booleans

Task = Literal["regression", "binary", "multiclass", "multilabel"]
Texts = Sequence[str | None]

_MIN_ROWS = 20
# A class label needs one row in every part, and one more.
_MIN_OF_A_LABEL = 4
_MAX_LABELS = 1000
# A column of numbers may have this share of other texts, which are mistakes.
_STRAY_SHARE = 0.1
# A column with this share of numbers was meant as one.
_MIN_NUMBERS = 0.5
# A column with a larger share of different texts has no class labels.
_MIN_TEXTS = 0.5
# Whole numbers with so few different values may be codes of classes.
_FEW_NUMBERS = 12
_NUMBERS, _DATES = "numbers", "dates"
_HOW_TO_WRITE_NUMBERS = (
    "To predict a quantity, write all cells as numbers with one unit or none, or empty them."
)
# Texts that say that an instance does not have a label, and that it has.
_ABSENT_AND_PRESENT = (("0", "1"), *BOOLEAN_PAIRS)


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted.

    Attributes:
        task: Kind of the target.
        names: Name of the target column, or one column for each of several labels.
        labels: Class labels in the order of their codes; empty for a regression.
        rarest: Code of the label that the fewest rows have; None where a row may have several.
        unit: Unit that the cells of a value have; "" without one.
    """

    task: Task
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    rarest: int | None = None
    unit: str = ""

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
        notes: Sentences on how cells are read that can be written in several ways.

    Shapes:
        y: (rows,) float64 values, (rows,) int64 codes, or (rows, labels) float32 of 0 and 1.
    """

    target: Target
    y: NDArray[Any]
    usable: NDArray[np.intp]
    hint: str = ""
    notes: tuple[str, ...] = ()


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
    quantities = read_quantities(texts, table.dialect)
    has_many = len({labels[row] for row in usable}) > 2
    if task == "regression" or (task is None and has_many and _is_quantity(quantities, usable)):
        return _read_values(name, quantities, usable)
    contents = _what_it_contains(quantities, usable, table.dialect)
    found = _read_classes(name, labels, usable, task or "multiclass", contents)
    hint = _hint_at_numbers(name, contents, found.target.labels) if task is None else ""
    return replace(found, hint=hint, notes=tuple(describe_spellings(name, texts, "class label")))


def _usable_rows(names: Sequence[str], columns: Sequence[Texts]) -> NDArray[np.intp]:
    """Return the indices of the rows that have a value in every target column."""
    usable = np.flatnonzero(np.all([[text is not None for text in each] for each in columns], 0))
    _check_rows(names, usable)
    for name, texts in zip(names, columns, strict=True):
        _check_varies(name, texts, usable)
    return usable


def _check_rows(names: Sequence[str], usable: NDArray[np.intp]) -> None:
    if len(usable) < _MIN_ROWS:
        raise CannotTrain(
            f"At least {_MIN_ROWS} rows must have a value in {_names_text(names)}. "
            f"Received: {len(usable)}."
        )


def _check_varies(name: str, texts: Texts, usable: NDArray[np.intp]) -> None:
    if len({texts[row] for row in usable}) == 1:
        raise CannotTrain(f"{shown(name)} has the same value in every row.")


def _is_quantity(quantities: Quantities, usable: NDArray[np.intp]) -> bool:
    """Tell whether a column consists of numbers; a stray text is a mistake in the file."""
    is_known = ~np.isnan(quantities.values[usable])
    return (
        quantities.has_numbers
        and len(quantities.faults) <= _STRAY_SHARE * len(usable)
        and is_known.mean() >= _MIN_NUMBERS
    )


def _what_it_contains(quantities: Quantities, usable: NDArray[np.intp], dialect: Dialect) -> str:
    """Say what a column contains that is learned as class labels; "" for texts of any kind."""
    texts = quantities.texts
    if not quantities.faults and quantities.has_numbers:
        return _NUMBERS
    if find_date_formats(texts):
        return _DATES
    reason = why_no_numbers(texts, dialect) or why_no_dates(texts)
    is_known = ~np.isnan(quantities.values[usable])
    if reason or is_known.mean() < _MIN_NUMBERS or is_known.all():
        return reason
    stray = texts[usable[np.argmin(is_known)]]
    return f"text such as {shown(stray)} among numbers"


def _hint_at_numbers(name: str, contents: str, labels: Sequence[str]) -> str:
    """Say that what may be quantities is learned as class labels."""
    if contents == _NUMBERS:
        if set(labels) <= {"0", "1"}:
            return ""
        return (
            f"{shown(name)} has {len(labels)} different numbers, learned as class labels. "
            "Give --task regression if they are quantities."
        )
    if not contents or contents == _DATES:
        return ""
    return (
        f"{shown(name)} contains {contents}. Each different text is learned as a class label. "
        f"{_HOW_TO_WRITE_NUMBERS}"
    )


def _check_names(table: Table, names: Sequence[str]) -> None:
    check_columns(names, tuple(table.columns))
    for name in names:
        if names.count(name) > 1:
            raise CannotTrain(f"{shown(name)} is named twice as a target.")


def _names_text(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names)


def _read_values(name: str, quantities: Quantities, usable: NDArray[np.intp]) -> Targets:
    if quantities.faults:
        row = min(quantities.faults)
        raise CannotTrain(
            f"A regression needs a numeric target: {shown(name)} in data row {row + 1} "
            f"{quantities.faults[row]}. Received: {shown(quantities.texts[row])}."
        )
    values = quantities.values.astype(np.float64)
    usable = usable[~np.isnan(values[usable])]
    _check_rows([name], usable)
    distinct = np.unique(values[usable])
    if len(distinct) == 1:
        raise CannotTrain(f"{shown(name)} has the same value in every row.")
    hint = ""
    if len(distinct) <= _FEW_NUMBERS and (distinct == np.rint(distinct)).all():
        hint = (
            f"{shown(name)} has {len(distinct)} different whole numbers and is predicted as a "
            "quantity. Give --task multiclass if the numbers are codes of classes."
        )
    target = Target("regression", (name,), unit=quantities.unit)
    return Targets(target, values, usable, hint, tuple(quantities.notes(name)))


def _class_labels(texts: Texts, dialect: Dialect) -> list[str | None]:
    """Return the labels that the texts stand for; 1 and 1.0 are the same label."""
    known = {text: _class_label(text, dialect) for text in set(texts) if text is not None}
    booleans = same_booleans(known.values())
    labels = {text: booleans.get(label, label) for text, label in known.items()}
    return [None if text is None else labels[text] for text in texts]


def _class_label(text: str, dialect: Dialect) -> str:
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return str(int(text))  # codes may have more digits than a float32
    if not (text[0] in "+-.," or text[0].isdigit()) or text.endswith("-"):
        return text
    parsed = parse_numbers([text], dialect)
    return text if parsed.faults else np.format_float_positional(parsed.values[0], trim="-")


def _read_classes(
    name: str, texts: Texts, usable: NDArray[np.intp], task: Task, contents: str
) -> Targets:
    counts = Counter(texts[row] for row in usable)
    labels = tuple(sorted((text for text in counts if text is not None), key=_sort_key))
    if task == "binary" and len(labels) != 2:
        raise CannotTrain(
            f"--task binary needs two class labels in {shown(name)}. Received: {len(labels)}."
        )
    rarest = min(labels, key=lambda label: counts[label])
    if counts[rarest] < _MIN_OF_A_LABEL or len(labels) > _MAX_LABELS:
        raise CannotTrain(_why_no_labels(name, counts, rarest, contents))
    codes = {label: code for code, label in enumerate(labels)}
    y = np.array([codes.get(text or "", -1) for text in texts], dtype=np.int64)
    kind: Task = "binary" if len(labels) == 2 else "multiclass"
    target = Target(kind, (name,), labels, rarest=codes[rarest])
    return Targets(target, y, usable)


def _why_no_labels(name: str, counts: Counter[str | None], rarest: str, contents: str) -> str:
    """Say why texts cannot be learned as class labels, and what the column seems to be."""
    rule = f"Each class label of {shown(name)} must be in at least {_MIN_OF_A_LABEL} rows."
    received = f"Received: {counts[rarest]} of {shown(rarest)}."
    if counts[rarest] >= _MIN_OF_A_LABEL:
        rule = f"{shown(name)} may have at most {_MAX_LABELS} class labels."
        received = f"Received: {len(counts)}."
    if contents == _NUMBERS:
        return f"{rule} {received} Give --task regression to predict the numbers as a quantity."
    if contents == _DATES:
        return (
            f"{shown(name)} contains dates, which cannot be predicted. Predict a number instead, "
            "such as the days since a certain date."
        )
    if contents:
        return f"{shown(name)} contains {contents}. {_HOW_TO_WRITE_NUMBERS}"
    if len(counts) <= _MIN_TEXTS * counts.total():
        return f"{rule} {received}"
    return (
        f"{shown(name)} contains {len(counts)} different texts in {counts.total()} rows, which are "
        f"neither numbers nor class labels. {rule} {received}"
    )


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
