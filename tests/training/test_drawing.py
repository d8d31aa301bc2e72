"""Digits drawn by code, warped and written otherwise: still digits, and the same for a seed."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.conftest import drawn_digits
from training.augmentation import augment, erase, flip, shift
from training.experiments.motifs import MOTIFS, Motif
from training.penmanship import add_foreign_strokes
from training.silhouettes import ARTICLES, golden_articles, golden_scenes
from training.strokes import DIGITS, Pen, draw, golden_digits, on_paper
from vitrine.geometry import GEOMETRIES

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
        assert GEOMETRIES["mnist"].fit(picture, (28, 28, 1)).pixels.max() > 200


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


def colours(count: int = 200) -> Pictures:
    """Make pictures whose every pixel is different, (n, 8, 10, 3)."""
    ramp = np.arange(240, dtype=np.uint8).reshape(8, 10, 3)
    return np.repeat(ramp[np.newaxis], count, axis=0)


def test_flip_exchanges_left_and_right_of_half() -> None:
    pictures = colours()

    flipped = flip(pictures, np.random.default_rng(0))

    as_they_were = (flipped == pictures).all(axis=(1, 2, 3))
    mirrored = (flipped == pictures[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (as_they_were ^ mirrored).all()
    assert 70 < mirrored.sum() < 130


@pytest.mark.parametrize("beyond", ["constant", "reflect"])
def test_shift_moves_by_up_to_so_many_pixels(beyond: Literal["constant", "reflect"]) -> None:
    pictures = colours()

    moved = shift(pictures, np.random.default_rng(0), pixels=2, beyond=beyond)

    # The pixel in the middle tells from where it came: rows are 30 apart, columns 3.
    down, across = np.divmod(moved[:, 4, 5, 0].astype(int), 30)
    assert set(down - 4) == {-2, -1, 0, 1, 2}
    assert set(across // 3 - 5) == {-2, -1, 0, 1, 2}
    first = moved[(down == 2) & (across == 9)][0]  # down by two, to the right by two
    np.testing.assert_array_equal(first[2:, 2:], pictures[0, :-2, :-2])
    black = (first[:2] == 0).all()
    assert black == (beyond == "constant")


def test_erase_hides_a_rectangle_of_half_of_them() -> None:
    pictures = np.full((400, 32, 32, 3), 7, np.uint8)

    hidden = (erase(pictures, np.random.default_rng(0)) != pictures).any(axis=3)

    touched = hidden.any(axis=(1, 2))
    assert 160 < touched.sum() < 240
    shares = hidden[touched].mean(axis=(1, 2))
    assert shares.min() > 0.005
    assert 0.3 < shares.max() <= 0.45
    for mask in hidden[touched]:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        inside = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert inside.mean() > 0.95  # noise is as bright as the picture now and then


@pytest.mark.parametrize("motif", MOTIFS.values(), ids=MOTIFS)
def test_pictures_drawn_anew_keep_their_shape_and_follow_the_generator(motif: Motif) -> None:
    side, channels = (28, 1) if motif is MOTIFS["digit"] else (32, 3)
    pictures = np.random.default_rng(0).integers(0, 256, (6, side, side, channels)).astype(np.uint8)
    kept, codes = pictures.copy(), np.arange(6)

    first, again = (motif.draw_anew(pictures, codes, np.random.default_rng(1)) for _ in range(2))

    assert first.shape == pictures.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(pictures, kept)
    assert not np.array_equal(first, pictures)


def test_golden_articles_are_found_before_every_ground() -> None:
    pictures, meant = golden_articles()

    assert set(meant) <= set(ARTICLES)
    for picture in pictures:
        fitted = GEOMETRIES["fashion"].fit(picture, (28, 28, 1))
        assert "cropped" in fitted.steps
        assert 0.1 < (fitted.pixels > 100).mean() < 0.9


def test_golden_scenes_are_all_different() -> None:
    scenes = golden_scenes()

    assert len(np.unique(scenes.reshape(len(scenes), -1), axis=0)) == len(scenes)
