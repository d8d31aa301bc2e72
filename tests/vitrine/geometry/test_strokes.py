"""The width of strokes is measured and changed."""

import numpy as np
import pytest

from vitrine.geometry.strokes import stroke_width, thicken, thin


@pytest.mark.parametrize("width", [2, 5, 12])
def test_stroke_width_of_a_slanted_bar(width: int) -> None:
    y, x = np.indices((200, 200))
    distance = np.abs((y - 100) * np.cos(0.6) + (x - 100) * np.sin(0.6))
    bar = (distance < width / 2) & (np.hypot(y - 100, x - 100) < 90)

    assert stroke_width(bar) == pytest.approx(width, rel=0.15)


def test_stroke_width_of_nothing_is_zero() -> None:
    assert stroke_width(np.zeros((5, 5), bool)) == 0


def test_thickening_spreads_a_pixel_to_a_disc() -> None:
    dot = np.zeros((7, 7), np.float32)
    dot[3, 3] = 1

    y, x = np.indices((7, 7)) - 3

    np.testing.assert_array_equal(thicken(dot, 2.5), np.hypot(y, x) <= 2.5)


def test_thinning_takes_the_radius_off_both_sides() -> None:
    bar = np.zeros((11, 11), np.float32)
    bar[2:9] = 1

    thinned = thin(bar, 2.0)

    assert np.flatnonzero(thinned[:, 5]).tolist() == [4, 5, 6]
