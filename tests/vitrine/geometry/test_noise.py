"""Noise of high contrast is told from a bare background."""

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pictures import noisy
from vitrine.geometry.noise import is_noise, resize_whole

NOISE = np.random.default_rng(0).integers(0, 256, (60, 50, 3)).astype(np.uint8)


def test_random_levels_are_noise() -> None:
    assert is_noise(NOISE)


@pytest.mark.parametrize(
    "background",
    [
        np.full((60, 50, 1), 200, np.uint8),
        noisy(np.full((60, 50, 3), 128, np.uint8), sigma=10),
        np.full((1, 1, 1), 7, np.uint8),
    ],
    ids=["even", "grain", "one pixel"],
)
def test_background_is_no_noise(background: NDArray[np.uint8]) -> None:
    assert not is_noise(background)


def test_no_copy_of_a_background_is_made() -> None:
    background = np.full((1000, 1000, 3), 200, np.uint8)
    tracemalloc.start()
    try:
        is_noise(background)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < background.nbytes / 10


def test_whole_picture_becomes_a_grey_square_of_whole_levels() -> None:
    resized = resize_whole(NOISE, 28)

    assert resized.shape == (28, 28, 1)
    np.testing.assert_array_equal(resized, np.rint(resized))
