"""Any picture is brought, whole, to the shape of a network."""

import numpy as np
import pytest

from vitrine.geometry.fit import fit_whole


@pytest.mark.parametrize("shape", [(32, 32, 3), (24, 40, 1)], ids=["colour", "grey"])
def test_picture_of_the_very_shape_fits_untouched(shape: tuple[int, int, int]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)

    result = fit_whole(levels, shape)

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

    result = fit_whole(levels, shape)

    assert result.pixels.shape == shape
    assert result.steps == steps
    assert np.array_equal(result.pixels, np.rint(result.pixels))


def test_fitting_keeps_the_aspect_and_pads_with_the_colour_of_the_border() -> None:
    pixels = np.full((100, 50, 3), (10, 200, 90), np.uint8)
    pixels[20:80, 10:40] = (250, 0, 0)

    fitted_ = fit_whole(pixels, (40, 40, 3)).pixels

    np.testing.assert_array_equal(fitted_[:, :9], np.broadcast_to((10, 200, 90), (40, 9, 3)))
    np.testing.assert_array_equal(fitted_[20, 20], (250, 0, 0))
    red = fitted_[..., 0] > 128
    assert (red.any(axis=1).sum(), red.any(axis=0).sum()) == (24, 12)


def test_fitting_shrinks_by_area() -> None:
    pixels = np.zeros((64, 64, 1), np.uint8)
    pixels[::2] = 200

    np.testing.assert_array_equal(fit_whole(pixels, (16, 16, 1)).pixels[2:-2], 100)


def test_blank_picture_fits() -> None:
    assert np.array_equal(
        fit_whole(np.full((9, 5, 1), 7, np.uint8), (4, 4, 1)).pixels.ravel(), [7] * 16
    )


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 900, 3), (900, 1, 1), (2, 3, 3)])
def test_any_shape_fits(size: tuple[int, ...]) -> None:
    levels = np.random.default_rng(1).integers(0, 256, size).astype(np.uint8)

    result = fit_whole(levels, (32, 32, 3)).pixels

    assert result.shape == (32, 32, 3)
    assert levels.min() <= result.min() <= result.max() <= levels.max()
