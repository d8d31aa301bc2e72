"""The result of every geometry."""

from dataclasses import dataclass

from vitrine.geometry.raster import Levels

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
