"""Digits drawn by code."""

import numpy as np
import pytest

from training.drawing.digits import DIGITS, Pen, draw_digit, draw_on_paper, golden_digits
from vitrine.geometry import GEOMETRIES


@pytest.mark.parametrize("digit", DIGITS)
def test_drawn_digit_leaves_most_of_the_sheet_bare(digit: str) -> None:
    ink = draw_digit(digit, Pen(), np.random.default_rng(0))

    assert ink.shape == (96, 96)
    assert 0.02 < ink.mean() < 0.2
    assert (ink.min(), ink.max()) == (0, 1)


def test_paper_is_light_and_ink_dark() -> None:
    rng = np.random.default_rng(0)
    ink = draw_digit("7", Pen(side=280), rng)

    picture = draw_on_paper(ink, rng)

    assert picture.shape == (280, 280, 3)
    assert picture[ink == 0].mean() > 220
    assert picture[ink == 1].mean() < 80


def test_golden_digits_are_every_digit_on_light_and_dark() -> None:
    pictures, meant = golden_digits()

    assert meant == DIGITS * 2
    corners = pictures[:, 0, 0, 0].astype(int)
    assert sorted(corners[:10] + corners[10:]) == [245] * 10


def test_golden_digits_have_ink_for_the_geometry() -> None:
    for picture in golden_digits()[0]:
        assert GEOMETRIES["mnist"].fit(picture, (28, 28, 1)).pixels.max() > 200
