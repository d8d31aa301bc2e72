"""Scores, on predictions small enough to work out by hand."""

import numpy as np
import pytest

from training.evaluation.scores import (
    classification_scores,
    confusion_matrix,
    ranking_scores,
    regression_scores,
)


def test_classification_scores() -> None:
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75], [1, 0], [0, 1]], dtype=np.float32)

    scores = classification_scores(probabilities, np.array([0, 1, 0, 0]))

    assert scores["accuracy"] == 0.75
    assert scores["accuracy_standard_error"] == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert scores["log_loss"] == pytest.approx(-np.log([0.5, 0.75, 1, 1e-12]).mean())


def test_regression_scores() -> None:
    scores = regression_scores(np.array([1, 2, 6], dtype=np.float32), np.array([1.0, 2.0, 3.0]))

    assert scores["rmse"] == pytest.approx(np.sqrt(3))
    assert scores["mae"] == 1
    assert scores["r2"] == pytest.approx(1 - 9 / 2)
    assert scores["rmse_standard_error"] == pytest.approx(
        np.std([0, 0, 9]) / np.sqrt(3) / (2 * np.sqrt(3))
    )


@pytest.mark.parametrize("values", [[2.0, 2.0], [1.0, 3.0]], ids=["right", "wrong"])
def test_regression_scores_of_a_constant_target_are_finite(values: list[float]) -> None:
    scores = regression_scores(np.array(values, dtype=np.float32), np.full(2, 2.0))

    assert np.isfinite(list(scores.values())).all()


def test_confusion_counts_true_classes_by_row() -> None:
    counts = confusion_matrix(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 2]), 3)

    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_ranking_scores_of_two_labels_are_those_of_one() -> None:
    y = np.array([0, 0, 0, 0, 1, 1])
    probabilities = np.array([0.1, 0.2, 0.3, 0.6, 0.4, 0.9], np.float32)

    scores = ranking_scores(np.stack([1 - probabilities, probabilities], axis=1), y, of=1)

    assert scores["roc_auc"] == pytest.approx(7 / 8)
    assert scores["f1"] == pytest.approx(0.5)


def test_ranking_scores_leave_out_labels_that_nobody_has() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]], np.float32)

    scores = ranking_scores(probabilities, np.array([0, 1]), of=None)

    assert (scores["roc_auc"], scores["macro_f1"]) == (1, 1)
