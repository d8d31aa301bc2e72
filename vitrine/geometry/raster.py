"""Operations on the pixels of a picture that every geometry shares."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrine.geometry.fitted import Levels, Mask, Pixels
from vitrine.opencv import cv2

# The share of red, green and blue in grey, as ITU-R BT.601 and Pillow have it.
_LUMA = (0.299, 0.587, 0.114)
# Every so many rows and columns are looked at first.
_FEW = 16
# So many pixels of a picture are copied at a time.
_MOST_COPIED = 2**18
# Arrays of weights of up to so many numbers are kept for the next picture of the size.
_MOST_KEPT = 2**14


class Box(NamedTuple):
    """A rectangle of pixels, as slice bounds."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def longer_side(self) -> int:
        """Length of the longer side, in pixels."""
        return max(self.bottom - self.top, self.right - self.left)

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and the columns of the rectangle."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def bounding_box(mask: Mask) -> Box:
    """Return the smallest box that holds every set pixel; there must be one."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return Box(top, top + height, left, left + width)


def centre_of_mass(levels: NDArray[np.floating]) -> tuple[float, float]:
    """Return the row and the column of the centre of mass of one channel."""
    mass = levels.sum()
    row = levels.sum(axis=1) @ np.arange(levels.shape[0]) / mass
    column = levels.sum(axis=0) @ np.arange(levels.shape[1]) / mass
    return float(row), float(column)


def squareness(mask: Mask) -> float:
    """Return the share of the smallest rectangle around a mask that its rows fill."""
    # 1. The outline is the first and the last pixel of each row.
    rows = np.flatnonzero(mask.any(axis=1))
    left = mask.argmax(axis=1)[rows]
    right = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)[rows]
    outline = np.concatenate([np.stack([rows, left]), np.stack([rows, right])], axis=1)
    # 2. Turn the outline by many angles; the rectangle at each angle has the two extents.
    angles = np.linspace(0, np.pi / 2, 24, endpoint=False)
    down = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ outline
    across = np.stack([-np.sin(angles), np.cos(angles)], axis=1) @ outline
    areas = (np.ptp(down, axis=1) + 1) * (np.ptp(across, axis=1) + 1)
    return float((right - left + 1).sum() / areas.min())


def border_pixels(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels along the four sides of a picture.

    Shapes:
        (height, width, ...) to (pixels, ...).
    """
    return np.concatenate((pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]))


def whole_levels(pixels: Pixels) -> NDArray[np.uint8]:
    """Return levels of another type as bytes, as files have them; training draws such levels."""
    return np.asarray(np.rint(pixels), np.uint8)


def drop_equal_channels(pixels: Pixels) -> Pixels:
    """Return one channel of a grey picture that was saved in colour; others unchanged."""
    # A few pixels tell most pictures in colour.
    few = pixels[::_FEW, ::_FEW]
    if (few != few[..., :1]).any():
        return pixels
    first, *others = cv2.split(pixels)
    is_grey = not any(cv2.norm(first, other, cv2.NORM_INF) for other in others)
    return first[..., np.newaxis] if is_grey else pixels


def grey_weights(channels: int) -> Levels:
    """Return the share of each channel in grey.

    Args:
        channels: 1 or 3.
    """
    return np.array(_LUMA if channels == 3 else (1,), np.float32)


def reduce_to(pixels: Pixels, side: int) -> Levels:
    """Average blocks of pixels, so that neither side is longer than `side` pixels.

    The blocks are of a whole number of pixels. Rows and columns that fill no block are cut off.
    """
    height, width, channels = pixels.shape
    factor = -(-max(height, width) // side)
    if factor == 1:
        return pixels.astype(np.float32)
    down, across = min(factor, height), min(factor, width)
    rows, columns = height // down, width // across
    size = np.float32(down * across)
    reduced = np.empty((rows, columns, channels), np.float32)
    # A large picture is not copied whole.
    step = max(1, _MOST_COPIED // (down * width))
    for top in range(0, rows, step):
        band = pixels[top * down : min(top + step, rows) * down, : columns * across]
        shape = columns, len(band) // down
        # OpenCV is quick with one channel, but not with three.
        planes = [channel.astype(np.float32) for channel in cv2.split(band)]
        smaller = [cv2.resize(plane, shape, interpolation=cv2.INTER_AREA) for plane in planes]
        means = cv2.merge(smaller)
        if pixels.dtype == np.uint8:
            # The means are sums times the reciprocal of the size: dividing sums is more exact.
            means = np.rint(means * size) / size
        reduced[top : top + step] = means.reshape(-1, columns, channels)
    return reduced


def resize(levels: Levels, shape: Sequence[int]) -> Levels:
    """Resize each channel: by area where it shrinks, linearly where it grows.

    Args:
        levels: A picture.
        shape: Height and width of the result.

    Shapes:
        levels: (height, width, channels).
    """
    rows, columns = (
        # A side of a picture may have a million pixels: only small arrays are kept.
        (_kept_weights if source * target <= _MOST_KEPT else _resizing_weights)(source, target)
        for source, target in zip(levels.shape, shape, strict=False)
    )
    resized = rows @ levels.transpose(2, 0, 1) @ columns.T
    return np.asarray(resized.transpose(1, 2, 0), np.float32)


def rescale(levels: Levels, factor: float) -> Levels:
    """Resize one channel by a factor, each side to at least one pixel."""
    height, width = (max(1, round(side * factor)) for side in levels.shape)
    return resize(levels[..., np.newaxis], (height, width))[..., 0]


def _resizing_weights(source: int, target: int) -> Levels:
    """Return the share that each source pixel has in each target pixel.

    Shapes:
        returns: (target, source).
    """
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale - 0.5
    distance = np.abs(np.arange(source) - centres[:, np.newaxis])
    reach = 1.0 if scale <= 1 else (scale + 1) / 2
    share = np.clip(reach - distance, 0, 1)
    return np.asarray(share / share.sum(axis=1, keepdims=True), np.float32)


_kept_weights = lru_cache(maxsize=64)(_resizing_weights)


def dilate(levels: NDArray[Any]) -> NDArray[Any]:
    """Return the largest level among each pixel and its eight neighbours."""
    return _of_neighbours(cv2.dilate, levels)


def erode(levels: NDArray[Any]) -> NDArray[Any]:
    """Return the smallest level among each pixel and its eight neighbours."""
    return _of_neighbours(cv2.erode, levels)


def _of_neighbours(operation: Callable[..., Any], levels: NDArray[Any]) -> NDArray[Any]:
    numbers = levels.view(np.uint8) if levels.dtype == np.bool_ else levels
    result = np.asarray(operation(numbers, None)).reshape(levels.shape)
    return result.view(levels.dtype)
