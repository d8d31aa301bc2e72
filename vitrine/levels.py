"""Levels of grey or colour, as an array or as nested lists -> a picture.

This needs no library of pictures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vitrine.errors import Fault, InvalidInstances, PictureTooLarge, shown

# Lists are checked element by element before NumPy sees them: NumPy would take texts for numbers.
_GREY_LEVELS = list[list[int | float]]
_COLOUR_LEVELS = list[list[list[int | float]]]
_NESTING = (
    "A picture must be lists of levels, nested as height x width, height x width x 1 or "
    "height x width x 3."
)
_RAGGED = f"{_NESTING} Received: lists of different lengths or depths."
_RANGE = "Levels must lie within 0 and 255"
# Lowest level, highest level, and what levels between the two look like. The first fit counts. A
# picture of 0 to 255 whose levels are all 0 and 1 would have no ink. Resizing goes a little beyond.
_SCALES = (
    (-0.1, 1.1, "divided by 255: multiply by 255"),
    (-0.6, 0.6, "scaled to -0.5 to 0.5: add 0.5, then multiply by 255"),
    (-1.1, 1.1, "scaled to -1 to 1: add 1, then multiply by 127.5"),
    (-12.0, 12.0, "standardised: send the levels from before that"),
    (-128.0, 127.0, "shifted by 128: add 128"),
)
_WHITE_OF_16_BITS = 65535
# A row of fewer numbers is no picture that was written in a row: that would be less than 8 x 8.
_LEAST_FLAT = 64
_NAMES: dict[type, str] = {dict: "an object", list: "a list", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, upright and opaque.

    Attributes:
        pixels: Levels in [0, 255].
        steps: What was done to the pixels of the file, in plain words.
        count_frames: Function that counts the frames or pages of the file, of which this is the
            first. It is called where the first is blank.

    Shapes:
        pixels: (height, width, channels), channels 1 (grey) or 3 (red, green, blue).
    """

    pixels: NDArray[np.uint8]
    steps: tuple[str, ...]
    count_frames: Callable[[], int] = lambda: 1


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
    _check_range(float(array.min()), float(array.max()))
    return Picture(np.rint(array).astype(np.uint8), ())


def check_outer_list(instances: Sequence[object], *, flat_size: int) -> None:
    """Refuse the rows of one picture, or its levels, in the place of a list of pictures.

    Args:
        instances: What should be pictures.
        flat_size: Number of levels of a picture of the model's size. Lists of so many numbers are
            pictures without rows, not rows.

    Raises:
        InvalidInstances: The instances are numbers, or the rows of one picture.
    """
    shapes = {_shape(instance) for instance in instances}
    shape = next(iter(shapes)) if len(shapes) == 1 else None
    if shape == () and all(isinstance(instance, int | float) for instance in instances):
        received = f"{len(instances)} numbers. {_cure((len(instances),))}"
    elif len(instances) > 1 and shape is not None and _is_row(shape, len(instances), flat_size):
        received = f"the {len(instances)} rows of one picture."
    else:
        return
    rule = "'instances' must list pictures, and a picture is a list of rows."
    cure = 'A single picture is written as {"instances": [[[0, 255, ...], ...]]}.'
    detail = f"{rule} Received: {received} {cure}"
    raise InvalidInstances([Fault(detail=detail, pointer="#/instances")])


def _is_row(shape: tuple[int, ...], count: int, flat_size: int) -> bool:
    match shape:
        case (width,):
            is_flat = width == flat_size or (width > 8 * count and _square(width) is not None)
            return width > 0 and not is_flat
        case (width, 1 | 3):
            return width > 3
    return False


def _array(levels: object) -> NDArray[np.float32]:
    if isinstance(levels, np.ndarray) and levels.dtype.kind in "uif":
        with np.errstate(over="ignore"):  # infinity is out of range, too
            array = levels.astype(np.float32)
    else:
        array = _array_of_lists(levels.tolist() if isinstance(levels, np.ndarray) else levels)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in {1, 3} or not array.size:
        raise _wrong_shape(array.shape)
    if 1 in array.shape[:2] and _square(array.size):
        raise _wrong_shape((array.size,))
    return array


def _array_of_lists(levels: object) -> NDArray[np.float32]:
    try:
        nesting = _COLOUR_LEVELS if len(_shape(levels)) > 2 else _GREY_LEVELS
        with np.errstate(over="ignore"):
            return np.array(msgspec.convert(levels, nesting), dtype=np.float32)
    except (msgspec.ValidationError, ValueError, OverflowError):
        raise _malformed(levels) from None


def _shape(levels: object) -> tuple[int, ...]:
    """Return the lengths of nested lists, from the outside in, along their first elements."""
    lengths: list[int] = []
    while isinstance(levels, list | tuple) and len(lengths) < 6:
        lengths.append(len(levels))
        levels = levels[0] if levels else None
    return tuple(lengths)


def _malformed(levels: object) -> InvalidInstances:
    """Find out why lists are no picture."""
    shape = _shape(levels)
    lists: list[Any] = [levels]
    for depth, length in enumerate(shape, start=1):
        if any(not isinstance(each, list | tuple) or len(each) != length for each in lists):
            return _invalid(_RAGGED)
        kinds = {kind for each in lists for kind in set(map(type, each))}
        if foreign := kinds - {int, float, list, tuple}:
            level = next(level for each in lists for level in each if type(level) in foreign)
            return _invalid(_foreign_level(level))
        if depth < len(shape):
            lists = [element for each in lists for element in each]
        elif kinds & {list, tuple}:
            return _invalid(_RAGGED)
    if not shape:
        return _invalid(f"{_NESTING} Received: {_described(levels)}.")
    is_picture = len(shape) == 2 or (len(shape) == 3 and shape[2] in {1, 3})
    return _invalid(f"{_RANGE}.") if is_picture and 0 not in shape else _wrong_shape(shape)


def _foreign_level(level: object) -> str:
    if isinstance(level, bool):
        return f"{_RANGE}; these are true and false: multiply by 255."
    return f"{_RANGE}. Received: {_described(level)}."


def _described(value: object) -> str:
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return _NAMES.get(type(value)) or shown(value)


def _wrong_shape(shape: tuple[int, ...]) -> InvalidInstances:
    if not shape or 0 in shape:
        return _invalid(_NESTING)
    received = f"{shape[0]} numbers in a row" if len(shape) == 1 else " x ".join(map(str, shape))
    return _invalid(f"{_NESTING} Received: {received}. {_cure(shape)}")


def _cure(shape: tuple[int, ...]) -> str:
    """Say how a picture of another shape is written."""
    match shape:
        case (count,):
            square = _square(count)
            rows = f"{square[0]} rows, as reshape{square} does" if square else "rows"
            return f"Cut them into {rows}."
        case (1, _, _, _):
            return "Leave out the first axis."
        case (1, _, _):
            return "Write the channel last, or leave out the first axis."
        case (3, height, width):
            return f"Write the channels last: {height} x {width} x 3."
        case (_, _, 2 | 4):
            return "Leave out the alpha channel."
    return "Write each picture as an instance of its own."


def _square(count: int) -> tuple[int, ...] | None:
    """Return the shape of a square picture of so many levels, in grey or in colour."""
    grey, colour = isqrt(count), isqrt(count // 3)
    if count < _LEAST_FLAT:
        return None
    if grey * grey == count:
        return (grey, grey)
    return (colour, colour, 3) if 3 * colour * colour == count else None


def _check_range(low: float, high: float) -> None:
    if low >= 0 and high <= 255 and not 0 < high <= _SCALES[0][1]:
        return
    for lowest, highest, words in _SCALES:
        if lowest <= low and high <= highest:
            raise _invalid(f"{_RANGE}; these look {words}.")
    if low >= 0 and 4096 < high <= _WHITE_OF_16_BITS:
        raise _invalid(f"{_RANGE}; these look like levels of 16 bits: divide by 257.")
    raise _invalid(f"{_RANGE}. Received: levels from {low:g} to {high:g}.")


def _invalid(rule: str) -> InvalidInstances:
    return InvalidInstances([Fault(detail=rule, pointer="#/instances/0")])
