"""The IDX format, in which MNIST and Fashion-MNIST were published."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets.picture_data import PictureData, Pixels, fit_pictures
from training.datasets.published import Location, Published


def read_idx(
    location: Location, published: Published, *, geometry: str, labels: tuple[str, ...]
) -> PictureData:
    """Read pictures of 28 x 28 grey pixels.

    Args:
        location: Where the files are found.
        published: Four files: training pictures, their labels, test pictures, their labels.
        geometry: Geometry of the pictures.
        labels: Class labels in the order of the codes in the files.
    """
    unpacked = published.read(location)
    images, codes, test_images, test_codes = (_parse_idx(body) for body in unpacked)
    shape = (*images.shape[1:], 1)
    return PictureData(
        x=fit_pictures(geometry, images[..., np.newaxis], shape),
        y=codes.astype(np.int64),
        test_x=fit_pictures(geometry, test_images[..., np.newaxis], shape),
        test_y=test_codes.astype(np.int64),
        labels=labels,
        sha256=hashlib.sha256(b"".join(unpacked)).hexdigest(),
    )


def _parse_idx(body: bytes) -> Pixels:
    """Parse bytes: a header with the lengths of the axes, then the values."""
    axes = body[3]
    shape = np.frombuffer(body, dtype=">i4", count=axes, offset=4)
    values: NDArray[Any] = np.frombuffer(body, dtype=np.uint8, offset=4 + 4 * axes)
    return values.reshape(shape)
