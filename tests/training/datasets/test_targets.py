"""What a table predicts is recognized from the texts of its target columns."""

from collections.abc import Sequence

import numpy as np
import pytest

from training.datasets.targets import Target, Targets, Task, read_targets
from training.errors import CannotTrain
from vitrine.signature import Dialect
from vitrine.tables.files import Table

Columns = dict[str, list[str | None]]


def read(columns: Columns, *, task: Task | None = None) -> Targets:
    """Read every column as a target."""
    return read_targets(Table(Dialect(), columns), list(columns), task)


LONG = ("20240101", "20240102")
RECOGNIZED: dict[str, tuple[Sequence[str], Task, tuple[str, ...]]] = {
    "numbers": ([f"{value}.5" for value in range(30)], "regression", ()),
    "few whole numbers": (["1", "2", "3"] * 10, "regression", ()),
    "codes longer than a float32": (["20240101", "20240102"] * 10, "binary", LONG),
    "fractions": (["0.1", "0.25"] * 10, "binary", ("0.1", "0.25")),
    "zero and one": (["0", "1"] * 10, "binary", ("0", "1")),
    "the same number written twice": (["0", "1", "1.0"] * 10, "binary", ("0", "1")),
    "two texts": (["yes", "no"] * 10, "binary", ("no", "yes")),
    "several texts": (["b", "a", "c"] * 10, "multiclass", ("a", "b", "c")),
    "one word in several cases": (
        ["TRUE", "True", "true", "FALSE", "False", "false"] * 5,
        "binary",
        ("false", "true"),
    ),
    "yes and no": (["Yes", "YES", "yes", "No"] * 10, "binary", ("no", "yes")),
    "spreadsheet": (["TRUE", "FALSE"] * 10, "binary", ("FALSE", "TRUE")),
}


@pytest.mark.parametrize(("texts", "task", "labels"), RECOGNIZED.values(), ids=RECOGNIZED)
def test_task_is_recognized_from_the_texts(
    texts: Sequence[str], task: Task, labels: tuple[str, ...]
) -> None:
    target = read({"y": list(texts)}).target

    assert (target.task, target.labels) == (task, labels)


def test_rarest_label_is_that_of_fewest_rows() -> None:
    target = read({"y": [*(["a", "b", "c", "c"] * 8), "a"]}).target

    assert target.rarest == target.labels.index("b")


def test_whole_numbers_can_be_class_labels_in_their_order() -> None:
    found = read({"y": ["10", "9", "2"] * 10}, task="multiclass")

    assert found.target.labels == ("2", "9", "10")
    np.testing.assert_array_equal(found.y[:3], [2, 1, 0])


def test_few_whole_numbers_are_hinted_to_be_codes() -> None:
    assert "Give --task multiclass" in read({"y": ["1", "2", "3"] * 10}).hint
    assert not read({"y": [f"{value}.5" for value in range(30)]}).hint


ROUNDED = [f"${value},000" for value in (20, 30, 40)] * 10
THOUSANDS = Dialect(thousands=",")


def test_amounts_are_quantities_with_a_unit() -> None:
    found = read_targets(Table(THOUSANDS, {"pay": [*ROUNDED]}), ["pay"], None)

    assert (found.target.task, found.target.unit) == ("regression", "$")
    np.testing.assert_array_equal(found.y[:3], [20000, 30000, 40000])
    assert found.notes == ("'pay' is read as numbers with the unit '$': '$20,000' is 20000.",)


def test_dashes_are_rows_without_a_target() -> None:
    found = read({"y": [*map(str, range(25)), *["-"] * 5]})

    assert found.target.task == "regression"
    assert found.usable.tolist() == list(range(25))


HINTS: dict[str, tuple[list[str], str]] = {
    "two numbers": (["10", "20"] * 10, "2 different numbers, learned as class labels. Give --task"),
    "zero and one": (["0", "1"] * 10, ""),
    "texts": (["yes", "no"] * 10, ""),
    "numbers and a text": (
        [*(["20", "30", "40"] * 10), *["tbd"] * 10],
        "contains text such as 'tbd' among numbers. Each different text is learned as a class",
    ),
    "numbers and a word for none": (
        [*(["20", "30", "40"] * 10), *["none"] * 10],
        "contains text such as 'none' among numbers",
    ),
    "two units": (
        ["$5", "$7", "\xa35"] * 10,
        "contains numbers with different units, such as '$5'",
    ),
}


@pytest.mark.parametrize(("texts", "hint"), HINTS.values(), ids=HINTS)
def test_numbers_never_become_class_labels_in_silence(texts: list[str], hint: str) -> None:
    found = read({"y": [*texts]})

    assert found.target.labels
    assert hint in found.hint
    assert bool(hint) == bool(found.hint)


def test_chosen_task_needs_no_hint() -> None:
    assert read({"y": ["10", "20"] * 10}, task="binary").hint == ""


def test_several_columns_are_labels_that_a_row_may_have_any_of() -> None:
    found = read(
        {
            "rain": ["yes", "no"] * 10,
            "wind": ["0", "1"] * 10,
            "sun": ["TRUE", "false"] * 10,
            "fog": ["0.0", "1.0"] * 10,
        }
    )

    names = ("rain", "wind", "sun", "fog")
    assert found.target == Target("multilabel", names, names)
    np.testing.assert_array_equal(found.y[:2], [[1, 0, 1, 0], [0, 1, 0, 1]])


def test_rows_with_a_blank_target_are_not_usable() -> None:
    found = read({"a": ["yes", "no", None] * 10, "b": ["0", "1", "1"] * 10})

    assert len(found.usable) == 20
    assert 2 not in found.usable


FAULTS: dict[str, tuple[Columns, Task | None, str]] = {
    "rare label": (
        {"y": [*(["a", "b"] * 15), "c"]},
        None,
        "must be in at least 4 rows. Received: 1 of 'c'",
    ),
    "text among many numbers": (
        {"y": [*(str(value) for value in range(30)), *["tbd"] * 10]},
        None,
        "'y' contains text such as 'tbd' among numbers. To predict a quantity, write",
    ),
    "amounts in two currencies": (
        {"y": [f"{sign}{value}" for value in range(30) for sign in ("$", "\xa3")]},
        None,
        r"'y' contains numbers with different units, such as '\$0' and '\xa30'",
    ),
    "dates": (
        {"y": [f"2024-01-{day:02d}" for day in range(1, 31)]},
        None,
        "'y' contains dates, which cannot be predicted",
    ),
    "names": (
        {"y": [f"name {row}" for row in range(30)]},
        None,
        "'y' contains 30 different texts in 30 rows, which are neither numbers nor class labels",
    ),
    "many numbers as labels": (
        {"y": [f"{value}.5" for value in range(30)]},
        "multiclass",
        "Received: 1 of '0.5'. Give --task regression to predict the numbers as a quantity",
    ),
    "amount in another currency": (
        {"y": [*(f"${value}" for value in range(30)), "\xa35"]},
        None,
        r"'y' in data row 31 must be a number with decimal '\.', alone or with '\$'",
    ),
    "label that hardly anyone has": (
        {"a": ["0", "1"] * 15, "b": [*(["no"] * 29), "yes"]},
        None,
        "4 rows must have the label 'b', and at least as many must not have it. Received: 1 of 30",
    ),
    "one number written in two ways": (
        {"y": ["1", "1.0"] * 15},
        None,
        "'y' has the same value in every row",
    ),
    "three labels for two": (
        {"y": ["a", "b", "c"] * 10},
        "binary",
        "needs two class labels in 'y'",
    ),
    "text for a number": (
        {"y": ["a", "b"] * 15},
        "regression",
        "A regression needs a numeric target",
    ),
    "labels that are no flags": (
        {"a": ["0", "1"] * 15, "b": ["red", "blue"] * 15},
        None,
        "Received in 'b': 'blue', 'red'",
    ),
    "two columns for one label": (
        {"a": ["0", "1"] * 15, "b": ["0", "1"] * 15},
        "multiclass",
        "--task multiclass needs one target column. Received: 2",
    ),
}


@pytest.mark.parametrize(("columns", "task", "message"), FAULTS.values(), ids=FAULTS)
def test_target_that_does_not_fit_its_task_is_refused(
    columns: Columns, task: Task | None, message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        read(columns, task=task)


def test_target_named_twice_is_refused() -> None:
    table = Table(Dialect(), {"a": ["0", "1"] * 15, "b": ["0", "1"] * 15})

    with pytest.raises(CannotTrain, match="'b' is named twice"):
        read_targets(table, ("b", "a", "b"), None)
