"""Pictures of any kind mirrored, moved, and hidden in part."""

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from training.augmentation.pictures import erase, flip, shift

Pictures = NDArray[np.uint8]


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
