"""Pictures unlike those of any set, made by code: an autoencoder should score them as anomalies."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from training.datasets.picture_data import fit_pictures
from training.drawing.letters import draw_letters

Pixels = NDArray[np.uint8]


def out_of_distribution_pictures(
    pixels: Pixels, geometry_name: str, rng: np.random.Generator
) -> Mapping[str, Pixels]:
    """Make pictures of several kinds, from those most unlike a set to those most like it.

    Args:
        pixels: Pictures of the set in its geometry, of which some kinds are made.
        geometry_name: A name in `vitrine.geometry.GEOMETRIES`.
        rng: Generator of noise and of orders.

    Returns:
        The pictures by kind, with levels in [0, 255].

    Shapes:
        pixels and each kind: (n, height, width, channels).
    """
    count, *shape = pixels.shape
    shuffled = rng.permuted(pixels.reshape(count, -1), axis=1)
    return {
        "noise": rng.integers(0, 256, pixels.shape, dtype=np.uint8),
        "inverted": 255 - pixels,
        "shuffled": shuffled.reshape(pixels.shape),
        "letters": fit_pictures(geometry_name, draw_letters(), tuple(shape)),
    }
