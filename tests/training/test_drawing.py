"""Digits drawn by code, warped and written otherwise: still digits, and the same for a seed."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from service import geometry
from tests.training.conftest import drawn_digits
from training.augmentation import augment
from training.penmanship import add_foreign_strokes
from training.strokes import DIGITS, Pen, draw, golden_digits, on_paper

Pictures = NDArray[np.uint8]
Change = Callable[[Pictures, NDArray[np.uint8], np.random.Generator], Pictures]


def warped(pictures: Pictures, _labels: NDArray[np.uint8], rng: np.random.Generator) -> Pictures:
    """Augment pictures."""
    return augment(pictures, rng)


def foreign(pictures: Pictures, labels: NDArray[np.uint8], rng: np.random.Generator) -> Pictures:
    """Give every 1 and 7 foreign strokes."""
    return add_foreign_strokes(pictures, labels, rng, share=1)


CHANGES = pytest.mark.parametrize("change", [warped, foreign])


@pytest.mark.parametrize("digit", DIGITS)
def test_drawn_digit_leaves_most_of_the_sheet_bare(digit: str) -> None:
    ink = draw(digit, Pen(), np.random.default_rng(0))

    assert ink.shape == (96, 96)
    assert 0.02 < ink.mean() < 0.2
    assert (ink.min(), ink.max()) == (0, 1)


def test_paper_is_light_and_ink_dark() -> None:
    rng = np.random.default_rng(0)
    ink = draw("7", Pen(side=280), rng)

    picture = on_paper(ink, rng)

    assert picture.shape == (280, 280, 3)
    assert picture[ink == 0].mean() > 220
    assert picture[ink == 1].mean() < 80


def test_golden_digits_are_every_digit_on_light_and_dark() -> None:
    pictures, meant = golden_digits()

    assert meant == DIGITS * 2
    corners = pictures[:, 0, 0, 0].astype(int)
    assert sorted(corners[:10] + corners[10:]) == [245] * 10


def test_golden_digits_have_ink_for_the_geometry() -> None:
    for picture in golden_digits()[0]:
        assert geometry.fit("mnist", picture, (28, 28, 1)).pixels.max() > 200


@CHANGES
def test_changed_pictures_follow_the_generator(change: Change) -> None:
    pictures, labels = drawn_digits(20, seed=0)

    first, again, other = (
        change(pictures, labels, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@CHANGES
def test_changed_pictures_leave_the_originals_alone(change: Change) -> None:
    pictures, labels = drawn_digits(20, seed=0)
    kept = pictures.copy()

    change(pictures, labels, np.random.default_rng(0))

    np.testing.assert_array_equal(pictures, kept)


def test_augmented_pictures_keep_their_ink() -> None:
    pictures, _ = drawn_digits(200, seed=0)

    changed = augment(pictures, np.random.default_rng(0))

    assert changed.dtype == np.uint8
    share = changed.mean(axis=(1, 2)) / pictures.mean(axis=(1, 2))
    assert 0.05 < share.min() < 0.8
    assert 1.2 < share.max() < 5


def test_foreign_strokes_touch_ones_and_sevens_alone() -> None:
    pictures, labels = drawn_digits(40, seed=0)

    changed = add_foreign_strokes(pictures, labels, np.random.default_rng(0), share=1)

    touched = (changed != pictures).any(axis=(1, 2))
    np.testing.assert_array_equal(touched, np.isin(labels, [1, 7]))
