"""The digits of scikit-learn in the geometry of MNIST."""

from pathlib import Path

import numpy as np
import pytest

from training.datasets.picture_data import PictureData
from training.datasets.picture_sets import (
    PICTURE_SETS,
)
from training.datasets.published import Location

NOWHERE = Location(None, Path())


@pytest.fixture(scope="module")
def digits() -> PictureData:
    """The digits that come with scikit-learn."""
    return PICTURE_SETS["digits8x8"].read(NOWHERE)


def test_embedded_digits_have_the_geometry_of_mnist(digits: PictureData) -> None:
    assert digits.x.shape == (1437, 28, 28, 1)
    assert digits.test_x.shape == (360, 28, 28, 1)
    for pixels in digits.x[..., 0]:
        rows, columns = np.nonzero(pixels)
        assert max(np.ptp(rows), np.ptp(columns)) == 19
    assert np.bincount(digits.test_y).min() >= 34
