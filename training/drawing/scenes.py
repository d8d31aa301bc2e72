"""Scenes of discs, boxes and triangles drawn by code."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.drawing.antialiasing import OVERSAMPLING, shrink

Pixels = NDArray[np.uint8]

# Height and width of a picture in pixels.
_SIZE = (72, 96)


def golden_scenes(seed: int = 0, *, count: int = 20) -> Pixels:
    """Draw discs, boxes and triangles of several sizes and colours before shaded grounds.

    Shapes:
        (count, 72, 96, 3).
    """
    rng = np.random.default_rng(seed)
    return np.stack([_draw_scene(1 + index % 3, rng) for index in range(count)])


def _draw_scene(shapes: int, rng: np.random.Generator) -> Pixels:
    height, width = (OVERSAMPLING * side for side in _SIZE)
    sheet = _shaded_ground(height, width, rng)
    canvas = ImageDraw.Draw(sheet)
    for _ in range(shapes):
        _draw_shape(canvas, height, width, rng)
    return shrink(sheet, _SIZE)


def _shaded_ground(height: int, width: int, rng: np.random.Generator) -> Image.Image:
    upper, lower = rng.integers(40, 256, (2, 3))
    down = np.linspace(0, 1, height)[:, None, None]
    shades = np.broadcast_to(upper + down * (lower - upper), (height, width, 3))
    return Image.fromarray(shades.astype(np.uint8))


def _draw_shape(
    canvas: ImageDraw.ImageDraw, height: int, width: int, rng: np.random.Generator
) -> None:
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
