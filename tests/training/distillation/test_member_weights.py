"""How much each member of the ensemble counts."""

import numpy as np
import pytest

from training.distillation.member_weights import class_weights, value_weights


def test_values_are_weighed_by_least_squares() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(5, 2, 500)
    members = np.stack([target + rng.normal(0, spread, 500) for spread in (0.1, 2, 20)], axis=1)

    weights = value_weights(members, target)

    assert weights.sum() == pytest.approx(1)
    assert weights[0] > 0.9
    assert (weights >= 0).all()


def test_members_that_know_nothing_count_alike() -> None:
    target = np.array([1.0, 2, 3])

    assert value_weights(np.full((3, 3), target.mean()), target).tolist() == [1 / 3] * 3


def test_classes_are_weighed_by_likelihood() -> None:
    of_truth = np.array([[0.9, 0.2, 0.5], [0.8, 0.1, 0.5], [0.95, 0.3, 0.5]])

    weights = class_weights(of_truth)

    assert weights.sum() == pytest.approx(1)
    assert weights.argmax() == 0


def test_mixture_is_likelier_than_its_members() -> None:
    of_truth = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])

    assert class_weights(of_truth) == pytest.approx([0.5, 0.5])


def test_member_that_was_certain_and_wrong_keeps_finite_weights() -> None:
    assert np.isfinite(class_weights(np.array([[0.0, 0.0], [1.0, 0.5]]))).all()
