"""Any picture is brought to the geometry that a network was trained with."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

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
from vitrine.errors import BlankPicture
from vitrine.geometry import GEOMETRY_VERSIONS, Fitted, fit

Pixels = NDArray[np.uint8]


def fitted(pixels: NDArray[np.generic]) -> Fitted:
    return fit("mnist", pixels if pixels.ndim == 3 else pixels[..., np.newaxis], (28, 28, 1))


def likeness(one: Fitted, other: Fitted) -> float:
    """Return the correlation of two fitted pictures, with a pixel's freedom to lie elsewhere."""
    places = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    moved = [np.roll(one.pixels, place, axis=(0, 1)).ravel() for place in places]
    return max(float(np.corrcoef(pixels, other.pixels.ravel())[0, 1]) for pixels in moved)


def ink_box(fit_: Fitted) -> tuple[int, int]:
    rows, columns = np.nonzero(fit_.pixels[..., 0])
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def framed(share: NDArray[np.float64], *, margin: int) -> NDArray[np.float64]:
    return np.pad(share, margin)


@pytest.mark.parametrize("name", ["mnist", "fashion", "fit"])
def test_geometry_has_a_version(name: str) -> None:
    assert GEOMETRY_VERSIONS[name] >= 1


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


@pytest.mark.skipif("VITRINE_DATA" not in os.environ, reason="VITRINE_DATA names no folder")
@pytest.mark.parametrize(("name", "data"), [("mnist", "mnist"), ("fashion", "fashion_mnist")])
def test_every_picture_of_the_data_set_passes_bit_for_bit(name: str, data: str) -> None:
    folder = Path(os.environ["VITRINE_DATA"]) / data
    files = sorted(folder.glob("*images*.gz"))
    assert len(files) == 2
    for file in files:
        pictures = np.frombuffer(gzip.decompress(file.read_bytes())[16:], np.uint8)
        for picture in pictures.reshape(-1, 28, 28, 1):
            assert np.array_equal(fit(name, picture, (28, 28, 1)).pixels, picture)


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


WHITE, LIGHT_GREY, BLACK = (255, 255, 255), (205, 208, 210), (10, 10, 10)
GREEN = (60, 149, 60)


def fashioned(pixels: NDArray[np.generic]) -> Fitted:
    return fit("fashion", pixels if pixels.ndim == 3 else pixels[..., np.newaxis], (28, 28, 1))


def shirt(side: int = 300, *, tall: float = 1.0) -> NDArray[np.float64]:
    """Draw a shirt with a seam, wider than high unless it is tall: how dark it is, 0 to 1."""
    share = np.zeros((side, side))
    height, width = (round(0.6 * side * part) for part in (min(1, tall), min(1, 1 / tall)))
    top, left = (side - height) // 2 + side // 20, (side - width) // 2 - side // 20
    share[top : top + height, left + width // 4 : left + width - width // 4] = 0.8
    share[top : top + height // 3, left : left + width] = 1
    share[top : top + height, side // 2 - side // 20] = 0.5
    return share


def fashion_like() -> Pixels:
    """Draw a shirt that already has Fashion-MNIST's geometry, (28, 28)."""
    picture = np.zeros((28, 28), np.uint8)
    picture[:, 8:20] = 200
    picture[:9, 2:26] = 255
    return picture


def test_picture_with_the_geometry_of_fashion_passes_bit_for_bit() -> None:
    result = fashioned(fashion_like())

    assert np.array_equal(result.pixels[..., 0], fashion_like())
    assert result.steps == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: 255 - picture,
        lambda picture: np.pad(picture, 3),
        lambda picture: np.roll(picture, 2, axis=1),
        lambda picture: np.where(picture > 0, 0.8 * picture, 0),
        lambda picture: np.kron(255 - picture, np.ones((10, 10), np.uint8)),
        lambda picture: np.repeat(255 - picture[..., np.newaxis], 3, axis=2),
    ],
    ids=["inverted", "margin", "off-centre", "pale", "large", "in-colour"],
)
def test_picture_without_the_geometry_of_fashion_is_brought_to_it(
    change: Callable[[Pixels], Pixels],
) -> None:
    result = fashioned(change(fashion_like()))

    assert likeness(result, fashioned(fashion_like())) > 0.99


@pytest.mark.parametrize(
    ("paper", "ink"),
    [
        (WHITE, (30, 40, 90)),
        (LIGHT_GREY, (30, 40, 90)),
        (BLACK, (240, 220, 200)),
        (GREEN, (160, 90, 60)),
        ((120, 120, 120), (250, 250, 250)),
    ],
    ids=["white", "light-grey", "black", "coloured", "middle-grey"],
)
@pytest.mark.parametrize("light", [lambda pixels: pixels, noisy], ids=["clean", "grain"])
def test_thing_before_any_plain_ground_is_bright_on_black(
    paper: tuple[int, int, int], ink: tuple[int, int, int], light: Callable[[Pixels], Pixels]
) -> None:
    expected = fashioned(painted(shirt(), paper=WHITE, ink=(0, 0, 0)))

    result = fashioned(light(painted(shirt(), paper=paper, ink=ink)))

    assert likeness(result, expected) > 0.97
    assert np.median(result.pixels[14:, :4]) == 0
    assert result.pixels.max() == 255


@pytest.mark.parametrize(("tall", "longest"), [(2.5, 0), (0.4, 1)], ids=["portrait", "landscape"])
def test_longest_edge_fills_the_picture_and_the_other_is_centred(tall: float, longest: int) -> None:
    box = ink_box(fashioned(painted(shirt(tall=tall))))
    rows, columns = np.nonzero(fashioned(painted(shirt(tall=tall))).pixels[..., 0])

    assert box[longest] == 28
    assert box[1 - longest] == pytest.approx(28 / 2.5, abs=1)
    for places in (rows, columns):
        assert -1 <= int(places.min()) - (27 - int(places.max())) <= 1


@pytest.mark.parametrize(
    ("pixels", "steps"),
    [
        (
            painted(shirt(), paper=WHITE),
            ("cropped", "inverted", "made grey", "sharpened"),
        ),
        (painted(shirt(), paper=BLACK, ink=WHITE)[..., :1], ("cropped", "sharpened")),
        (painted(shirt(48), paper=BLACK, ink=WHITE)[..., :1], ("cropped",)),
    ],
    ids=["on-white", "grey-on-black", "small"],
)
def test_steps_of_fashion_say_what_was_done(pixels: Pixels, steps: tuple[str, ...]) -> None:
    assert fashioned(pixels).steps == steps


def test_ground_in_uneven_light_is_evened() -> None:
    plain = painted(shirt(), paper=WHITE)
    light = np.linspace(1, 0.85, plain.shape[1])[:, np.newaxis]

    result = fashioned(np.rint(plain * light).astype(np.uint8))

    assert "background evened" in result.steps
    assert likeness(result, fashioned(plain)) > 0.95


def test_thing_that_covers_a_corner_is_not_the_ground() -> None:
    pixels = painted(shirt(), paper=WHITE)
    pixels[-60:, :60] = 20

    assert fashioned(pixels).pixels[14, 0] == 0


def test_speck_beside_the_thing_is_cut_off() -> None:
    pixels = painted(shirt(), paper=WHITE)
    clean = fashioned(pixels)
    pixels[5:9, 5:9] = 20

    result = fashioned(pixels)

    assert "specks removed" in result.steps
    np.testing.assert_array_equal(result.pixels, clean.pixels)


@pytest.mark.parametrize(
    "blank",
    [
        np.zeros((28, 28), np.uint8),
        np.full((300, 200), 255, np.uint8),
        np.full((1, 1), 7, np.uint8),
        noisy(np.full((200, 200), 200, np.uint8)),
        noisy(np.full((28, 28), 128, np.uint8), sigma=10),
        np.add.outer(np.arange(100), np.arange(100)).astype(np.uint8),
    ],
    ids=["black", "white", "one-pixel", "noise", "small-noise", "slope"],
)
def test_picture_of_nothing_but_ground_is_blank(blank: Pixels) -> None:
    with pytest.raises(BlankPicture):
        fashioned(blank)


@pytest.mark.parametrize("shape", [(28, 28), (96, 96), (96, 96, 3)])
def test_noise_of_high_contrast_is_fashioned_whole(shape: tuple[int, ...]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)

    assert fashioned(levels).steps == ("nothing found: taken whole",)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3000), (3000, 2), (5, 7)])
def test_any_shape_is_fashioned_or_blank(shape: tuple[int, int]) -> None:
    levels = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)

    try:
        result = fashioned(levels)
    except BlankPicture:
        return

    assert result.pixels.shape == (28, 28, 1)


@pytest.mark.parametrize("shape", [(32, 32, 3), (24, 40, 1)], ids=["colour", "grey"])
def test_picture_of_the_very_shape_fits_untouched(shape: tuple[int, int, int]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)

    result = fit("fit", levels, shape)

    assert np.array_equal(result.pixels, levels)
    assert result.pixels.dtype == np.float32
    assert result.steps == ()


@pytest.mark.parametrize(
    ("size", "shape", "steps"),
    [
        ((64, 64, 3), (32, 32, 3), ("shrunk",)),
        ((16, 16, 3), (32, 32, 3), ("enlarged",)),
        ((32, 32, 3), (32, 32, 1), ("made grey",)),
        ((32, 32, 1), (32, 32, 3), ("grey taken for colour",)),
        ((32, 20, 3), (32, 32, 3), ("padded",)),
        ((200, 100, 1), (32, 48, 3), ("grey taken for colour", "shrunk", "padded")),
    ],
    ids=["shrunk", "enlarged", "grey", "colour", "padded", "all"],
)
def test_steps_of_fitting_say_what_was_done(
    size: tuple[int, ...], shape: tuple[int, ...], steps: tuple[str, ...]
) -> None:
    levels = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)

    result = fit("fit", levels, shape)

    assert result.pixels.shape == shape
    assert result.steps == steps
    assert np.array_equal(result.pixels, np.rint(result.pixels))


def test_fitting_keeps_the_aspect_and_pads_with_the_colour_of_the_border() -> None:
    pixels = np.full((100, 50, 3), (10, 200, 90), np.uint8)
    pixels[20:80, 10:40] = (250, 0, 0)

    fitted_ = fit("fit", pixels, (40, 40, 3)).pixels

    np.testing.assert_array_equal(fitted_[:, :9], np.broadcast_to((10, 200, 90), (40, 9, 3)))
    np.testing.assert_array_equal(fitted_[20, 20], (250, 0, 0))
    red = fitted_[..., 0] > 128
    assert (red.any(axis=1).sum(), red.any(axis=0).sum()) == (24, 12)


def test_fitting_shrinks_by_area() -> None:
    pixels = np.zeros((64, 64, 1), np.uint8)
    pixels[::2] = 200

    np.testing.assert_array_equal(fit("fit", pixels, (16, 16, 1)).pixels[2:-2], 100)


def test_blank_picture_fits() -> None:
    assert np.array_equal(
        fit("fit", np.full((9, 5, 1), 7, np.uint8), (4, 4, 1)).pixels.ravel(), [7] * 16
    )


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 900, 3), (900, 1, 1), (2, 3, 3)])
def test_any_shape_fits(size: tuple[int, ...]) -> None:
    levels = np.random.default_rng(1).integers(0, 256, size).astype(np.uint8)

    result = fit("fit", levels, (32, 32, 3)).pixels

    assert result.shape == (32, 32, 3)
    assert levels.min() <= result.min() <= result.max() <= levels.max()
