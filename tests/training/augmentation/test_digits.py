"""Digits as other pens and cameras would have made them: still digits, and the same for a seed."""

import numpy as np

from tests.training.conftest import drawn_digits
from training.augmentation.digits import augment_digits


def test_augmented_digits_follow_the_generator() -> None:
    pictures, _ = drawn_digits(20, seed=0)

    first, again, other = (
        augment_digits(pictures, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_augmented_digits_leave_the_originals_alone() -> None:
    pictures, _ = drawn_digits(20, seed=0)
    kept = pictures.copy()

    augment_digits(pictures, np.random.default_rng(0))

    np.testing.assert_array_equal(pictures, kept)


def test_augmented_digits_keep_their_ink() -> None:
    pictures, _ = drawn_digits(200, seed=0)

    changed = augment_digits(pictures, np.random.default_rng(0))

    assert changed.dtype == np.uint8
    share = changed.mean(axis=(1, 2)) / pictures.mean(axis=(1, 2))
    assert 0.05 < share.min() < 0.8
    assert 1.2 < share.max() < 5
