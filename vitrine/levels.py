"""Levels of grey or colour, as an array or as nested lists -> a picture.

This needs no library of pictures.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from vitrine.errors import Fault, InvalidInstances, PictureTooLarge

# Lists are checked element by element before NumPy sees them: NumPy would take texts for numbers.
_GREY_LEVELS = list[list[int | float]]
_COLOUR_LEVELS = list[list[list[int | float]]]
_NESTING = (
    "A picture must be lists of levels, nested as height x width, height x width x 1 or "
    "height x width x 3."
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, upright and opaque.

    Attributes:
        pixels: Levels in [0, 255].
        steps: What was done to the pixels of the file, in plain words.

    Shapes:
        pixels: (height, width, channels), channels 1 (grey) or 3 (red, green, blue).
    """

    pixels: NDArray[np.uint8]
    steps: tuple[str, ...]


def from_levels(levels: object, *, max_pixels: int) -> Picture:
    """Make a picture of levels in [0, 255].

    Args:
        levels: Array or nested lists.
        max_pixels: Number of pixels that the picture may have.

    Shapes:
        levels: (height, width) or (height, width, channels), channels 1 or 3.

    Raises:
        InvalidInstances: The levels have another shape, or a level is no number in [0, 255].
        PictureTooLarge: The picture has more than `max_pixels`.
    """
    array = _array(levels)
    height, width = array.shape[:2]
    if width * height > max_pixels:
        raise PictureTooLarge(width, height, max_pixels)
    if not (array.min() >= 0 and array.max() <= 255):
        raise _invalid("Levels must lie within 0 and 255.")
    if array.max() <= 1 and (array != np.rint(array)).any():
        raise _invalid("Levels must lie within 0 and 255; these look divided by 255.")
    return Picture(np.rint(array).astype(np.uint8), ())


def _array(levels: object) -> NDArray[np.float32]:
    if isinstance(levels, np.ndarray) and levels.dtype.kind not in "buif":
        raise _invalid(_NESTING)
    try:
        if not isinstance(levels, np.ndarray):
            nesting = _COLOUR_LEVELS if _is_nested_thrice(levels) else _GREY_LEVELS
            levels = msgspec.convert(levels, nesting)
        array = np.array(levels, dtype=np.float32)
    except (msgspec.ValidationError, ValueError, OverflowError):
        raise _invalid(_NESTING) from None
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in {1, 3} or not array.size:
        raise _invalid(_NESTING)
    return array


def _is_nested_thrice(levels: object) -> bool:
    for _ in range(2):
        levels = levels[0] if isinstance(levels, list) and levels else None
    return isinstance(levels, list)


def _invalid(rule: str) -> InvalidInstances:
    return InvalidInstances([Fault(detail=rule, pointer="#/instances/0")])
