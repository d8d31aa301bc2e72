"""A network beside one constant answer: how much better, and whether by more than chance."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from training.evaluation.advantage import (
    Advantage,
    classes_advantage,
    labels_advantage,
    pictures_advantage,
    values_advantage,
)

LABELS = ("a", "b", "c")


def probabilities(codes: ArrayLike, classes: int = 3) -> NDArray[np.float32]:
    """Return probabilities of a network that is sure of these classes."""
    certain: NDArray[np.float32] = np.eye(classes, dtype=np.float32)[np.asarray(codes)]
    return certain


def test_error_of_the_accuracy_is_that_of_pairs() -> None:
    y = np.array([0, 0, 1, 2])

    found = classes_advantage(probabilities([0, 1, 1, 2]), y, labels=LABELS)

    gains = np.array([0, -1, 1, 1])
    assert (found.measure, found.constant, found.instances) == ("accuracy", "'a'", 4)
    assert (found.score, found.constant_score, found.gain) == (0.75, 0.5, 0.25)
    assert found.error == pytest.approx(gains.std() / 2)
    assert not found.is_clear


@pytest.mark.parametrize("answer", [0, 1, 2])
def test_network_that_always_gives_the_same_answer_is_never_better(answer: int) -> None:
    y = np.array([2, 0, 1, 1, 2, 2])

    found = classes_advantage(probabilities(np.full(6, answer)), y, labels=LABELS)

    assert (found.constant, found.constant_score) == ("'c'", 0.5)
    assert found.gain <= 0
    assert not found.is_clear


def test_balanced_classes_count_the_same() -> None:
    y = np.array([0] * 8 + [1] * 2)
    answers = [0] * 5 + [1] * 3 + [1, 1]

    plain, balanced = (
        classes_advantage(probabilities(answers, 2), y, labels=("no", "yes"), balanced=each)
        for each in (False, True)
    )

    assert (plain.measure, plain.score, plain.constant_score) == ("accuracy", 0.7, 0.8)
    assert not plain.is_clear
    assert balanced.measure == "balanced accuracy"
    assert balanced.score == pytest.approx((5 / 8 + 1) / 2)
    assert balanced.constant_score == pytest.approx(0.5)
    assert balanced.error == pytest.approx(np.sqrt(5 / 8 * 3 / 8 / 8) / 2)
    assert balanced.is_clear


def test_labels_are_compared_with_the_commoner_value_of_each() -> None:
    y = np.array([[1, 0], [1, 1], [0, 0], [1, 0]], np.float32)
    given = np.array([[0.9, 0.1], [0.9, 0.9], [0.1, 0.1], [0.1, 0.1]], np.float32)

    found = labels_advantage(given, y)

    gains = np.array([0, 0.5, 0.5, -0.5])
    assert (found.score, found.constant_score) == (7 / 8, 6 / 8)
    assert found.error == pytest.approx(gains.std() / 2)


def test_balanced_labels_count_as_much_where_they_are_as_where_they_are_not() -> None:
    y = np.array([[1], [0], [0], [0]], np.float32)
    given = np.array([[0.9], [0.9], [0.1], [0.1]], np.float32)

    found = labels_advantage(given, y, balanced=True)

    assert found.score == pytest.approx((1 + 2 / 3) / 2)
    assert found.constant_score == pytest.approx(0.5)


def test_values_are_compared_with_the_mean_of_the_training_part() -> None:
    y, values = np.array([1.0, 3.0, 8.0]), np.array([2, 3, 5], np.float32)

    found = values_advantage(values, y, mean=4)

    gains = np.array([9 - 1, 1 - 0, 16 - 9])
    rmse, constant = np.sqrt(10 / 3), np.sqrt(26 / 3)
    assert (found.measure, found.constant) == ("RMSE", "the mean")
    assert (found.score, found.constant_score) == pytest.approx((rmse, constant))
    assert found.gain == pytest.approx(constant - rmse)
    assert found.gain / found.error == pytest.approx(gains.mean() / (gains.std() / np.sqrt(3)))


def test_pictures_are_compared_by_their_errors() -> None:
    found = pictures_advantage(np.array([1, 3], np.float32), np.array([4, 2], np.float32))

    assert (found.score, found.constant_score, found.gain) == (2, 3, 1)
    assert found.error == pytest.approx(2 / np.sqrt(2))
    assert not found.is_clear


def without_mistakes(rows: int) -> dict[str, Advantage]:
    """Return the advantages of networks without a mistake, where the constant answer makes one."""
    rare = np.arange(rows) == 0
    codes, marks = rare.astype(np.int64), rare[:, np.newaxis].astype(np.float32)
    return {
        "classes": classes_advantage(probabilities(codes), codes, labels=LABELS),
        "labels": labels_advantage(marks, marks),
        "values": values_advantage(rare.astype(np.float32), rare.astype(np.float64), mean=0),
        "pictures": pictures_advantage(np.zeros(rows, np.float32), rare.astype(np.float32)),
    }


@pytest.mark.parametrize("rows", [2, 6, 500])
@pytest.mark.parametrize("kind", ["classes", "labels", "values", "pictures"])
def test_network_without_mistakes_is_clearly_better_on_any_number_of_rows(
    kind: str, rows: int
) -> None:
    assert without_mistakes(rows)[kind].is_clear


def test_one_row_shows_nothing() -> None:
    found = classes_advantage(probabilities([1]), np.array([1]), labels=LABELS)

    assert (found.gain, found.error) == (0, 0)
    assert not found.is_clear


def test_value_that_is_no_number_is_not_better() -> None:
    values = np.full(3, np.nan, np.float32)

    assert not values_advantage(values, np.arange(3.0), mean=1).is_clear
