"""A thing before a plain background is brought to Fashion-MNIST's geometry."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pictures import noisy, painted
from tests.vitrine.geometry.likeness import ink_box, likeness
from vitrine.errors import BlankPicture
from vitrine.geometry.fashion import fit_fashion
from vitrine.geometry.fitted import Fitted

Pixels = NDArray[np.uint8]

WHITE, LIGHT_GREY, BLACK = (255, 255, 255), (205, 208, 210), (10, 10, 10)
GREEN = (60, 149, 60)


def fashioned(pixels: NDArray[np.generic]) -> Fitted:
    return fit_fashion(pixels if pixels.ndim == 3 else pixels[..., np.newaxis], (28, 28, 1))


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
    for indices in (rows, columns):
        assert -1 <= int(indices.min()) - (27 - int(indices.max())) <= 1


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


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 50), (50, 1), (376, 1), (2, 2), (2, 376), (3, 3000), (3000, 2), (1000, 5), (5, 7)],
)
@pytest.mark.parametrize("seed", range(5))
def test_any_shape_is_fashioned_or_blank(shape: tuple[int, int], seed: int) -> None:
    levels = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)

    try:
        result = fashioned(levels)
    except BlankPicture:
        return

    assert result.pixels.shape == (28, 28, 1)
    assert np.isfinite(result.pixels).all()
