"""Strokes that digits have in other countries."""

import numpy as np
from numpy.typing import NDArray

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


def upright_stroke() -> NDArray[np.uint8]:
    """Draw a 1 without a flag.

    Shapes:
        (1, 28, 28).
    """
    picture = np.zeros((1, 28, 28), np.uint8)
    picture[0, 4:24, 13:15] = 255
    return picture


def test_flag_of_a_one_may_be_more_than_half_as_long_as_the_one() -> None:
    ones = np.repeat(upright_stroke(), 200, axis=0)

    changed = add_regional_strokes(ones, np.ones(200, int), np.random.default_rng(0), share=1)

    # How far down the ink reaches that lies left of the stroke, above any foot.
    left: NDArray[np.bool_] = np.max(changed[:, :20, :10] > 128, axis=2)
    reach = np.where(left.any(axis=1), 20 - left[:, ::-1].argmax(axis=1), 0)
    assert np.quantile(reach, 0.9) > 14


def test_bar_of_a_seven_reaches_out_on_both_sides() -> None:
    seven = upright_stroke()
    seven[0, 4:6, 7:15] = 255
    sevens = np.repeat(seven, 200, axis=0)

    changed = add_regional_strokes(sevens, np.full(200, 7), np.random.default_rng(0), share=1)

    right = (changed[:, 10:18, 18:] > 128).any(axis=(1, 2))
    left = (changed[:, 10:18, :10] > 128).any(axis=(1, 2))
    assert right.mean() > 0.3
    assert left.mean() > 0.3


def test_some_sevens_get_a_serif_at_the_left_end_of_the_roof() -> None:
    seven = upright_stroke()
    seven[0, 4:6, 7:15] = 255
    sevens = np.repeat(seven, 200, axis=0)

    changed = add_regional_strokes(sevens, np.full(200, 7), np.random.default_rng(0), share=1)

    # What was changed was centred anew: rows count from the first with ink.
    tops = (changed > 128).any(axis=2).argmax(axis=1)
    below_roof = [
        (each[top + 2 : top + 4, :11] > 128).any() for each, top in zip(changed, tops, strict=True)
    ]
    assert 0.2 < np.mean(below_roof) < 0.6


def test_some_sevens_are_replaced_by_others_whose_roof_sags() -> None:
    seven = upright_stroke()
    seven[0, 4:6, 7:15] = 255
    sevens = np.repeat(seven, 200, axis=0)

    changed = add_regional_strokes(sevens, np.full(200, 7), np.random.default_rng(0), share=1)

    # The 7 that was given has nothing to the right of its stem above the bar.
    has_roof_on_the_right = (changed[:, :9, 18:] > 128).any(axis=(1, 2))
    assert 0.1 < has_roof_on_the_right.mean() < 0.4
    assert (changed[:, [0, -1]] == 0).all()
