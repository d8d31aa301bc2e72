"""Pixels of any picture -> the array that a network was trained on, and the steps taken.

A geometry has a version. Whatever changes what a geometry returns changes its version, and a
network only sees pictures in the geometry that it was trained with.

- `mnist`: one figure drawn on paper, as white ink on black, in MNIST's box. On its way: `ink` finds
  the figure, `segmentation` divides a picture into ink and paper, `paper` estimates the colour of
  the paper, `frames` cuts a drawn frame away, `ruling` removes ruled lines, `strokes` makes strokes
  wider or thinner.
- `fashion`: one thing photographed before a plain background, as the makers of Fashion-MNIST
  prepared theirs.
- `fit`: any picture, whole.
- All three stand on `fitted` (their result), `raster` (operations on pixels), `components`
  (connected parts of a mask) and `noise` (a picture in which nothing stands out).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from vitrine.extras import needs
from vitrine.geometry.fitted import Fitted, Pixels, Shape

__all__ = ["GEOMETRIES", "Fit", "Fitted", "Geometry"]

Fit = Callable[[Pixels, Shape], Fitted]


@dataclass(frozen=True)
class Geometry:
    """One way to bring pictures to what a network takes.

    Attributes:
        version: Number of the algorithm; another number means other results.
        load: Function that imports and returns `fit`. Versions are compared without OpenCV.
    """

    version: int
    load: Callable[[], Fit]

    @cached_property
    def fit(self) -> Fit:
        """The function that brings a picture to the geometry.

        It takes a picture's levels in [0, 255], (height, width, channels) with 1 or 3 channels, and
        the network's own shape, and returns the picture in that shape. The shape is (28, 28, 1) in
        every geometry but "fit". It raises `BlankPicture` where nothing stands out from the
        background.

        Raises:
            MissingExtra: What pictures need is not installed.
        """
        with needs("pictures"):
            return self.load()


def _mnist() -> Fit:
    from vitrine.geometry.mnist import fit_mnist  # noqa: PLC0415 - tables need no OpenCV

    return fit_mnist


def _fashion() -> Fit:
    from vitrine.geometry.fashion import fit_fashion  # noqa: PLC0415 - tables need no OpenCV

    return fit_fashion


def _whole() -> Fit:
    from vitrine.geometry.fit import fit_whole  # noqa: PLC0415 - tables need no OpenCV

    return fit_whole


GEOMETRIES: Mapping[str, Geometry] = MappingProxyType(
    {
        "mnist": Geometry(version=3, load=_mnist),
        "fashion": Geometry(version=1, load=_fashion),
        "fit": Geometry(version=1, load=_whole),
    }
)
