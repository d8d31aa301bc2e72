"""A digit on any paper is brought to MNIST's geometry."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pictures import (
    DIGITS,
    coverage,
    mnist_like,
    noisy,
    on_table,
    painted,
    ruled,
    shaded,
)
from tests.vitrine.geometry.likeness import ink_box, likeness
from vitrine.errors import BlankPicture
from vitrine.geometry.fitted import Fitted
from vitrine.geometry.mnist import fit_mnist

Pixels = NDArray[np.uint8]


def fitted(pixels: NDArray[np.generic]) -> Fitted:
    return fit_mnist(pixels if pixels.ndim == 3 else pixels[..., np.newaxis], (28, 28, 1))


def framed(share: NDArray[np.float64], *, margin: int) -> NDArray[np.float64]:
    return np.pad(share, margin)


def test_picture_with_the_geometry_passes_bit_for_bit() -> None:
    result = fitted(mnist_like())

    assert np.array_equal(result.pixels[..., 0], mnist_like())
    assert result.pixels.dtype == np.float32
    assert result.steps == ()


def test_grey_picture_saved_in_colour_passes_bit_for_bit() -> None:
    result = fitted(np.repeat(mnist_like()[..., np.newaxis], 3, axis=2))

    assert np.array_equal(result.pixels[..., 0], mnist_like())


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: 255 - picture,
        lambda picture: np.roll(picture, 2, axis=0),
        lambda picture: picture[2:26, 2:26],
        lambda picture: np.where(picture > 0, 200, 0),
        lambda picture: np.where(picture > 0, picture, 3),
    ],
    ids=["inverted", "off-centre", "smaller", "pale", "grey-ground"],
)
def test_picture_without_the_geometry_is_brought_to_it(change: Callable[[Pixels], Pixels]) -> None:
    assert likeness(fitted(change(mnist_like())), fitted(mnist_like())) > 0.9


@pytest.mark.parametrize("digit", list(DIGITS))
@pytest.mark.parametrize("side", [24, 60, 200, 700])
def test_digit_of_any_size_fills_the_box_and_is_centred_by_mass(digit: str, side: int) -> None:
    pixels = fitted(painted(coverage(digit, side=side))).pixels[..., 0]

    rows, columns = np.indices(pixels.shape)
    assert max(ink_box(fitted(painted(coverage(digit, side=side))))) == 20
    assert pixels.max() == 255
    assert np.array_equal(pixels, np.rint(pixels))
    assert 13.4 <= (rows * pixels).sum() / pixels.sum() <= 14.6
    assert 13.4 <= (columns * pixels).sum() / pixels.sum() <= 14.6


def test_aspect_is_kept() -> None:
    tall = np.full((200, 200), 250, np.uint8)
    tall[50:150, 70:120] = 20
    tall[60:140, 80:110] = 250

    height, width = ink_box(fitted(tall))

    assert height == 20
    assert width == 10


LIGHT = (230, 225, 215)


@pytest.mark.parametrize("digit", list(DIGITS))
@pytest.mark.parametrize(
    "awkward",
    [
        lambda share: painted(share, ink=(240, 240, 240), paper=(20, 30, 25)),
        lambda share: painted(share, ink=(40, 60, 160)),
        lambda share: painted(share, ink=(200, 90, 60), paper=(60, 149, 163)),
        lambda share: painted(share, ink=(215, 210, 200), paper=LIGHT),
        lambda share: noisy(painted(share)),
        lambda share: shaded(painted(share)),
        lambda share: noisy(shaded(painted(share))),
        lambda share: ruled(painted(share)),
        lambda share: ruled(painted(share), squared=True),
        lambda share: noisy(on_table(painted(share), turned_degrees=2)),
        lambda share: painted(framed(share, margin=700)),
        lambda share: painted(np.pad(share, ((0, 260), (340, 0)))),
        lambda share: painted(share[10:-10, 10:-10]),
        lambda share: painted(share).mean(axis=2, keepdims=True),
    ],
    ids=[
        "white-on-black",
        "blue-pen",
        "equal-luminance",
        "faint",
        "grain",
        "shadow",
        "shadow-and-grain",
        "ruled",
        "squared",
        "table",
        "small-in-a-large-frame",
        "in-a-corner",
        "little-margin",
        "float-levels",
    ],
)
def test_digit_is_found_on_any_paper(
    digit: str, awkward: Callable[[NDArray[np.float64]], Pixels]
) -> None:
    share = coverage(digit)

    assert likeness(fitted(awkward(share)), fitted(painted(share))) > 0.75


@pytest.mark.parametrize("width", [0.015, 0.03, 0.15])
def test_stroke_of_any_width_becomes_a_usual_one(width: float) -> None:
    usual = fitted(painted(coverage("7")))

    assert likeness(fitted(painted(coverage("7", width=width))), usual) > 0.75


def test_specks_are_not_ink() -> None:
    clean = painted(coverage())
    dirty = clean.copy()
    for row, column in [(12, 20), (180, 15), (30, 180), (170, 170)]:
        dirty[row : row + 3, column : column + 3] = 10

    assert np.array_equal(fitted(dirty).pixels, fitted(clean).pixels)
    assert "specks removed" in fitted(dirty).steps


def test_stroke_apart_from_the_rest_is_kept() -> None:
    share = np.zeros((200, 200))
    share[60:160, 90:102] = 1
    share[30:44, 60:130] = 1

    height, width = ink_box(fitted(painted(share)))

    assert (height, width) == (20, 11)


def test_what_reaches_in_from_outside_is_not_ink() -> None:
    clean = painted(coverage())
    corner = clean.copy()
    corner[:25, :40] = 20

    assert likeness(fitted(corner), fitted(clean)) > 0.95


def test_digit_cut_to_its_edges_is_kept() -> None:
    pixels = painted(coverage(width=0.2))
    ink = pixels[..., 0] < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))

    cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

    assert likeness(fitted(cut), fitted(pixels)) > 0.85


@pytest.mark.parametrize(
    ("pixels", "step"),
    [
        (painted(coverage()), "inverted"),
        (painted(framed(coverage(), margin=50)), "cropped"),
        (ruled(painted(coverage())), "ruled lines removed"),
        (shaded(painted(coverage())), "background removed"),
        (painted(coverage(width=0.01)), "strokes thickened"),
        (painted(coverage(width=0.25)), "strokes thinned"),
    ],
    ids=["inverted", "cropped", "lines", "shade", "thickened", "thinned"],
)
def test_steps_say_what_was_done(pixels: Pixels, step: str) -> None:
    assert step in fitted(pixels).steps


def test_even_paper_has_no_background_to_remove() -> None:
    assert "background removed" not in fitted(noisy(painted(coverage()))).steps


@pytest.mark.parametrize(
    "blank",
    [
        np.zeros((28, 28), np.uint8),
        np.full((300, 200), 255, np.uint8),
        np.full((1, 1), 7, np.uint8),
        noisy(np.full((200, 200), 200, np.uint8)),
        noisy(np.full((28, 28), 128, np.uint8)),
        np.add.outer(np.arange(100), np.arange(100)).astype(np.uint8),
        noisy(painted(np.zeros((300, 400))), sigma=8),
        noisy(painted(np.zeros((96, 96))), sigma=15),
        noisy(np.full((28, 28), 128, np.uint8), sigma=10),
    ],
    ids=[
        "black",
        "white",
        "one-pixel",
        "noise",
        "small-noise",
        "slope",
        "coloured-noise",
        "coarse-grain",
        "small-coarse-grain",
    ],
)
def test_picture_without_ink_is_blank(blank: Pixels) -> None:
    with pytest.raises(BlankPicture):
        fitted(blank)


@pytest.mark.parametrize(
    "shape", [(28, 28), (96, 96), (96, 96, 3)], ids=["small", "large", "colour"]
)
@pytest.mark.parametrize("seed", range(3))
def test_noise_of_high_contrast_is_taken_whole(shape: tuple[int, ...], seed: int) -> None:
    levels = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)

    result = fitted(levels)

    assert result.steps == ("no ink found: taken whole",)
    assert result.pixels.shape == (28, 28, 1)
    assert result.pixels.dtype == np.float32


def test_small_noise_taken_whole_keeps_its_levels() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)

    assert np.array_equal(fitted(levels).pixels[..., 0], levels)


def test_noise_taken_whole_is_averaged_over_its_channels() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (28, 28, 3)).astype(np.uint8)

    expected = np.rint(levels.mean(axis=2))

    np.testing.assert_allclose(fitted(levels).pixels[..., 0], expected, atol=1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3000), (3000, 2), (5, 7)])
def test_any_shape_is_fitted_or_blank(shape: tuple[int, int]) -> None:
    levels = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)

    try:
        result = fitted(levels)
    except BlankPicture:
        return

    assert result.pixels.shape == (28, 28, 1)


def test_same_picture_gives_the_same_pixels_whatever_its_type() -> None:
    pixels = painted(coverage(side=90))

    assert np.array_equal(fitted(pixels).pixels, fitted(pixels.astype(np.float64)).pixels)
