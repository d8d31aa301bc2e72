"""Clothes, shoes and bags drawn by code."""

from training.drawing.clothes import OUTLINES, golden_articles
from vitrine.geometry import GEOMETRIES


def test_golden_articles_are_found_before_every_ground() -> None:
    pictures, meant = golden_articles()

    assert set(meant) <= set(OUTLINES)
    for picture in pictures:
        fitted = GEOMETRIES["fashion"].fit(picture, (28, 28, 1))
        assert "cropped" in fitted.steps
        assert 0.1 < (fitted.pixels > 100).mean() < 0.9
