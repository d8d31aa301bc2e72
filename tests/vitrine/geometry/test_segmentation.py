"""A picture is divided into ink and paper."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pictures import coverage, painted
from vitrine.geometry.segmentation import Segmentation, segment

INK = coverage("7", side=100)
PAPER = np.array((240, 238, 230), np.float32)


def segmented() -> Segmentation:
    segmentation = segment(painted(INK).astype(np.float32) - PAPER)
    assert segmentation is not None
    return segmentation


def of_ink(ink: NDArray[np.float32]) -> Segmentation:
    return Segmentation(ink, np.array([-1.0], np.float32), 0.2, -ink[..., np.newaxis])


def test_ink_is_how_much_of_each_pixel_is_covered() -> None:
    assert np.abs(segmented().ink - INK).mean() < 0.01


def test_direction_points_from_the_paper_to_the_ink() -> None:
    assert segmented().direction.sum() < 0
    assert np.linalg.norm(segmented().direction) == pytest.approx(1)


def test_digit_on_clean_paper_is_plain_and_without_doubt() -> None:
    assert segmented().is_plain
    assert segmented().doubt < 0.1


def test_ink_along_the_border_is_doubtful_and_not_plain() -> None:
    framed = np.ones((50, 50), np.float32)
    framed[5:-5, 5:-5] = 0

    segmentation = of_ink(framed)

    assert not segmentation.is_plain
    assert segmentation.doubt > 0.9


def test_part_that_reaches_in_from_outside_is_not_the_digit() -> None:
    ink = np.zeros((50, 50), np.float32)
    ink[:20, :20] = 1
    ink[30:40, 30:40] = 1

    segmentation = of_ink(ink)

    assert segmentation.inside.tolist() == [False, True]
    assert not segmentation.largest[:20, :20].any()


def test_squareness_of_a_turned_sheet_is_near_one() -> None:
    y, x = np.indices((100, 100)) - 50
    down, across = y * np.cos(0.3) + x * np.sin(0.3), x * np.cos(0.3) - y * np.sin(0.3)
    sheet = ((np.abs(down) < 30) & (np.abs(across) < 20)).astype(np.float32)

    assert of_ink(sheet).squareness > 0.9
    assert segmented().squareness < 0.5


@pytest.mark.parametrize("level", [0.0, 3.0])
def test_nothing_stands_out_of_an_even_picture(level: float) -> None:
    assert segment(np.full((50, 50, 1), level, np.float32)) is None
