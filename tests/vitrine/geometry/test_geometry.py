"""Every geometry is found by its name, with its version."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from vitrine.geometry import GEOMETRIES


@pytest.mark.parametrize("name", ["mnist", "fashion", "fit"])
def test_geometry_has_a_version(name: str) -> None:
    assert GEOMETRIES[name].version >= 1


@pytest.mark.skipif("VITRINE_DATA" not in os.environ, reason="VITRINE_DATA names no folder")
@pytest.mark.parametrize(("name", "data"), [("mnist", "mnist"), ("fashion", "fashion_mnist")])
def test_every_picture_of_the_data_set_passes_bit_for_bit(name: str, data: str) -> None:
    folder = Path(os.environ["VITRINE_DATA"]) / data
    files = sorted(folder.glob("*images*.gz"))
    assert len(files) == 2
    for file in files:
        pictures = np.frombuffer(gzip.decompress(file.read_bytes())[16:], np.uint8)
        for picture in pictures.reshape(-1, 28, 28, 1):
            assert np.array_equal(GEOMETRIES[name].fit(picture, (28, 28, 1)).pixels, picture)
