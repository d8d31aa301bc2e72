"""A picture in which nothing stands out: bare background, or noise of high contrast."""

import numpy as np

from vitrine.geometry.fitted import Levels, Pixels
from vitrine.geometry.raster import resize

# Neighbouring pixels of bare paper, photographed in bad light, differ by a tenth of this.
_NOISE_DIFFERENCE = 32.0


def is_noise(pixels: Pixels) -> bool:
    """Tell noise of high contrast from a bare background with the grain of a camera."""
    levels = pixels.astype(np.float32)
    differences = [np.abs(np.diff(levels, axis=axis)) for axis in (0, 1)]
    count = sum(difference.size for difference in differences)
    return float(sum(each.sum() for each in differences) / max(1, count)) >= _NOISE_DIFFERENCE


def resize_whole(pixels: Pixels, side: int) -> Levels:
    """Resize a whole picture to a grey square; the network then says how sure it is.

    Shapes:
        (height, width, channels) to (side, side, 1).
    """
    grey = pixels.mean(axis=2, keepdims=True, dtype=np.float32)
    return np.rint(resize(grey, (side, side)))
