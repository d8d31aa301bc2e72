"""Calibration scores as the manifest holds them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ascending(scores: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """Return scores in ascending order, with the digits that a float32 has."""
    return tuple(
        float(np.format_float_positional(score)) for score in np.sort(scores.astype(np.float32))
    )
