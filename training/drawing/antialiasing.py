"""Smooth edges: pictures are drawn several times too large, then shrunk."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# How many times too large pictures are drawn, along each side.
OVERSAMPLING = 4


def shrink(canvas: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Shrink a picture, each pixel becoming the mean of those under it.

    Args:
        canvas: A picture that was drawn too large.
        size: Height and width of the result in pixels.

    Shapes:
        result: (height, width) or (height, width, 3).
    """
    height, width = size
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX), np.uint8)
