"""The ink of a digit is found and cut out."""

import numpy as np
import pytest

from tests.pictures import coverage, painted, ruled
from vitrine.errors import BlankPicture
from vitrine.geometry.fitted import Steps
from vitrine.geometry.ink import find_ink
from vitrine.geometry.raster import bounding_box


def test_ink_is_cut_to_the_digit() -> None:
    steps: Steps = {}
    share = coverage("7", side=100)

    ink = find_ink(painted(share), steps)

    box = bounding_box(share > 0)
    assert ink.shape == pytest.approx(share[box.slices].shape, abs=3)
    assert ink.max() == 1
    assert list(steps) == ["inverted", "cropped"]


def test_small_digit_is_looked_at_again_in_its_own_resolution() -> None:
    share = np.pad(coverage("7", side=100), 400)

    # In the picture of working size the digit is 14 pixels high.
    assert max(find_ink(painted(share), {}).shape) > 40


def test_everything_that_was_removed_is_a_step() -> None:
    steps: Steps = {}
    pixels = ruled(painted(coverage("7")))
    pixels[5:8, 5:8] = 10

    find_ink(pixels, steps)

    assert {"ruled lines removed", "specks removed"} <= set(steps)


def test_picture_without_ink_is_blank() -> None:
    with pytest.raises(BlankPicture):
        find_ink(painted(np.zeros((100, 100))), {})
