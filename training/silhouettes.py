"""Things and scenes drawn by code, so that nothing shown or kept is data.

Golden examples of networks that know clothes or photos come from here; none is trained on them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Points = Sequence[tuple[float, float]]
Pixels = NDArray[np.uint8]

_OVERSAMPLING = 4
_SHEET = (112, 96)  # height, width
_SCENE = (72, 96)

# Outlines in a box: x to the right, y down, both from 0 to 1.
ARTICLES: Mapping[str, tuple[Points, ...]] = {
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
# Ground and thing: on white, on grey, on a coloured sheet, and light on dark.
_COLOURS = (
    ((255, 255, 255), (52, 60, 96)),
    ((214, 216, 220), (150, 40, 44)),
    ((168, 196, 178), (60, 56, 40)),
    ((24, 24, 28), (232, 220, 196)),
)


def golden_articles(seed: int = 0, *, count: int = 20) -> tuple[Pixels, tuple[str, ...]]:
    """Draw clothes, shoes and bags of several sizes before plain grounds, light and dark.

    Returns:
        Pictures, and what each was meant to be.

    Shapes:
        (n, 112, 96, 3).
    """
    rng = np.random.default_rng(seed)
    names = tuple(ARTICLES)
    meant = tuple(names[place % len(names)] for place in range(count))
    pictures = [
        _article(ARTICLES[name], _COLOURS[place % len(_COLOURS)], rng)
        for place, name in enumerate(meant)
    ]
    return np.stack(pictures), meant


def _article(
    outlines: tuple[Points, ...],
    colours: tuple[tuple[int, int, int], tuple[int, int, int]],
    rng: np.random.Generator,
) -> Pixels:
    height, width = (_OVERSAMPLING * side for side in _SHEET)
    ground, thing = colours
    box = rng.uniform(0.55, 0.95) * width
    left, top = rng.uniform(0.3, 0.7, 2) * (width - box, height - box)
    sheet = Image.new("RGB", (width, height), ground)
    canvas = ImageDraw.Draw(sheet)
    for outline in outlines:
        canvas.polygon([(left + box * x, top + box * y) for x, y in outline], fill=thing)
    return _textured(_small(sheet, _SHEET), ground, rng)


def _textured(pixels: Pixels, ground: tuple[int, int, int], rng: np.random.Generator) -> Pixels:
    """Give what is not ground folds that run down it."""
    inside = np.abs(pixels.astype(int) - ground).max(axis=2, keepdims=True) > 40
    across = np.linspace(0, rng.uniform(6, 14), pixels.shape[1])[None, :, None]
    folds = 14 * np.sin(across + rng.uniform(0, 6))
    return np.where(inside, np.clip(pixels + folds, 0, 255), pixels).astype(np.uint8)


def golden_scenes(seed: int = 0, *, count: int = 20) -> Pixels:
    """Draw discs, boxes and triangles of several sizes and colours before shaded grounds.

    Shapes:
        (n, 72, 96, 3).
    """
    rng = np.random.default_rng(seed)
    return np.stack([_scene(place, rng) for place in range(count)])


def _scene(place: int, rng: np.random.Generator) -> Pixels:
    height, width = (_OVERSAMPLING * side for side in _SCENE)
    upper, lower = rng.integers(40, 256, (2, 3))
    down = np.linspace(0, 1, height)[:, None, None]
    shades = np.broadcast_to(upper + down * (lower - upper), (height, width, 3))
    sheet = Image.fromarray(shades.astype(np.uint8))
    canvas = ImageDraw.Draw(sheet)
    for _ in range(1 + place % 3):
        radius = rng.uniform(0.1, 0.45) * height
        x, y = rng.uniform(0.2, 0.8, 2) * (width, height)
        colour = tuple(rng.integers(0, 256, 3).tolist())
        kind = int(rng.integers(0, 3))
        if kind == 0:
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        elif kind == 1:
            canvas.rectangle((x - radius, y - radius / 2, x + radius, y + radius / 2), fill=colour)
        else:
            corners = ((x, y - radius), (x - radius, y + radius), (x + radius, y + radius))
            canvas.polygon(corners, fill=colour)
    return _small(sheet, _SCENE)


def _small(sheet: Image.Image, size: tuple[int, int]) -> Pixels:
    height, width = size
    return np.asarray(sheet.resize((width, height), Image.Resampling.BOX), np.uint8)
