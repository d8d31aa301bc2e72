"""Strokes that digits have in other countries."""

import numpy as np

from tests.training.conftest import drawn_digits
from training.augmentation.regional_digits import add_regional_strokes


def test_regional_strokes_follow_the_generator() -> None:
    pictures, labels = drawn_digits(20, seed=0)

    first, again, other = (
        add_regional_strokes(pictures, labels, np.random.default_rng(seed), share=1)
        for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_regional_strokes_leave_the_originals_alone() -> None:
    pictures, labels = drawn_digits(20, seed=0)
    kept = pictures.copy()

    add_regional_strokes(pictures, labels, np.random.default_rng(0), share=1)

    np.testing.assert_array_equal(pictures, kept)


def test_regional_strokes_touch_ones_and_sevens_alone() -> None:
    pictures, labels = drawn_digits(40, seed=0)

    changed = add_regional_strokes(pictures, labels, np.random.default_rng(0), share=1)

    is_touched = (changed != pictures).any(axis=(1, 2))
    np.testing.assert_array_equal(is_touched, np.isin(labels, [1, 7]))
