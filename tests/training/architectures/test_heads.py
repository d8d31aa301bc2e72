"""The loss of class labels with equal weights."""

import numpy as np
import pytest

from training.architectures.heads import BinaryHead, ClassesHead, LabelsHead, balanced_loss

HEADS = {
    "two labels": (BinaryHead(), [[0.9], [0.2]], [[1.0], [0.0]]),
    "several labels": (LabelsHead(2), [[0.9, 0.3], [0.2, 0.6]], [[1.0, 0.0], [0.0, 1.0]]),
    "one of several": (
        ClassesHead(3),
        [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]],
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
    ),
}


@pytest.mark.parametrize(("head", "predicted", "truth"), HEADS.values(), ids=HEADS)
def test_balanced_loss_of_even_labels_is_cross_entropy(
    head: BinaryHead | LabelsHead | ClassesHead,
    predicted: list[list[float]],
    truth: list[list[float]],
) -> None:
    p, t = np.array(predicted, np.float32), np.array(truth, np.float32)
    width = p.shape[1]
    even = 1 / width if isinstance(head, ClassesHead) else 0.5

    losses = np.asarray(balanced_loss(head, np.full(width, even, np.float32))(t, p))

    per_label = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(axis=1)
    expected = -(t * np.log(p)).sum(axis=1) if isinstance(head, ClassesHead) else per_label
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_balanced_loss_weighs_a_rare_label_more() -> None:
    loss = balanced_loss(BinaryHead(), np.array([0.1], np.float32))
    missed = np.asarray(loss(np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]])))

    assert missed[0] == pytest.approx(9 * missed[1], rel=1e-5)
