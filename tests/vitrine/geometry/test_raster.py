"""Operations on pixels that every geometry shares."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vitrine.geometry.raster import (
    Box,
    border_pixels,
    bounding_box,
    centre_of_mass,
    dilate,
    drop_equal_channels,
    erode,
    reduce_to,
    rescale,
    resize,
)

RANDOM = np.random.default_rng(0).integers(0, 256, (7, 5)).astype(np.float32)


def test_bounding_box_holds_every_set_pixel() -> None:
    mask = np.zeros((6, 8), bool)
    mask[1, 3] = mask[4, 6] = True

    box = bounding_box(mask)

    assert box == Box(top=1, bottom=5, left=3, right=7)
    assert box.longer_side == 4
    assert mask[box.slices].shape == (4, 4)


def test_centre_of_mass_weighs_pixels_by_their_levels() -> None:
    assert centre_of_mass(np.array([[0.0, 1.0], [0.0, 3.0]])) == (0.75, 1.0)


def test_border_has_every_pixel_of_the_four_sides_once() -> None:
    numbers = np.arange(12).reshape(3, 4)

    assert sorted(border_pixels(numbers)) == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("pixels", "channels"),
    [
        (np.repeat(RANDOM[..., np.newaxis], 3, axis=2), 1),
        (np.stack([RANDOM, RANDOM, RANDOM + 1], axis=2), 3),
        (np.stack([RANDOM, RANDOM, np.where(np.eye(7, 5, k=-3), RANDOM + 1, RANDOM)], axis=2), 3),
        (RANDOM[..., np.newaxis], 1),
    ],
    ids=["grey in colour", "colour", "few coloured pixels", "grey"],
)
def test_equal_channels_are_dropped(pixels: NDArray[np.float32], channels: int) -> None:
    assert drop_equal_channels(pixels).shape == (7, 5, channels)


def test_reducing_averages_whole_blocks() -> None:
    blocks = np.kron(RANDOM, np.ones((3, 3)))[..., np.newaxis]
    ragged = np.pad(blocks, ((0, 1), (0, 1), (0, 0)))

    np.testing.assert_allclose(reduce_to(ragged, 8)[..., 0], RANDOM, rtol=1e-6)


@pytest.mark.parametrize("shape", [(7, 100, 3), (61, 33, 1), (1500, 700, 3)])
def test_averages_of_bytes_are_exact(shape: tuple[int, int, int]) -> None:
    levels = np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8)
    factor = -(-max(shape) // 30)
    down, across = min(factor, shape[0]), min(factor, shape[1])
    rows, columns = shape[0] // down, shape[1] // across

    blocks = levels[: rows * down, : columns * across].reshape(rows, down, columns, across, -1)

    sums = blocks.sum(axis=(1, 3)).astype(np.float32)
    np.testing.assert_array_equal(reduce_to(levels, 30), sums / np.float32(down * across))


def test_small_picture_is_not_reduced() -> None:
    np.testing.assert_array_equal(reduce_to(RANDOM[..., np.newaxis], 7)[..., 0], RANDOM)


def test_shrinking_averages_by_area() -> None:
    np.testing.assert_allclose(
        resize(np.array([[[0.0], [6.0], [6.0]]], np.float32), (1, 1)), [[[4.0]]]
    )


def test_growing_interpolates_linearly() -> None:
    grown = resize(np.array([[[0.0], [4.0]]], np.float32), (1, 4))

    np.testing.assert_allclose(grown.ravel(), [0, 1, 3, 4])


@pytest.mark.parametrize("shape", [(1, 1), (3, 9), (14, 5), (20, 20)])
def test_resizing_keeps_an_even_picture_even(shape: tuple[int, int]) -> None:
    resized = resize(np.full((7, 5, 3), 9, np.float32), shape)

    assert resized.shape == (*shape, 3)
    np.testing.assert_allclose(resized, 9, rtol=1e-6)


def test_rescaled_side_has_at_least_one_pixel() -> None:
    assert rescale(RANDOM, 0.01).shape == (1, 1)


def test_dilation_and_erosion_take_the_extremes_of_a_pixel_and_its_eight_neighbours() -> None:
    around = [
        [RANDOM[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] for x in range(5)] for y in range(7)
    ]

    np.testing.assert_array_equal(dilate(RANDOM), [[near.max() for near in row] for row in around])
    np.testing.assert_array_equal(erode(RANDOM), [[near.min() for near in row] for row in around])
