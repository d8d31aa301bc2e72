"""The small digits that come with scikit-learn and need no download."""

import hashlib
from functools import cache

import numpy as np
from sklearn.datasets import load_digits

from training.datasets.picture_data import PictureData, fit_pictures, split_off_test
from training.datasets.published import Location


@cache
def _load() -> PictureData:
    digits = load_digits()
    levels = np.rint(digits.images[..., np.newaxis] * (255 / 16)).astype(np.uint8)
    y = digits.target.astype(np.int64)
    # In eight pixels without a margin the geometry could not tell ink from paper.
    framed = np.pad(levels, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return split_off_test(
        fit_pictures("mnist", fit_pictures("fit", framed, (40, 40, 1)), (28, 28, 1)),
        y,
        labels=tuple("0123456789"),
        sha256=hashlib.sha256(levels.tobytes() + y.astype(np.uint8).tobytes()).hexdigest(),
    )


def read_embedded_digits(_location: Location) -> PictureData:
    """Read the 1 797 digits of 8 x 8 pixels in the geometry of MNIST.

    References:
        Alpaydin and Kaynak (1998), Optical recognition of handwritten digits,
        doi:10.24432/C50P49.
    """
    return _load()
