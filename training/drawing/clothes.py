"""Clothes, shoes and bags drawn by code as plain outlines."""

from collections.abc import Mapping, Sequence
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.drawing.antialiasing import OVERSAMPLING, shrink

Points = Sequence[tuple[float, float]]
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

# Height and width of a picture in pixels.
_SIZE = (112, 96)

# Outlines of each article in a box, in which x runs to the right and y down, both from 0 to 1.
OUTLINES: Mapping[str, tuple[Points, ...]] = {
    "T-shirt/top": (
        (
            *((0.32, 0.06), (0.42, 0.12), (0.58, 0.12), (0.68, 0.06), (0.98, 0.24), (0.88, 0.44)),
            *((0.74, 0.36), (0.74, 0.96), (0.26, 0.96), (0.26, 0.36), (0.12, 0.44), (0.02, 0.24)),
        ),
    ),
    "Trouser": (
        (
            *((0.34, 0.03), (0.66, 0.03), (0.72, 0.97), (0.54, 0.97), (0.50, 0.30), (0.46, 0.97)),
            (0.28, 0.97),
        ),
    ),
    "Pullover": (
        (
            *((0.34, 0.06), (0.66, 0.06), (0.86, 0.20), (0.98, 0.92), (0.84, 0.95), (0.74, 0.42)),
            *((0.74, 0.96), (0.26, 0.96), (0.26, 0.42), (0.16, 0.95), (0.02, 0.92), (0.14, 0.20)),
        ),
    ),
    "Dress": (
        (
            *((0.36, 0.03), (0.41, 0.03), (0.44, 0.14), (0.56, 0.14), (0.59, 0.03), (0.64, 0.03)),
            *((0.65, 0.28), (0.60, 0.44), (0.78, 0.98), (0.22, 0.98), (0.40, 0.44), (0.35, 0.28)),
        ),
    ),
    "Bag": (
        ((0.06, 0.40), (0.94, 0.40), (0.98, 0.92), (0.02, 0.92)),
        ((0.26, 0.40), (0.34, 0.10), (0.66, 0.10), (0.74, 0.40), (0.66, 0.40), (0.60, 0.18)),
        ((0.26, 0.40), (0.34, 0.10), (0.60, 0.18), (0.40, 0.18), (0.34, 0.40)),
    ),
    "Sneaker": (
        (
            *((0.98, 0.72), (0.96, 0.42), (0.86, 0.36), (0.74, 0.46), (0.58, 0.36), (0.40, 0.52)),
            *((0.08, 0.60), (0.02, 0.72)),
        ),
    ),
    "Ankle boot": (
        (
            *((0.88, 0.08), (0.50, 0.08), (0.46, 0.50), (0.06, 0.68), (0.04, 0.88), (0.64, 0.88)),
            *((0.68, 0.80), (0.72, 0.94), (0.90, 0.94)),
        ),
    ),
}
# Colours of ground and article: on white, on grey, on a coloured sheet, and light on dark.
_COLOURS = (
    ((255, 255, 255), (52, 60, 96)),
    ((214, 216, 220), (150, 40, 44)),
    ((168, 196, 178), (60, 56, 40)),
    ((24, 24, 28), (232, 220, 196)),
)


def golden_articles(seed: int = 0, *, count: int = 20) -> tuple[Pixels, tuple[str, ...]]:
    """Draw clothes, shoes and bags of several sizes before plain grounds, light and dark.

    Returns:
        The pictures, and the article that each one shows.

    Shapes:
        pictures: (count, 112, 96, 3).
    """
    rng = np.random.default_rng(seed)
    articles = tuple(islice(cycle(OUTLINES), count))
    pictures = [
        _draw_article(OUTLINES[article], ground, colour, rng)
        for article, (ground, colour) in zip(articles, cycle(_COLOURS), strict=False)
    ]
    return np.stack(pictures), articles


def _draw_article(
    outlines: tuple[Points, ...], ground: Colour, colour: Colour, rng: np.random.Generator
) -> Pixels:
    height, width = (OVERSAMPLING * side for side in _SIZE)
    side = rng.uniform(0.55, 0.95) * width
    left, top = rng.uniform(0.3, 0.7, 2) * (width - side, height - side)
    sheet = Image.new("RGB", (width, height), ground)
    canvas = ImageDraw.Draw(sheet)
    for outline in outlines:
        canvas.polygon([(left + side * x, top + side * y) for x, y in outline], fill=colour)
    return _add_folds(shrink(sheet, _SIZE), ground, rng)


def _add_folds(pixels: Pixels, ground: Colour, rng: np.random.Generator) -> Pixels:
    """Vary the levels of the article from left to right, as folds in cloth do."""
    is_article = np.abs(pixels.astype(int) - ground).max(axis=2, keepdims=True) > 40
    across = np.linspace(0, rng.uniform(6, 14), pixels.shape[1])[None, :, None]
    folds = 14 * np.sin(across + rng.uniform(0, 6))
    return np.where(is_article, np.clip(pixels + folds, 0, 255), pixels).astype(np.uint8)
