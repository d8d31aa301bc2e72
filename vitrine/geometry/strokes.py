"""The width of strokes: how it is measured and changed."""

import numpy as np

from vitrine.geometry.fitted import Levels, Mask
from vitrine.opencv import cv2


def stroke_width(mask: Mask) -> float:
    """Return the mean width of strokes in pixels: twice their area over their outline's length."""
    down, across = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    # Steps along the axes overstate the length of an outline by 4 / pi on average.
    outline = (np.count_nonzero(down) + np.count_nonzero(across)) * np.pi / 4
    return 2 * np.count_nonzero(mask) / max(1.0, outline)


def thicken(levels: Levels, radius: float) -> Levels:
    """Return the largest level within `radius` pixels of each pixel: dilation by a disc."""
    steps = np.square(np.arange(-int(radius), int(radius) + 1))
    disc = np.add.outer(steps, steps) <= radius * radius
    return np.asarray(cv2.dilate(levels, disc.view(np.uint8)), np.float32)


def thin(levels: Levels, radius: float) -> Levels:
    """Return the smallest level within `radius` pixels of each pixel: erosion by a disc.

    Args:
        levels: How much of each pixel is covered, from 0 to 1.
        radius: Radius of the disc, in pixels.
    """
    return 1 - thicken(1 - levels, radius)
