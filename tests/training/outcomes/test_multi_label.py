"""Scores of several labels."""

import numpy as np
import pytest

from training.datasets.targets import Target
from training.outcomes.multi_label import MultiLabel


def test_label_is_scored_as_had_however_common_it_is() -> None:
    found = np.array([[0.9], [0.8], [0.7], [0.6]], np.float32)
    truth = np.array([[1], [1], [1], [0]], np.float32)

    scores = MultiLabel(Target("multilabel", ("a",), ("a",))).scores(
        {"probabilities": found}, truth
    )

    assert scores["f1 of a"] == pytest.approx(6 / 7)


def test_error_of_the_accuracy_is_that_over_rows() -> None:
    found = np.array([[0.9, 0.9], [0.1, 0.1], [0.9, 0.1], [0.1, 0.9]], np.float32)
    truth = np.array([[1, 1], [1, 1], [1, 1], [1, 0]], np.float32)
    names = ("a", "b")

    scores = MultiLabel(Target("multilabel", names, names)).scores({"probabilities": found}, truth)

    shares = np.array([1, 0, 0.5, 0])
    assert scores["accuracy"] == shares.mean()
    assert scores["accuracy_standard_error"] == pytest.approx(shares.std() / 2)


@pytest.mark.parametrize("nobodys", [0, 1])
def test_mean_over_labels_leaves_out_one_that_nobody_has(nobodys: int) -> None:
    truth = np.array([[1, 1], [0, 0], [1, 1]], np.float32)
    truth[:, nobodys] = 0
    found = np.array([[0.9, 0.8], [0.2, 0.3], [0.1, 0.1]], np.float32)
    names = ("a", "b")

    scores = MultiLabel(Target("multilabel", names, names)).scores({"probabilities": found}, truth)

    assert f"roc_auc of {names[nobodys]}" not in scores
    assert scores["roc_auc"] == scores[f"roc_auc of {names[1 - nobodys]}"] == 0.5
