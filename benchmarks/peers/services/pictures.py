"""A picture as a network takes it."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Levels = NDArray[np.float32]


def read_picture(file: bytes) -> Levels:
    """Decode a picture.

    Shapes:
        (28, 28, 1).
    """
    return as_levels(Image.open(io.BytesIO(file)))


def as_levels(image: Image.Image) -> Levels:
    """Return the levels of a picture's pixels, and decode it, where it is not yet.

    Shapes:
        (28, 28, 1).
    """
    return np.asarray(image.convert("L"), np.float32)[..., np.newaxis]
