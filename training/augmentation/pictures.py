"""Pictures of any kind mirrored, moved, and hidden in part.

References:
    Zhong, Zheng, Kang, Li, Yang (2020), Random erasing data augmentation, arXiv:1708.04896.
"""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]

# Share of a picture that is erased, and the logarithm of height to width: as they were published.
_ERASED_AREA = (0.02, 0.4)
_ERASED_LOG_ASPECT = float(np.log(1 / 0.3))


def flip(pictures: Pixels, rng: np.random.Generator) -> Pixels:
    """Exchange left and right in half of the pictures.

    Shapes:
        pictures and result: (n, height, width, channels).
    """
    is_flipped = rng.random(len(pictures)) < 0.5
    return np.where(is_flipped[:, None, None, None], pictures[:, :, ::-1], pictures)


def shift(
    pictures: Pixels,
    rng: np.random.Generator,
    *,
    pixels: int,
    beyond: Literal["constant", "reflect"],
) -> Pixels:
    """Move each picture along both axes.

    Args:
        pictures: Pictures with levels in [0, 255].
        rng: Generator of the distances.
        pixels: Largest distance along an axis, in pixels.
        beyond: What comes in from outside: "constant" for black, "reflect" for the picture itself,
            reflected at its edge.

    Shapes:
        pictures and result: (n, height, width, channels).
    """
    count, height, width = pictures.shape[:3]
    padded = np.pad(pictures, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), beyond)
    top, left = rng.integers(0, 2 * pixels + 1, (2, count, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    moved: Pixels = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def erase(pictures: Pixels, rng: np.random.Generator, *, share: float = 0.5) -> Pixels:
    """Fill a rectangle with noise in a share of the pictures.

    Shapes:
        pictures and result: (n, height, width, channels).
    """
    count, height, width = pictures.shape[:3]
    area = rng.uniform(*_ERASED_AREA, count) * height * width
    aspect = np.exp(rng.uniform(-_ERASED_LOG_ASPECT, _ERASED_LOG_ASPECT, count))
    rows = _choose_stretch(rng, height, np.sqrt(area * aspect))
    columns = _choose_stretch(rng, width, np.sqrt(area / aspect))
    is_erased = rng.random((count, 1, 1)) < share
    hidden = is_erased & rows[:, :, None] & columns[:, None, :]
    noise = rng.integers(0, 256, pictures.shape, np.uint8)
    return np.where(hidden[..., None], noise, pictures)


def _choose_stretch(
    rng: np.random.Generator, side: int, length: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Choose a stretch of rows, or of columns, in each picture.

    Args:
        rng: Generator of the starts.
        side: Number of rows.
        length: Length of each picture's stretch.

    Shapes:
        length: (n,); result: (n, side), True within the stretch.
    """
    start = rng.random((len(length), 1)) * np.maximum(side - length, 0)[:, None]
    index = np.arange(side)
    return np.asarray((start <= index) & (index < start + length[:, None]))
