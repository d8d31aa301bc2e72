"""One division of a picture into ink and paper, and how plausible it is.

The ink is whatever was drawn with, of any colour. A map of the ink holds how much of each pixel is
covered, from 0 to about 1.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitrine.geometry.components import Labels, label_components
from vitrine.geometry.fitted import Levels, Mask
from vitrine.geometry.raster import (
    border_pixels,
    bounding_box,
    dilate,
    erode,
    squareness,
)
from vitrine.geometry.strokes import stroke_width
from vitrine.opencv import cv2

# Ink stands out from the paper by at least so many levels.
_LEAST_CONTRAST = 8.0
# A part with more pixels on the picture's border reaches in from outside.
_MOST_CONTACT = 2


@dataclass(frozen=True)
class Segmentation:
    """One division of a picture into ink and paper.

    Attributes:
        ink: How much of each pixel is covered.
        direction: Direction from the paper's colour to the ink's, of length 1.
        floor: Level of `ink` above which a pixel may be ink.
        difference: The picture less the paper's colour.

    Shapes:
        ink: (height, width); direction: (channels,); difference: (height, width, channels).
    """

    ink: Levels
    direction: Levels
    floor: float
    difference: Levels

    @cached_property
    def inked(self) -> Mask:
        """Where there is ink."""
        return np.asarray(self.ink > self.floor)

    @cached_property
    def labels(self) -> Labels:
        """The connected parts of the ink, numbered from 1."""
        return label_components(self.inked)

    @cached_property
    def mass(self) -> NDArray[np.float64]:
        """How much ink each part holds."""
        mass = np.bincount(self.labels[self.inked], self.ink[self.inked])[1:]
        return np.asarray(mass, np.float64)

    @cached_property
    def contact(self) -> NDArray[np.intp]:
        """How many pixels of each part lie on the picture's border."""
        return np.bincount(border_pixels(self.labels), minlength=len(self.mass) + 1)[1:]

    @cached_property
    def inside(self) -> Mask:
        """Which parts may be the digit: those off the border, if they hold enough ink; else all."""
        off_border = self.contact <= _MOST_CONTACT
        is_enough = self.mass[off_border].sum() > 0.15 * self.mass.max()
        return off_border if is_enough else np.ones_like(off_border)

    @cached_property
    def area(self) -> int:
        """How many pixels hold ink."""
        return int(np.count_nonzero(self.inked))

    @property
    def is_plain(self) -> bool:
        """Whether there is a little ink on clean paper, and nothing else."""
        if 5 * self.area >= self.ink.size or border_pixels(self.inked).any():
            return False
        around = (~dilate(self.inked)).view(np.uint8)
        return bool(cv2.norm(self.ink, cv2.NORM_L1, around) < 0.1 * self.ink.sum())

    @property
    def doubt(self) -> float:
        """How implausible the ink is: half covered over whole areas, or along the border."""
        is_flat = dilate(self.ink) - erode(self.ink) < 0.3
        grey = self.ink[is_flat & (self.ink > 0.2)]
        along_border = float(self.contact.sum()) / (2 * sum(self.ink.shape))
        # Thin strokes along the border are a digit that was cut to its edges.
        outside = (4 if self.thickness > 0.2 else 1) * along_border
        return float((4 * grey * (1 - grey)).sum() / self.ink.sum()) + outside

    @cached_property
    def largest(self) -> Mask:
        """Where the largest part is that may be the digit."""
        return np.asarray(self.labels == 1 + np.where(self.inside, self.mass, 0).argmax())

    @cached_property
    def thickness(self) -> float:
        """The width of the digit's strokes as a share of its longer side."""
        return stroke_width(self.largest) / bounding_box(self.largest).longer_side

    @property
    def squareness(self) -> float:
        """The share of the smallest rectangle around the largest part that the part fills."""
        return squareness(self.labels == 1 + self.mass.argmax())


def segment(difference: Levels) -> Segmentation | None:
    """Divide a picture into ink and paper; None where nothing stands out.

    Args:
        difference: The picture less the paper's colour.

    Shapes:
        difference: (height, width, channels).
    """
    distance = _length(difference)
    # Half of the pixels and more are paper: their median distance is noise.
    is_clean = 2 * cv2.countNonZero(distance) < distance.size
    noise = 0.0 if is_clean else _median(distance.ravel())
    segmentation = _segment_above(difference, distance, noise)
    if segmentation is not None:
        return segmentation
    # Much ink raises the median; a quarter of the pixels is paper then, too.
    noise = 2 * _quantile(distance.ravel(), 0.25)
    segmentation = _segment_above(difference, distance, noise)
    # With little ink it was noise that hid the ink, not the ink itself.
    is_covered = segmentation is not None and 4 * segmentation.area > distance.size
    return segmentation if is_covered else None


def _length(difference: Levels) -> Levels:
    """Return the length of each pixel's difference."""
    if difference.shape[2] == 1:
        return np.abs(difference[..., 0])
    squares = [np.square(channel) for channel in cv2.split(difference)]
    return np.asarray(np.sqrt(sum(squares)), np.float32)


def _segment_above(difference: Levels, distance: Levels, noise: float) -> Segmentation | None:
    """Measure how far pixels are from the paper, in the direction of what stands out most.

    Args:
        difference: The picture less the paper's colour.
        distance: Length of the difference.
        noise: Distance that the paper's own pixels have.
    """
    # 1. The ink's colour is the mean of what stands out most.
    floor = 4 * noise + 2
    threshold = _otsu_threshold(distance, floor)
    strong = distance * (distance > threshold)
    direction = _sum_of_colours(difference, strong)
    length = np.sqrt(np.square(direction).sum())
    if length == 0:
        return None
    # 2. A pixel holds as much ink as it lies in the direction of that colour.
    direction = direction / length
    ink = np.maximum(_along(difference, direction), 0)
    # 3. A pixel that is covered whole has the usual level of what stands out.
    level = threshold if np.array_equal(ink, distance) else _otsu_threshold(ink, floor)
    above = ink[ink > level]
    peak = _quantile(above, 0.7) if above.size else 0.0
    if peak < max(_LEAST_CONTRAST, 6 * noise):
        return None
    ink = np.minimum(ink / np.float32(peak), 1)
    floor = max(0.3 * level, floor) / peak
    return Segmentation(ink, direction, floor, difference) if (ink > floor).any() else None


def _sum_of_colours(difference: Levels, weight: Levels) -> Levels:
    """Add the differences of all pixels, each with a weight."""
    if difference.shape[2] == 1:
        return np.asarray(np.einsum("hwc,hw->c", difference, weight), np.float32)
    counts = weight > 0
    return np.asarray(np.einsum("nc,n->c", difference[counts], weight[counts]), np.float32)


def _along(difference: Levels, direction: Levels) -> Levels:
    """Return how far each pixel's difference reaches in a direction."""
    if direction.size == 1:
        return np.asarray(difference[..., 0] * direction[0], np.float32)
    return np.asarray(difference.reshape(-1, direction.size) @ direction, np.float32).reshape(
        difference.shape[:2]
    )


def _otsu_threshold(levels: Levels, floor: float) -> float:
    """Return the level that best divides the levels above `floor` in two.

    References:
        Otsu (1979), A threshold selection method from gray-level histograms,
        IEEE Trans. SMC 9(1). doi:10.1109/TSMC.1979.4310076
    """
    levels = levels[levels > floor]
    if not levels.size:
        return floor
    # 1. Count the levels into 128 bins.
    top = float(levels.max())
    counts = np.bincount((levels * (127 / top)).astype(np.intp), minlength=128)
    # 2. For each bin, the number and the mean of the levels up to it, and of those beyond it.
    below = np.cumsum(counts)[:-1]
    above = levels.size - below
    mass = np.cumsum(counts * np.arange(128))
    mean_below = mass[:-1] / np.maximum(below, 1)
    mean_above = (mass[-1] - mass[:-1]) / np.maximum(above, 1)
    # 3. The best division has the largest variance between its two classes.
    between = below * above * np.square(mean_below - mean_above)
    return (float(between.argmax()) + 0.5) * top / 127


def _median(values: NDArray[np.floating]) -> float:
    """Return what `np.median` returns, without its work for axes and missing values."""
    low, high = (values.size - 1) // 2, values.size // 2
    ordered = np.partition(values, (low, high))
    return float((ordered[low] + ordered[high]) / 2)


def _quantile(values: NDArray[np.floating], share: float) -> float:
    """Return what `np.quantile` returns, without its work for axes and missing values."""
    position = (values.size - 1) * share
    below = int(position)
    above, rest = min(below + 1, values.size - 1), position - below
    ordered = np.partition(values, (below, above))
    low, high = ordered[below], ordered[above]
    return float(high - (high - low) * (1 - rest) if rest >= 0.5 else low + (high - low) * rest)
