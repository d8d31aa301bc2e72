"""Ruled lines are removed from a map of ink, and strokes are kept."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vitrine.geometry.ruling import remove_lines


def paper_with_lines(*, slope: float = 0.0) -> NDArray[np.float32]:
    """Rule level lines, every 24 pixels from the middle on, over a map of 120 x 120 pixels."""
    y, x = np.indices((120, 120))
    is_line = np.abs((y - slope * (x - 60) + 12) % 24 - 12) < 1
    return np.asarray(is_line, np.float32)


@pytest.mark.parametrize("slope", [0.0, 0.05, -0.1])
def test_level_lines_are_removed(slope: float) -> None:
    lines = paper_with_lines(slope=slope)
    inside = slice(12, 108)  # with a slope the outermost lines leave the picture

    assert lines[inside].sum() > 400
    assert remove_lines(lines, 0.2)[inside].sum() == 0


def test_upright_lines_are_removed() -> None:
    assert remove_lines(paper_with_lines().T, 0.2).sum() == 0


def test_stroke_that_crosses_the_lines_is_kept() -> None:
    ink = paper_with_lines()
    ink[36:84, 55:65] = 1

    cleaned = remove_lines(ink, 0.2)

    assert cleaned[36:84, 55:65].min() == 1
    assert cleaned[:, :50].sum() == 0


def test_line_that_ends_within_the_picture_is_kept() -> None:
    ink = np.zeros((120, 120), np.float32)
    ink[60:62, 30:90] = 1

    np.testing.assert_array_equal(remove_lines(ink, 0.2), ink)


def test_small_picture_keeps_its_lines() -> None:
    ink = np.zeros((40, 40), np.float32)
    ink[20] = 1

    np.testing.assert_array_equal(remove_lines(ink, 0.2), ink)
