"""What every geometry takes and returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A picture of any element type, (height, width, channels).
Pixels = NDArray[np.generic]
# A picture, (height, width, channels), or one channel of it, (height, width).
Levels = NDArray[np.float32]
Mask = NDArray[np.bool_]
Shape = tuple[int, ...]
# The steps taken so far. The keys of a dictionary are a set that keeps its order.
Steps = dict[str, None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A picture as a network sees it.

    Attributes:
        pixels: Whole levels in [0, 255].
        steps: What was done to get there, in plain words; empty where nothing was done.

    Shapes:
        pixels: (height, width, channels), those of the network.
    """

    pixels: Levels
    steps: tuple[str, ...]
