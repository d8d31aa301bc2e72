"""Scores of every task, worked out by hand."""

import numpy as np
import pytest

from training.datasets.targets import Task
from training.studies.metrics import METRICS, score


def test_class_scores() -> None:
    probabilities = np.array([[0.5, 0.5, 0], [0, 1, 0], [0, 0.75, 0.25]], dtype=np.float32)

    found = score("multiclass", probabilities, np.array([0, 1, 2]))

    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["log_loss"] == pytest.approx(-np.log([0.5, 1, 0.25]).mean())
    assert found["f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_label_scores_are_means_over_labels() -> None:
    probabilities = np.array([[0.75, 0.25], [0.5, 1]], dtype=np.float32)

    found = score("multilabel", probabilities, np.array([[1, 0], [0, 1]], dtype=np.float32))

    assert found["log_loss"] == pytest.approx(-np.log([0.75, 0.75, 0.5, 1]).mean())
    assert found["accuracy"] == 0.75


def test_value_scores() -> None:
    found = score("regression", np.array([1, 5], dtype=np.float32), np.array([1.0, 3.0]))

    assert found == {"rmse": pytest.approx(np.sqrt(2)), "mae": 1, "r2": -1}


@pytest.mark.parametrize("task", METRICS)
def test_first_measure_ranks(task: Task) -> None:
    larger = {"accuracy": 1, "log_loss": -1, "rmse": -1}

    first = METRICS[task][0]

    assert first.sign == larger[first.name]
