"""A picture in which nothing stands out: bare background, or noise of high contrast."""

import numpy as np

from vitrine.geometry.fitted import Levels, Pixels
from vitrine.geometry.raster import resize
from vitrine.opencv import cv2

# Neighbouring pixels of bare paper, photographed in bad light, differ by a tenth of this.
_NOISE_DIFFERENCE = 32.0


def is_noise(pixels: Pixels) -> bool:
    """Tell noise of high contrast from a bare background with the grain of a camera."""
    pairs = [(pixels[1:], pixels[:-1]), (pixels[:, 1:], pixels[:, :-1])]
    count = sum(one.size for one, _ in pairs)
    # OpenCV sums without an array of the differences, which would be larger than the picture.
    total = sum(cv2.norm(one, other, cv2.NORM_L1) for one, other in pairs)
    return total / max(1, count) >= _NOISE_DIFFERENCE


def resize_whole(pixels: Pixels, side: int) -> Levels:
    """Resize a whole picture to a grey square; the network then says how sure it is.

    Shapes:
        (height, width, channels) to (side, side, 1).
    """
    grey = pixels.mean(axis=2, keepdims=True, dtype=np.float32)
    return np.rint(resize(grey, (side, side)))
