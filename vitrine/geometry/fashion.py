"""One thing before a plain background -> bright on black, as Fashion-MNIST has it.

References:
    Xiao, Rasul, Vollgraf (2017), Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
    Learning Algorithms, section 2. arXiv:1708.07747
"""

import numpy as np

from vitrine.errors import BlankPicture
from vitrine.geometry.components import label_components
from vitrine.geometry.fitted import Fitted, Levels, Pixels, Shape, Steps
from vitrine.geometry.noise import is_noise, resize_whole
from vitrine.geometry.raster import (
    Box,
    border_pixels,
    bounding_box,
    drop_equal_channels,
    grey_weights,
    reduce_to,
    rescale,
    whole_levels,
)

_SIDE = 28
# The thing is searched in a picture of at most the first size, and cut out of one of at most the
# second.
_WORKING_SIDE = 160
_CUTTING_SIDE = 480
# The makers of Fashion-MNIST trimmed what is closer to the background than 5 % of white.
_TRIMMED = 12.75
# Corners whose colours differ by more are not one background in uneven light.
_SHADE = 64.0
# A picture that is reduced to half its size or less is sharpened, by this share.
_SHARPENED_FROM = 0.5
_SHARPENING = 0.3


def fit_fashion(pixels: Pixels, _shape: Shape) -> Fitted:
    """Bring a picture of one thing to Fashion-MNIST's geometry.

    Raises:
        BlankPicture: Nothing stands out from the background.
    """
    # 1. Leave a picture alone that has the geometry already.
    if pixels.dtype != np.uint8:
        pixels = whole_levels(pixels)
    if pixels.shape[2] > 1:
        pixels = drop_equal_channels(pixels)
    if _has_geometry(pixels):
        return Fitted(pixels.astype(np.float32), ())
    # 2. Find the thing. What is all noise is for the network to judge.
    steps: Steps = {}
    try:
        thing = _find_thing(pixels, steps)
    except BlankPicture:
        if not is_noise(pixels):
            raise
        return Fitted(resize_whole(pixels, _SIDE), ("nothing found: taken whole",))
    # 3. Resize it, so that its longer side fills the picture.
    scale = _SIDE / max(thing.shape)
    small = rescale(thing, scale)
    # 4. Sharpen it, if it became much smaller.
    if scale <= _SHARPENED_FROM:
        small = _sharpened(small)
        steps["sharpened"] = None
    # 5. Stretch its levels to white, and put it into the middle.
    return Fitted(_centred(np.rint(small * (255 / small.max()))), tuple(steps))


def _has_geometry(pixels: Pixels) -> bool:
    """Tell whether a picture has Fashion-MNIST's geometry, by what all of its 70 000 share."""
    if pixels.shape != (_SIDE, _SIDE, 1):
        return False
    levels = pixels[..., 0].astype(np.float32)
    if not (levels.min() == 0 and levels.max() >= 254):
        return False
    if np.count_nonzero(border_pixels(levels) <= 25) < _SIDE:
        return False
    box = bounding_box(levels > 0)
    below, after = _SIDE - box.bottom, _SIDE - box.right
    is_centred = -1 <= box.top - below <= 2 and -1 <= box.left - after <= 2
    return is_centred and box.longer_side >= 26


def _find_thing(pixels: Pixels, steps: Steps) -> Levels:
    """Map how far the thing's pixels are from the background, cut to where the thing is.

    Before a white background that is the negated grey level, as Fashion-MNIST has it.

    Shapes:
        pixels: (height, width, channels); returns (height, width), of the thing.
    """
    # 1. Find the thing's box in a small picture.
    small = reduce_to(pixels, _WORKING_SIDE)
    corners = _corner_colours(small)
    difference = _difference(small, corners)
    box = _thing_box(difference, steps)
    _add_steps(box, difference, corners, pixels.shape[2], steps)
    # 2. Cut that box out of a larger picture, and subtract the background's noise.
    view = reduce_to(pixels, _CUTTING_SIDE)
    rows, columns = _enlarged(box, small, view)
    difference = _difference(view, corners)
    thing = difference[rows, columns] - np.float32(2 * _noise(difference))
    if thing.max() <= 0:
        raise BlankPicture
    return np.asarray(np.maximum(thing, 0), np.float32)


def _add_steps(box: Box, difference: Levels, corners: Levels, channels: int, steps: Steps) -> None:
    taken = {
        "cropped": box.longer_side < max(difference.shape),
        "inverted": float(corners.max(axis=2).mean()) > 127,
        "made grey": channels == 3,
        "background evened": np.ptp(corners, axis=(0, 1)).max() > _TRIMMED,
    }
    steps.update((step, None) for step, is_taken in taken.items() if is_taken)


def _enlarged(box: Box, small: Levels, view: Levels) -> tuple[slice, slice]:
    """Return the rows and columns of a box of the small picture in the larger one."""
    down, across = (view.shape[axis] / small.shape[axis] for axis in (0, 1))
    top, left = int(box.top * down), int(box.left * across)
    return (
        slice(top, max(top + 1, round(box.bottom * down))),
        slice(left, max(left + 1, round(box.right * across))),
    )


def _noise(difference: Levels) -> float:
    """Return the median difference of the background's own pixels from it."""
    return float(np.median([np.median(patch) for patch in _corner_patches(difference)]))


def _corner_patches(view: Levels) -> list[Levels]:
    side = max(3, min(view.shape[:2]) // 16)
    ends = slice(None, side), slice(-side, None)
    return [view[rows, columns] for rows in ends for columns in ends]


def _corner_colours(view: Levels) -> Levels:
    """Return the background's colour in each corner, even where the thing covers the corner.

    Shapes:
        (height, width, channels) to (2, 2, channels).
    """
    # 1. Take the colour of each corner.
    corners = np.stack([np.median(patch, axis=(0, 1)) for patch in _corner_patches(view)])
    # 2. The background's colour is the one that most of the border has.
    border = border_pixels(view)
    is_alike = np.abs(border[:, np.newaxis] - corners).max(axis=2) <= 2 * _TRIMMED
    background = corners[is_alike.sum(axis=0).argmax()]
    # 3. A corner of quite another colour is covered by the thing.
    is_covered = np.abs(corners - background).max(axis=1) > _SHADE
    corners[is_covered] = background
    return corners.reshape(2, 2, -1).astype(np.float32)


def _difference(view: Levels, corners: Levels) -> Levels:
    """Return by how many grey levels each pixel differs from the background, whatever its colour.

    Shapes:
        view: (height, width, channels); corners: (2, 2, channels); returns (height, width).
    """
    background = _between_corners(corners, view.shape[:2])
    return np.asarray(np.abs(view - background) @ grey_weights(view.shape[2]), np.float32)


def _between_corners(corners: Levels, shape: Shape) -> Levels:
    """Interpolate linearly between the colours of a picture's four corners."""
    down, across = (np.linspace(0, 1, side, dtype=np.float32) for side in shape)
    rows = np.stack([1 - down, down], axis=1)
    columns = np.stack([1 - across, across], axis=1)
    return np.asarray(np.einsum("hi,ijc,wj->hwc", rows, corners, columns), np.float32)


def _thing_box(difference: Levels, steps: Steps) -> Box:
    """Return the box around all that stands out from the background, but for specks."""
    mask = difference > max(_TRIMMED, 6 * _noise(difference))
    labels = label_components(mask)
    areas = np.bincount(labels.ravel())[1:]
    if areas.max(initial=0) <= 0.002 * mask.size:
        raise BlankPicture
    parts = areas >= 0.01 * areas.max()
    if not parts.all():
        steps["specks removed"] = None
    return bounding_box(np.append(False, parts)[labels])


def _sharpened(levels: Levels) -> Levels:
    """Subtract a share of the blur that reducing a picture leaves: unsharp masking."""
    padded = np.pad(levels, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    blurred = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    sharp = levels + np.float32(_SHARPENING) * (levels - blurred)
    return np.asarray(np.clip(sharp, 0, levels.max()), np.float32)


def _centred(thing: Levels) -> Levels:
    picture = np.zeros((_SIDE, _SIDE, 1), np.float32)
    height, width = thing.shape
    top, left = (_SIDE - height + 1) // 2, (_SIDE - width + 1) // 2
    picture[top : top + height, left : left + width, 0] = thing
    return picture
