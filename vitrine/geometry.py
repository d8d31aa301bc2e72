"""Pixels of any picture -> the array a network was trained on, and the steps taken.

A geometry has a version: whatever changes what it returns changes the number, and a model is only
run with the geometry it was trained with.

- `mnist`: one figure drawn on paper, as white ink on black, in MNIST's box.
- `fashion`: one thing photographed before a plain ground, as Fashion-MNIST's curators made it.
- `fit`: any picture, whole.

Inside, *paper* is whatever was drawn on and *ink* what it was drawn with, of any two colours. A
map of the ink holds how much of each pixel is covered, from 0 to about 1.

References:
    LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document recognition,
    Proc. IEEE 86(11), section III.A. doi:10.1109/5.726791
    Xiao, Rasul, Vollgraf (2017), Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
    Learning Algorithms, section 2. arXiv:1708.07747
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import BlankPicture

Pixels = NDArray[np.generic]
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.intp]
Shape = tuple[int, ...]
_Steps = dict[str, None]  # an ordered set

GEOMETRY_VERSIONS = {"mnist": 2, "fashion": 1, "fit": 1}

_SIDE = 28
_BOX = 20
# Ink is looked for in a picture of about this size, and again around it if it is small there.
_WORKING_SIDE = 160
_SMALL_SIDE = 56
# The colour of the paper is looked for on a grid of about this size.
_GRID_SIDE = 24
# Half the width of a line on paper in a picture of working size.
_LINE = 2
# Nine tenths of even paper's levels lie within so many.
_EVEN = 12.0
# Bare paper, photographed in bad light, has neighbouring pixels that differ by a tenth of this.
_GRAINY = 32.0
# The digit is drawn again at four times its final size: averaging blocks of that gives the smooth
# edges that MNIST's own reduction gave.
_CANVAS = 4 * _BOX
# Nineteen in twenty MNIST strokes are at least, and at most, this many pixels wide.
_STROKE = (1.7, 3.8)
# A thing before a plain ground is mapped in a picture of at most this size.
_LARGE_SIDE = 480
# What is closer to the ground than 5 % of white is trimmed, as Fashion-MNIST's curators did.
_TRIMMED = 12.75
# Corners that differ by more are not of one ground in uneven light.
_SHADE = 64.0
# A picture reduced at least so far is sharpened.
_COARSE = 0.5
_SHARPENING = 0.3
# The share of each colour in grey, as ITU-R BT.601 and Pillow have it.
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a network sees of a picture.

    Attributes:
        pixels: Whole levels in [0, 255].
        steps: What was done to get there, in plain words; empty where nothing was.

    Shapes:
        pixels: (height, width, channels), those of the network.
    """

    pixels: Map
    steps: tuple[str, ...]


def fit(name: str, pixels: Pixels, shape: Shape) -> Fitted:
    """Bring a picture to the named geometry.

    Args:
        name: One of `GEOMETRY_VERSIONS`.
        pixels: Levels in [0, 255].
        shape: Of what the network takes, (height, width, channels): (28, 28, 1) but for "fit".

    Shapes:
        pixels: (height, width, channels), channels 1 or 3.

    Raises:
        BlankPicture: Nothing stands out from the background.
    """
    return _GEOMETRIES[name](pixels, shape)


def _fit_mnist(pixels: Pixels, _shape: Shape) -> Fitted:
    pixels = _without_equal_channels(pixels)
    if _is_mnist(pixels):
        return Fitted(pixels.astype(np.float32), ())
    steps: _Steps = {}
    try:
        ink = _find_ink(pixels, steps)
    except BlankPicture:
        if _graininess(pixels) < _GRAINY:
            raise
        return Fitted(_whole(pixels), ("no ink found: taken whole",))
    return Fitted(_drawn_again(ink, steps)[..., np.newaxis], tuple(steps))


def _graininess(pixels: Pixels) -> float:
    """Return by how many levels neighbouring pixels differ on average."""
    levels = pixels.astype(np.float32)
    steps = [np.abs(np.diff(levels, axis=axis)) for axis in (0, 1)]
    return float(sum(step.sum() for step in steps) / max(1, sum(step.size for step in steps)))


def _whole(pixels: Pixels) -> Map:
    """Shrink or enlarge a picture as it is: what it shows is for the network to doubt."""
    grey = pixels.mean(axis=2, keepdims=True, dtype=np.float32)
    return np.rint(_resized(grey, (_SIDE, _SIDE)))


def _without_equal_channels(pixels: Pixels) -> Pixels:
    first = pixels[..., :1]
    grey = all(np.array_equal(first, pixels[..., i : i + 1]) for i in range(1, pixels.shape[2]))
    return first if grey else pixels


def _is_mnist(pixels: Pixels) -> bool:
    """Say whether a picture has MNIST's geometry, by what all of its 70 000 pictures share."""
    if pixels.shape != (_SIDE, _SIDE, 1):
        return False
    levels = pixels[..., 0].astype(np.float64)
    if not (levels.min() == 0 and levels.max() >= 254):
        return False
    top, bottom, left, right = _box(levels > 0)
    if not _BOX - 1 <= max(bottom - top, right - left) <= _BOX:
        return False
    return all(13.48 <= centre <= 14.5 for centre in _centre(levels))


def _find_ink(pixels: Pixels, steps: _Steps, *, closer: bool = False) -> Map:
    """Map the ink of the digit, cut to where it is."""
    view = _reduced(pixels, _WORKING_SIDE)
    reading = _best_reading(view)
    if reading.contact.sum() > 1:
        reading = _without_lines(reading, steps)
    keep = _belongs(reading)
    digit = _extended(np.append(False, keep)[reading.labels], np.maximum)
    top, bottom, left, right = _box(digit)
    side = max(bottom - top, right - left)
    if not closer and view.shape[0] < pixels.shape[0] and side < _SMALL_SIDE:
        margin = side // 2 + 2
        rows, columns = (
            slice(max(0, int((low - margin) * scale)), int((high + margin) * scale))
            for low, high, scale in (
                (top, bottom, pixels.shape[0] / view.shape[0]),
                (left, right, pixels.shape[1] / view.shape[1]),
            )
        )
        return _find_ink(pixels[rows, columns], steps, closer=True)
    if _is_uneven(view, reading):
        steps["background removed"] = None
    if not keep.all():
        steps["specks removed"] = None
    if reading.direction.sum() < 0:
        steps["inverted"] = None
    if side < max(view.shape):
        steps["cropped"] = None
    return np.where(digit, reading.ink, np.float32(0))[top:bottom, left:right]


def _is_uneven(view: Map, reading: "_Reading") -> bool:
    """Say whether the paper has shades, a colour's gradient or a grain that was taken away."""
    sparse = slice(None, None, 4), slice(None, None, 4)
    paper = np.sort(view[sparse][reading.ink[sparse] <= reading.floor], axis=0)
    few = len(paper) // 20
    return len(paper) > 0 and bool((paper[-1 - few] - paper[few]).max() > _EVEN)


def _reduced(pixels: Pixels, side: int) -> Map:
    """Average a picture down by a whole factor to at most `side` pixels a side."""
    height, width, channels = pixels.shape
    factor = -(-max(height, width) // side)
    if factor == 1:
        return pixels.astype(np.float32)
    down, across = min(factor, height), min(factor, width)
    rows, columns = height // down, width // across
    part = pixels[: rows * down, : columns * across]
    sums = part.reshape(rows, down, -1).sum(axis=1, dtype=np.float32)
    blocks = sums.reshape(rows, columns, across, channels).sum(axis=2)
    return np.asarray(blocks / np.float32(down * across), np.float32)


@dataclass(frozen=True)
class _Reading:
    """One way to tell ink from paper.

    Attributes:
        ink: How much each pixel is covered.
        direction: The colour of the ink, seen from the paper's.
        floor: What is above it may be ink.
    """

    ink: Map
    direction: Map
    floor: float

    @cached_property
    def labels(self) -> Labels:
        """Return the connected parts of the ink, numbered from 1."""
        return _label(self.ink > self.floor)

    @cached_property
    def mass(self) -> NDArray[np.float64]:
        """Return how much ink each part holds."""
        return np.bincount(self.labels.ravel(), self.ink.ravel())[1:].astype(np.float64)

    @cached_property
    def contact(self) -> Labels:
        """Return how many pixels of each part lie on the picture's border."""
        sides = (
            self.labels[0],
            self.labels[-1],
            self.labels[1:-1, 0],
            self.labels[1:-1, -1],
        )
        return np.bincount(np.concatenate(sides), minlength=len(self.mass) + 1)[1:]

    @cached_property
    def inside(self) -> Mask:
        """Say which parts may be the digit: those off the border, where they hold enough ink."""
        off = self.contact <= 2
        enough = self.mass[off].sum() > 0.15 * self.mass.max()
        return off if enough else np.ones_like(off)

    @cached_property
    def area(self) -> int:
        """Return how many pixels hold ink."""
        return int(np.count_nonzero(self.labels))

    @property
    def plain(self) -> bool:
        """Say whether there is nothing but a little ink on clean paper."""
        stray = self.ink[_extended(self.labels, np.maximum) == 0].sum()
        off_border = self.contact.sum() == 0
        return bool(off_border and stray < 0.1 * self.ink.sum() and 5 * self.area < self.ink.size)

    @property
    def doubt(self) -> float:
        """Return how unlike ink on paper this is: how grey and flat, how much along the border."""
        flat = _extended(self.ink, np.maximum) - _extended(self.ink, np.minimum) < 0.3
        grey = self.ink[flat & (self.ink > 0.2)]
        along = float(self.contact.sum()) / (2 * sum(self.ink.shape))
        outside = (4 if self.thickness > 0.2 else 1) * along  # else a digit cut to its edges
        return float((4 * grey * (1 - grey)).sum() / self.ink.sum()) + outside

    @cached_property
    def main(self) -> Mask:
        """Return where the largest part is that may be the digit."""
        return np.asarray(self.labels == 1 + np.where(self.inside, self.mass, 0).argmax())

    @cached_property
    def thickness(self) -> float:
        """Return the width of the digit's strokes relative to its longer side."""
        top, bottom, left, right = _box(self.main)
        return _stroke_width(self.main) / max(bottom - top, right - left)

    @property
    def squareness(self) -> float:
        """Return which share of the smallest rectangle around it the largest part fills."""
        largest = self.labels == 1 + self.mass.argmax()
        rows = np.flatnonzero(largest.any(axis=1))
        left = largest.argmax(axis=1)[rows]
        right = largest.shape[1] - 1 - largest[:, ::-1].argmax(axis=1)[rows]
        outline = np.concatenate([np.stack([rows, left]), np.stack([rows, right])], axis=1)
        angles = np.linspace(0, np.pi / 2, 24, endpoint=False)
        down = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ outline
        across = np.stack([-np.sin(angles), np.cos(angles)], axis=1) @ outline
        rectangles = (np.ptp(down, axis=1) + 1) * (np.ptp(across, axis=1) + 1)
        return float((right - left + 1).sum() / rectangles.min())


def _best_reading(view: Map) -> _Reading:
    """Choose the idea of the paper that leaves least in doubt."""
    readings: list[_Reading] = []
    for away in _ways(view):
        reading = _read(away)
        if reading is not None:
            readings.append(reading)
            if readings[0].plain:
                return readings[0]
    if not readings:
        raise BlankPicture
    first = readings[0]
    return min(readings, key=lambda reading: reading.doubt + _against(reading, first))


def _against(reading: _Reading, first: _Reading) -> float:
    """Return what speaks against a reading beside the smooth one.

    The digit's counters are as good a digit on ink as the digit is on paper, so that the reading
    with the opposite ink counts less, unless the first took a sheet on a table for ink.
    """
    if reading is first:
        return 0.0
    size = max(reading.ink.shape)
    unlikely = 0.4 if size < 64 else 0.0  # shadows and tables are in photographs
    if float(reading.direction @ first.direction) > -0.2:
        return unlikely
    sheet = (
        size >= 64
        and np.count_nonzero(reading.main) < 0.5 * first.area
        and reading.thickness < 0.3
        and first.squareness > 0.85
    )
    return -4.0 if sheet else unlikely + 0.6


def _ways(view: Map) -> Iterator[Map]:
    """Subtract the paper, found in several ways, from the picture."""
    yield view - _smooth_paper(view, corners=False)
    yield view - _smooth_paper(view, corners=True)
    grid = _reduced(view, _GRID_SIDE)
    for reach in (5, 3):
        yield _beyond(view, _median_around(grid, reach))


def _smooth_paper(view: Map, *, corners: bool) -> Map:
    """Fit a quadratic surface to the paper, leaving out what lies far from it as ink.

    Args:
        view: The picture.
        corners: Start from the colour of the corners, not from the commonest colour.
    """
    height, width, channels = view.shape
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in (height, width))
    every = (slice(None, None, -(-height // 20)), slice(None, None, -(-width // 20)))
    samples = view[every].reshape(-1, channels)
    sample_y, sample_x = (
        axis.ravel() for axis in np.meshgrid(y[every[0]], x[every[1]], indexing="ij")
    )
    edges = (np.abs(sample_y) > 0.85).astype(int) + (np.abs(sample_x) > 0.85)
    prior = np.array([1.0, 1.0, 10.0] if corners else [1.0, 2.0, 4.0])[edges]
    centre = _weighted_median(samples, np.where(edges == 2, 1.0, 1e-6) if corners else prior)
    terms = _quadratic(sample_y, sample_x)
    residual = np.abs(samples - centre).max(axis=1)
    damping = np.diag([0, 1, 1, 1, 1, 1])
    coefficients = np.zeros((6, channels))
    for _ in range(5):
        scale = 3 + 4 * _weighted_median(residual[:, np.newaxis], prior)[0]
        weight = prior * np.square(np.maximum(0, 1 - np.square(residual / scale)))
        weighted = terms * weight[:, np.newaxis]
        normal = terms.T @ weighted + 1e-3 * weight.sum() * damping + 1e-9 * np.eye(6)
        coefficients = np.linalg.solve(normal, weighted.T @ samples)
        residual = np.abs(samples - terms @ coefficients).max(axis=1)
    c = coefficients.astype(np.float32)[:, np.newaxis, np.newaxis]
    y, x = y[:, np.newaxis, np.newaxis], x[:, np.newaxis]
    surface = (c[0] + c[1] * y + c[4] * y * y) + (c[2] * x + c[5] * x * x) + (c[3] * x) * y
    return np.asarray(surface, np.float32)


def _quadratic(y: NDArray[np.floating], x: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.stack([np.ones_like(y), y, x, y * x, y * y, x * x], axis=1)


def _weighted_median(
    samples: NDArray[np.floating], weight: NDArray[np.floating]
) -> NDArray[np.floating]:
    order = np.argsort(samples, axis=0)
    total = np.cumsum(weight[order], axis=0)
    middle = (total >= total[-1] / 2).argmax(axis=0)
    rows = np.take_along_axis(order, middle[np.newaxis], 0)
    return np.asarray(np.take_along_axis(samples, rows, 0)[0])


def _median_around(grid: Map, reach: int) -> Map:
    """Take the median of each channel around each cell: shadows keep their edges, strokes go."""
    padded = np.pad(grid, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    size = 2 * reach + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(0, 1))
    every_other = windows[..., ::2, ::2].reshape(*grid.shape, -1)
    return np.median(every_other, axis=-1).astype(np.float32)


def _beyond(view: Map, paper: Map) -> Map:
    """Subtract what lies between the colours that neighbouring cells of paper have.

    Within a shadow's soft edge every colour between its two sides is paper's.
    """
    low, high = (
        _resized(_extended(paper, extreme), view.shape[:2]) for extreme in (np.minimum, np.maximum)
    )
    return np.asarray(np.minimum(view - low, 0) + np.maximum(view - high, 0))


def _read(away: Map) -> _Reading | None:
    distance = np.sqrt(np.square(away).sum(axis=2))
    reading = _read_above(away, distance, float(np.median(distance)))
    if reading is not None:
        return reading
    reading = _read_above(away, distance, 2 * float(np.quantile(distance, 0.25)))
    covered = reading is not None and 4 * reading.area > distance.size
    return reading if covered else None  # else it was noise that hid the ink, not the ink itself


def _read_above(away: Map, distance: Map, noise: float) -> _Reading | None:
    """Measure how far pixels are from the paper, towards the colour of what stands out most."""
    floor = 4 * noise + 2
    strong = np.where(distance > _split(distance, floor), distance, 0)
    direction = np.einsum("hwc,hw->c", away, strong)
    length = np.sqrt(np.square(direction).sum())
    if length == 0:
        return None
    direction = direction / length
    ink = np.maximum(away @ direction, 0)
    level = _split(ink, floor)
    above = ink[ink > level]
    peak = float(np.percentile(above, 70)) if above.size else 0.0
    if peak < max(8.0, 6 * noise):
        return None
    ink = np.minimum(ink / np.float32(peak), 1)
    floor = max(0.3 * level, floor) / peak
    return _Reading(ink, direction, floor) if (ink > floor).any() else None


def _split(levels: Map, floor: float) -> float:
    """Find the level that best parts those above `floor` in two.

    References:
        Otsu (1979), A threshold selection method from gray-level histograms,
        IEEE Trans. SMC 9(1). doi:10.1109/TSMC.1979.4310076
    """
    levels = levels[levels > floor]
    if not levels.size:
        return floor
    top = float(levels.max())
    counts = np.bincount((levels * (127 / top)).astype(np.intp), minlength=128)
    below = np.cumsum(counts)[:-1]
    above = levels.size - below
    mass = np.cumsum(counts * np.arange(128))
    apart = mass[:-1] / np.maximum(below, 1) - (mass[-1] - mass[:-1]) / np.maximum(above, 1)
    between = below * above * np.square(apart)
    return (float(between.argmax()) + 0.5) * top / 127


def _belongs(reading: _Reading) -> Mask:
    """Tell the parts of the digit from specks, scraps of lines and what reaches in from outside."""
    keep = reading.inside & (reading.mass >= 0.04 * reading.mass[reading.inside].max())
    if reading.inside.all():
        return np.asarray(keep)
    labels = reading.labels.ravel()
    dark = np.bincount(labels, reading.ink.ravel() > 0.6)[1:] > 0.1 * np.bincount(labels)[1:]
    return np.asarray(keep & dark if (keep & dark).any() else keep)


def _without_lines(reading: _Reading, steps: _Steps) -> _Reading:
    """Take the lines of ruled or squared paper out of the ink."""
    ink = _without_rows(_without_rows(reading.ink, reading.floor).T, reading.floor).T
    left = ink.sum() / reading.ink.sum()
    if not 0.1 < left < 1 or not (ink > reading.floor).any():
        return reading
    steps["ruled lines removed"] = None
    return _Reading(ink, reading.direction, reading.floor)


def _without_rows(ink: Map, floor: float) -> Map:
    """Take out thin, nearly level lines that run from side to side."""
    height, width = ink.shape
    if min(height, width) < 48:
        return ink
    slope, rows = _level_lines(ink, floor)
    if not len(rows):
        return ink
    result = ink.copy()
    columns = np.arange(width)
    drop = np.rint(slope * (columns - (width - 1) / 2)).astype(np.intp)
    wide = np.maximum(ink, np.maximum(np.roll(ink, 1, axis=1), np.roll(ink, -1, axis=1)))
    for row in rows:
        centre = row + drop
        above = wide[np.clip(centre - _LINE - 1, 0, height - 1), columns]
        below = wide[np.clip(centre + _LINE + 1, 0, height - 1), columns]
        crossing = np.minimum(above, below)
        for offset in range(-_LINE, _LINE + 1):
            at = np.clip(centre + offset, 0, height - 1), columns
            result[at] = np.minimum(result[at], crossing)
    return result


def _level_lines(ink: Map, floor: float) -> tuple[float, Labels]:
    """Find the common slope of level lines, and the rows at which they cross the middle."""
    height, width = ink.shape
    strips = np.array_split(ink, 16, axis=1)
    profile = np.stack([_around_max(strip.mean(axis=1), 1) for strip in strips], axis=1)
    places = (np.arange(16) + 0.5) * width / 16 - width / 2
    slopes = np.linspace(-0.12, 0.12, 33)
    shift = np.rint(slopes[:, np.newaxis] * places).astype(np.intp)
    rows = np.arange(height)[:, np.newaxis] + shift[:, np.newaxis]
    everywhere = profile[np.clip(rows, 0, height - 1), np.arange(16)]
    ends = np.minimum(everywhere[..., 0], everywhere[..., -1])
    # in thirteen strips of sixteen: the digit hides none of a line, but light may
    present = np.minimum(np.partition(everywhere, 3, axis=2)[..., 3], ends)
    reach = _LINE + 2
    padded = np.pad(present, ((0, 0), (reach, reach)))
    thin = present - np.maximum(padded[:, : -2 * reach], padded[:, 2 * reach :])
    thin = np.where(present > 0.5 * floor, thin, 0)
    best = int(np.maximum(thin - 0.1, 0).sum(axis=1).argmax())
    peaks = (thin[best] > 0.1) & (present[best] >= _around_max(present[best], 2))
    return float(slopes[best]), np.flatnonzero(peaks)


def _around_max(values: Map, reach: int) -> Map:
    padded = np.pad(values, reach)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(windows.max(axis=1))


def _label(mask: Mask) -> Labels:
    """Number the connected parts of a mask from 1, neighbours by side or corner."""
    height, width = mask.shape
    stride = width + 2
    padded = np.zeros((height, stride), np.int8)
    padded[:, 1:-1] = mask
    edges = np.diff(padded.ravel(), prepend=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    # a run touches those of the next row that end after it starts and start before it ends
    first = np.searchsorted(ends, starts + stride - 1, side="right")
    touching = np.searchsorted(starts, ends + stride, side="right") - first
    touching = np.maximum(touching, 0)
    upper = np.repeat(np.arange(len(starts)), touching)
    lower = np.arange(touching.sum()) + np.repeat(first - np.cumsum(touching) + touching, touching)
    numbers = _joined(len(starts), upper, lower)
    changes = np.zeros(padded.size, np.intp)
    changes[starts] = numbers
    changes[ends] -= numbers
    return np.cumsum(changes).reshape(padded.shape)[:, 1:-1]


def _joined(size: int, left: Labels, right: Labels) -> Labels:
    """Number the connected parts of a graph from 1, pulling each node to its smallest neighbour."""
    parent = np.arange(size)
    before = np.full(size, -1)
    while not np.array_equal(parent, before):
        before = parent.copy()
        least = np.minimum(parent[left], parent[right])
        np.minimum.at(parent, before[left], least)
        np.minimum.at(parent, before[right], least)
        parent = parent[parent]
    return np.unique(parent, return_inverse=True)[1] + 1


def _drawn_again(ink: Map, steps: _Steps) -> Map:
    """Draw the ink as MNIST would have: in its box, with its strokes, centred by mass."""
    top, bottom, left, right = _box(ink > 0.2 * ink.max())
    ink = np.pad(ink, 1)[top : bottom + 2, left : right + 2]
    large = _scaled(ink, _CANVAS / (max(ink.shape) - 2))
    large = np.pad(large / large.max(), 8)  # room to grow
    stroke = np.clip((large - 0.2) * 5, 0, 1).astype(np.float32)
    stroke = _with_usual_width(stroke, steps)
    top, bottom, left, right = _box(stroke > 0.5)
    boxed = _scaled(stroke[top:bottom, left:right], _BOX / max(bottom - top, right - left))
    return _centred(np.rint(boxed * (255 / boxed.max())))


def _with_usual_width(stroke: Map, steps: _Steps) -> Map:
    width = _stroke_width(stroke > 0.5)
    thin, thick = (_CANVAS // _BOX * side for side in _STROKE)
    wanted = min(max(width, thin), thick)
    radius = abs(wanted - width) / 2
    if radius < 0.5:
        return stroke
    if wanted > width:
        steps["strokes thickened"] = None
        return _spread(stroke, max(1.0, radius))
    thinned = 1 - _spread(1 - stroke, max(1.0, radius))
    if not (thinned > 0.5).any():
        return stroke
    steps["strokes thinned"] = None
    return thinned


def _stroke_width(mask: Mask) -> float:
    """Return the mean width of strokes, twice their area over the length of their outline."""
    down, across = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    # axis-parallel steps overstate the length of an outline by 4 / pi on average
    outline = (np.count_nonzero(down) + np.count_nonzero(across)) * np.pi / 4
    return 2 * np.count_nonzero(mask) / max(1.0, outline)


def _spread(levels: Map, radius: float) -> Map:
    """Take the largest level within `radius` of each pixel."""
    reach = int(radius)
    padded = np.pad(levels, reach)
    height, width = levels.shape
    result = levels.copy()
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if 0 < dy * dy + dx * dx <= radius * radius:
                part = padded[reach + dy : reach + dy + height, reach + dx : reach + dx + width]
                np.maximum(result, part, out=result)
    return result


def _extended(levels: NDArray[Any], extreme: np.ufunc) -> NDArray[Any]:
    """Take the extreme of each pixel and its eight neighbours."""
    result = levels.copy()
    extreme(result[1:], levels[:-1], out=result[1:])
    extreme(result[:-1], levels[1:], out=result[:-1])
    rows = result.copy()
    extreme(result[:, 1:], rows[:, :-1], out=result[:, 1:])
    extreme(result[:, :-1], rows[:, 1:], out=result[:, :-1])
    return result


def _centred(boxed: Map) -> Map:
    """Put a box into the middle of the picture by its centre of mass."""
    picture = np.zeros((_SIDE, _SIDE), np.float32)
    height, width = boxed.shape
    rows, columns = _centre(boxed)
    top = int(np.clip(np.ceil(13.5 - rows), 0, _SIDE - height))
    left = int(np.clip(np.ceil(13.5 - columns), 0, _SIDE - width))
    picture[top : top + height, left : left + width] = boxed
    return picture


def _box(mask: Mask) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is set, as slice bounds."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _centre(levels: NDArray[np.floating]) -> tuple[float, float]:
    mass = levels.sum()
    rows = levels.sum(axis=1) @ np.arange(levels.shape[0]) / mass
    columns = levels.sum(axis=0) @ np.arange(levels.shape[1]) / mass
    return float(rows), float(columns)


def _scaled(levels: Map, scale: float) -> Map:
    height, width = (max(1, round(side * scale)) for side in levels.shape)
    return _resized(levels[..., np.newaxis], (height, width))[..., 0]


def _resized(levels: Map, shape: tuple[int, ...]) -> Map:
    """Resize each channel: by area downwards, linearly upwards."""
    rows, columns = (
        _weights(levels.shape[0], shape[0]),
        _weights(levels.shape[1], shape[1]),
    )
    return np.asarray(np.moveaxis(rows @ np.moveaxis(levels, 2, 0) @ columns.T, 0, 2), np.float32)


def _weights(source: int, target: int) -> Map:
    """Return the share each source pixel has in each target pixel."""
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale - 0.5
    distance = np.abs(np.arange(source) - centres[:, np.newaxis])
    reach = 1.0 if scale <= 1 else (scale + 1) / 2
    share = np.clip(reach - distance, 0, 1)
    return np.asarray(share / share.sum(axis=1, keepdims=True), np.float32)


def _fit_fashion(pixels: Pixels, _shape: Shape) -> Fitted:
    pixels = _without_equal_channels(pixels)
    if _is_fashion(pixels):
        return Fitted(pixels.astype(np.float32), ())
    steps: _Steps = {}
    try:
        thing = _find_thing(pixels, steps)
    except BlankPicture:
        if _graininess(pixels) < _GRAINY:
            raise
        return Fitted(_whole(pixels), ("nothing found: taken whole",))
    scale = _SIDE / max(thing.shape)
    small = _scaled(thing, scale)
    if scale <= _COARSE:
        small = _sharpened(small)
        steps["sharpened"] = None
    return Fitted(_in_the_middle(np.rint(small * (255 / small.max()))), tuple(steps))


def _is_fashion(pixels: Pixels) -> bool:
    """Say whether a picture has Fashion-MNIST's geometry, by what all of its 70 000 share."""
    if pixels.shape != (_SIDE, _SIDE, 1):
        return False
    levels = pixels[..., 0].astype(np.float32)
    if not (levels.min() == 0 and levels.max() >= 254):
        return False
    if np.count_nonzero(_border(levels) <= 25) < _SIDE:
        return False
    top, bottom, left, right = _box(levels > 0)
    below, after = _SIDE - bottom, _SIDE - right
    is_centred = -1 <= top - below <= 2 and -1 <= left - after <= 2
    return is_centred and max(bottom - top, right - left) >= 26


def _border(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels of the border."""
    sides = (pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1])
    return np.concatenate(sides)


def _find_thing(pixels: Pixels, steps: _Steps) -> Map:
    """Map how far the thing's pixels are from the ground, cut to where it is.

    Before a white ground that is the negated grey level, as the curators have it.
    """
    small = _reduced(pixels, _WORKING_SIDE)
    corners = _corner_colours(small)
    away = _away(small, corners)
    top, bottom, left, right = _thing_box(away, steps)
    if max(bottom - top, right - left) < max(away.shape):
        steps["cropped"] = None
    if float(corners.max(axis=2).mean()) > 127:
        steps["inverted"] = None
    if pixels.shape[2] == 3:
        steps["made grey"] = None
    if np.ptp(corners, axis=(0, 1)).max() > _TRIMMED:
        steps["background evened"] = None
    view = _reduced(pixels, _LARGE_SIDE)
    down, across = (view.shape[axis] / small.shape[axis] for axis in (0, 1))
    rows = slice(int(top * down), max(int(top * down) + 1, round(bottom * down)))
    columns = slice(int(left * across), max(int(left * across) + 1, round(right * across)))
    away = _away(view, corners)
    found = away[rows, columns] - np.float32(2 * _noise(away))
    return np.asarray(np.maximum(found, 0), np.float32)


def _noise(away: Map) -> float:
    """Return the median distance of the ground's own pixels from it."""
    return float(np.median([np.median(patch) for patch in _corner_patches(away)]))


def _corner_patches(view: Map) -> list[Map]:
    side = max(3, min(view.shape[:2]) // 16)
    ends = slice(None, side), slice(-side, None)
    return [view[rows, columns] for rows in ends for columns in ends]


def _corner_colours(view: Map) -> Map:
    """Return the colour of the ground in each corner, which the thing may cover.

    Of the four, the ground's is the one that most of the border has.

    Shapes:
        (2, 2, channels).
    """
    corners = np.stack([np.median(patch, axis=(0, 1)) for patch in _corner_patches(view)])
    border = _border(view)
    alike = np.abs(border[:, np.newaxis] - corners).max(axis=2) <= 2 * _TRIMMED
    ground = corners[alike.sum(axis=0).argmax()]
    covered = np.abs(corners - ground).max(axis=1) > _SHADE
    corners[covered] = ground
    return corners.reshape(2, 2, -1).astype(np.float32)


def _away(view: Map, corners: Map) -> Map:
    """Return by how many levels of grey each pixel is from the ground, whatever its colour."""
    ground = _resized_between(corners, view.shape[:2])
    return np.asarray(np.abs(view - ground) @ _grey_shares(view.shape[2]), np.float32)


def _resized_between(corners: Map, shape: tuple[int, ...]) -> Map:
    """Interpolate between four corners, each of which lies at the picture's own corner."""
    down, across = (np.linspace(0, 1, side, dtype=np.float32) for side in shape)
    rows = np.stack([1 - down, down], axis=1)
    columns = np.stack([1 - across, across], axis=1)
    return np.asarray(np.einsum("hi,ijc,wj->hwc", rows, corners, columns), np.float32)


def _grey_shares(channels: int) -> Map:
    return np.array(_LUMA if channels == 3 else (1,), np.float32)


def _thing_box(away: Map, steps: _Steps) -> tuple[int, int, int, int]:
    """Return the box of all that stands out from the ground, but for specks."""
    mask = away > max(_TRIMMED, 6 * _noise(away))
    labels = _label(mask)
    areas = np.bincount(labels.ravel())[1:]
    if areas.max(initial=0) <= 0.002 * mask.size:
        raise BlankPicture
    keep = areas >= 0.01 * areas.max()
    if not keep.all():
        steps["specks removed"] = None
    return _box(np.append(False, keep)[labels])


def _sharpened(levels: Map) -> Map:
    """Take away some of what surrounds each pixel, as reducing a picture blurs it."""
    padded = np.pad(levels, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    around = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    sharp = levels + np.float32(_SHARPENING) * (levels - around)
    return np.asarray(np.clip(sharp, 0, levels.max()), np.float32)


def _in_the_middle(box: Map) -> Map:
    picture = np.zeros((_SIDE, _SIDE, 1), np.float32)
    height, width = box.shape
    top, left = (_SIDE - height + 1) // 2, (_SIDE - width + 1) // 2
    picture[top : top + height, left : left + width, 0] = box
    return picture


def _fit_shape(pixels: Pixels, shape: Shape) -> Fitted:
    if pixels.shape == shape:
        return Fitted(pixels.astype(np.float32), ())
    steps: _Steps = {}
    height, width, channels = shape
    levels = pixels.astype(np.float32)
    if levels.shape[2] != channels:
        levels = _with_channels(levels, channels, steps)
    scale = min(height / levels.shape[0], width / levels.shape[1])
    if scale != 1:
        inner = tuple(max(1, round(side * scale)) for side in levels.shape[:2])
        levels = _resized(levels, inner)
        steps["shrunk" if scale < 1 else "enlarged"] = None
    return Fitted(np.clip(np.rint(_padded(levels, shape, steps)), 0, 255), tuple(steps))


def _with_channels(levels: Map, channels: int, steps: _Steps) -> Map:
    if channels == 1:
        steps["made grey"] = None
        return np.asarray(levels @ _grey_shares(3)[:, np.newaxis], np.float32)
    steps["grey taken for colour"] = None
    return np.repeat(levels, channels, axis=2)


def _padded(levels: Map, shape: Shape, steps: _Steps) -> Map:
    """Put a picture into the middle of a larger one of its border's colour."""
    if levels.shape == shape:
        return levels
    steps["padded"] = None
    whole = np.empty(shape, np.float32)
    whole[:] = np.median(_border(levels), axis=0)
    height, width = levels.shape[:2]
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    whole[top : top + height, left : left + width] = levels
    return whole


_GEOMETRIES: dict[str, Callable[[Pixels, Shape], Fitted]] = {
    "mnist": _fit_mnist,
    "fashion": _fit_fashion,
    "fit": _fit_shape,
}
