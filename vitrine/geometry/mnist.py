"""A digit on a picture of any paper -> white ink on black in MNIST's box.

References:
    LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document recognition,
    Proc. IEEE 86(11), section III.A. doi:10.1109/5.726791
"""

from math import ceil

import numpy as np

from vitrine.errors import BlankPicture
from vitrine.geometry.fitted import Fitted, Levels, Pixels, Shape, Steps
from vitrine.geometry.ink import find_ink
from vitrine.geometry.noise import is_noise, resize_whole
from vitrine.geometry.raster import (
    bounding_box,
    centre_of_mass,
    drop_equal_channels,
    rescale,
    whole_levels,
)
from vitrine.geometry.strokes import stroke_width, thicken, thin
from vitrine.opencv import cv2

_SIDE = 28
_BOX_SIDE = 20
# The digit is drawn at four times its final size: averaging blocks of that gives the smooth edges
# that MNIST's own reduction gave.
_OVERSAMPLING = 4
# Nineteen in twenty MNIST strokes are at least, and at most, this many pixels wide.
_STROKE_WIDTHS = (1.7, 3.8)
# A pixel belongs to the digit from this share of its strongest ink on.
_FAINTEST = 0.2


def fit_mnist(pixels: Pixels, _shape: Shape) -> Fitted:
    """Bring a picture of one digit to MNIST's geometry.

    Raises:
        BlankPicture: Nothing stands out from the paper.
    """
    # 1. Leave a picture alone that has the geometry already.
    if pixels.dtype != np.uint8:
        pixels = whole_levels(pixels)
    if pixels.shape[2] > 1:
        pixels = drop_equal_channels(pixels)
    if _has_geometry(pixels):
        return Fitted(pixels.astype(np.float32), ())
    # 2. Find the ink of the digit. What is all noise is for the network to judge.
    steps: Steps = {}
    try:
        ink = find_ink(pixels, steps)
    except BlankPicture:
        if not is_noise(pixels):
            raise
        return Fitted(resize_whole(pixels, _SIDE), ("no ink found: taken whole",))
    # 3. Draw the digit as MNIST's were drawn.
    return Fitted(_draw(ink, steps)[..., np.newaxis], tuple(steps))


def _has_geometry(pixels: Pixels) -> bool:
    """Tell whether a picture has MNIST's geometry, by what all of its 70 000 pictures share."""
    if pixels.shape != (_SIDE, _SIDE, 1):
        return False
    # Beyond the longest box there are empty rows or columns, so that the lowest level is 0.
    *_, width, height = cv2.boundingRect(pixels)
    if not _BOX_SIDE - 1 <= max(width, height) <= _BOX_SIDE:
        return False
    if cv2.norm(pixels, cv2.NORM_INF) < 254:
        return False
    moments = cv2.moments(pixels)
    mass = moments["m00"]
    return all(13.48 <= moments[moment] / mass <= 14.5 for moment in ("m01", "m10"))


def _draw(ink: Levels, steps: Steps) -> Levels:
    """Draw the ink as MNIST would have: in its box, with its strokes, centred by mass."""
    # 1. Cut the ink to its box, with an empty pixel around it.
    top, bottom, left, right = bounding_box(ink > _FAINTEST * ink.max())
    ink = _with_border(ink, 1)[top : bottom + 2, left : right + 2]
    # 2. Enlarge or reduce it to four times the final size, with room for strokes to grow.
    large = rescale(ink, _OVERSAMPLING * _BOX_SIDE / (max(ink.shape) - 2))
    large = _with_border(large / large.max(), 8)
    # 3. Sharpen the edges: ink is full from two fifths of a pixel on.
    stroke = np.clip((large - _FAINTEST) * 5, 0, 1).astype(np.float32)
    # 4. Make very thin and very thick strokes as wide as MNIST's.
    stroke = _with_usual_width(stroke, steps)
    # 5. Reduce the digit to its final size, and its strongest ink to white.
    box = bounding_box(stroke > 0.5)
    digit = rescale(stroke[box.slices], _BOX_SIDE / box.longer_side)
    # 6. Put its centre of mass into the middle.
    return _centred(np.rint(digit * (255 / digit.max())))


def _with_border(levels: Levels, width: int) -> Levels:
    """Put a border of level 0 around one channel."""
    sides = (width, width, width, width)
    return np.asarray(cv2.copyMakeBorder(levels, *sides, cv2.BORDER_CONSTANT, value=0), np.float32)


def _with_usual_width(stroke: Levels, steps: Steps) -> Levels:
    width = stroke_width(stroke > 0.5)
    thinnest, thickest = (_OVERSAMPLING * side for side in _STROKE_WIDTHS)
    usual = min(max(width, thinnest), thickest)
    radius = abs(usual - width) / 2
    if radius < 0.5:
        return stroke
    if usual > width:
        steps["strokes thickened"] = None
        return thicken(stroke, max(1.0, radius))
    thinned = thin(stroke, max(1.0, radius))
    if not (thinned > 0.5).any():
        return stroke
    steps["strokes thinned"] = None
    return thinned


def _centred(digit: Levels) -> Levels:
    picture = np.zeros((_SIDE, _SIDE), np.float32)
    height, width = digit.shape
    row, column = centre_of_mass(digit)
    top = min(max(ceil(13.5 - row), 0), _SIDE - height)
    left = min(max(ceil(13.5 - column), 0), _SIDE - width)
    picture[top : top + height, left : left + width] = digit
    return picture
