"""Pixels of any picture -> the array a network was trained on, and the steps taken.

A geometry has a version: whatever changes what it returns changes the number, and a model is only
run with the geometry it was trained with.

Inside, *ink* is a map of how much of each pixel is covered by the pen, and *paper* whatever it was
drawn on, of any two colours.

References:
    LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document recognition,
    Proc. IEEE 86(11), section III.A. doi:10.1109/5.726791
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import BlankPicture

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

GEOMETRY_VERSIONS = {"mnist": 1}

_SIDE = 28
_BOX = 20
_WORKING_SIDE = 256
# The digit is drawn again at four times its final size, so that averaging blocks of it gives the
# smooth edges that MNIST's own reduction gave.
_CANVAS = 4 * _BOX
# Nineteen in twenty MNIST strokes are between these many pixels wide.
_STROKE = (1.7, 3.8)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a network sees of a picture.

    Attributes:
        pixels: Whole levels in [0, 255], white ink on black.
        steps: What was done to get there, in plain words; empty where nothing was.

    Shapes:
        pixels: (28, 28, 1).
    """

    pixels: Map
    steps: tuple[str, ...]


def fit(name: str, pixels: NDArray[np.generic]) -> Fitted:
    """Bring a picture to the named geometry.

    Args:
        name: One of `GEOMETRY_VERSIONS`.
        pixels: Levels in [0, 255].

    Shapes:
        pixels: (height, width, channels), channels 1 or 3.

    Raises:
        BlankPicture: Nothing stands out from the background.
    """
    return _GEOMETRIES[name](pixels)


def _fit_mnist(pixels: NDArray[np.generic]) -> Fitted:
    pixels = _without_equal_channels(pixels)
    if _is_mnist(pixels):
        return Fitted(pixels.astype(np.float32), ())
    steps: list[str] = []
    ink = _find_ink(_working(pixels), steps)
    return Fitted(_drawn_again(ink, steps)[..., np.newaxis], tuple(steps))


def _without_equal_channels(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    first = pixels[..., :1]
    return first if np.array_equal(pixels, np.broadcast_to(first, pixels.shape)) else pixels


def _is_mnist(pixels: NDArray[np.generic]) -> bool:
    """Say whether a picture has MNIST's geometry, by what all of its 70 000 pictures share."""
    if pixels.shape != (_SIDE, _SIDE, 1):
        return False
    levels = pixels[..., 0].astype(np.float64)
    if not (levels.min() == 0 and levels.max() >= 254):
        return False
    top, bottom, left, right = _box(levels > 0)
    if not _BOX - 1 <= max(bottom - top, right - left) <= _BOX:
        return False
    return all(13.4 <= centre <= 14.6 for centre in _centre(levels))


def _box(mask: Mask) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is set, as slice bounds."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _centre(levels: NDArray[np.floating]) -> tuple[float, float]:
    mass = levels.sum()
    rows = levels.sum(axis=1) @ np.arange(levels.shape[0]) / mass
    columns = levels.sum(axis=0) @ np.arange(levels.shape[1]) / mass
    return float(rows), float(columns)


def _working(pixels: NDArray[np.generic]) -> Map:
    """Average a picture down to at most 256 pixels a side."""
    height, width, channels = pixels.shape
    factor = -(-max(height, width) // _WORKING_SIDE)
    if factor == 1:
        return pixels.astype(np.float32)
    down, across = min(factor, height), min(factor, width)
    rows, columns = height // down, width // across
    part = pixels[: rows * down, : columns * across]
    sums = part.reshape(rows, down, -1).sum(axis=1, dtype=np.float32)
    return sums.reshape(rows, columns, across, channels).mean(axis=2) / np.float32(down)


def _find_ink(view: Map, steps: list[str]) -> Map:
    paper = np.ones(view.shape[:2], bool)
    ink = _stands_out(view, paper, steps)
    level = _split(ink)
    labels, count = _label(ink > level)
    keep = _belongs(ink, labels, count)
    if not keep.all():
        steps.append("specks removed")
    kept = _grown(np.append(False, keep)[labels], 1)
    return np.where(kept, ink, 0)


def _stands_out(view: Map, paper: Mask, steps: list[str]) -> Map:
    """Measure how far each pixel is from the paper around it, towards the colour of the ink."""
    away = view - _background(view, paper)
    distance = np.sqrt(np.square(away).sum(axis=2))
    noise = float(np.median(distance[paper]))
    strong = distance > max(_split(distance), 3 * noise)
    direction = (away * (distance * strong)[..., np.newaxis]).sum(axis=(0, 1))
    length = float(np.sqrt(np.square(direction).sum()))
    if length == 0:
        raise BlankPicture
    ink = np.maximum(away @ (direction / length), 0)
    peak = float(np.percentile(ink[ink > 0.5 * _split(ink)], 90))
    if peak < max(8.0, 6 * noise):
        raise BlankPicture
    if direction.sum() < 0:
        steps.append("inverted")
    return np.minimum(ink / np.float32(peak), 1).astype(np.float32)


def _background(view: Map, paper: Mask) -> Map:
    """Fit a smooth surface to the paper, robust against the ink on it."""
    height, width, channels = view.shape
    y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    step_y, step_x = -(-height // 40), -(-width // 40)
    samples = view[::step_y, ::step_x].reshape(-1, channels)
    sy, sx = (a.ravel() for a in np.meshgrid(y[::step_y], x[::step_x], indexing="ij"))
    terms = _terms(sy, sx)
    border = (np.abs(sy) > 0.85) | (np.abs(sx) > 0.85)
    prior = np.where(border, 2.0, 1.0) * paper[::step_y, ::step_x].ravel()
    centre = _weighted_median(samples, prior)
    residual = np.abs(samples - centre).max(axis=1)
    coefficients = np.zeros((terms.shape[1], channels))
    coefficients[0] = centre
    for _ in range(8):
        scale = 3.0 + 4.0 * float(_weighted_median(residual[:, np.newaxis], prior)[0])
        weight = prior * np.square(np.maximum(0, 1 - np.square(residual / scale)))
        weighted = terms * weight[:, np.newaxis]
        normal = terms.T @ weighted + 1e-3 * weight.sum() * np.diag([0, 1, 1, 1, 1, 1])
        coefficients = np.linalg.solve(normal + 1e-9 * np.eye(6), weighted.T @ samples)
        residual = np.abs(samples - terms @ coefficients).max(axis=1)
    full = _terms(*(a.ravel() for a in np.meshgrid(y, x, indexing="ij")))
    return (full @ coefficients.astype(np.float32)).reshape(view.shape)


def _terms(y: NDArray[np.floating], x: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.stack([np.ones_like(y), y, x, y * x, y * y, x * x], axis=1)


def _weighted_median(
    samples: NDArray[np.floating], weight: NDArray[np.floating]
) -> NDArray[np.floating]:
    order = np.argsort(samples, axis=0)
    total = np.cumsum(weight[order], axis=0)
    middle = (total >= total[-1] / 2).argmax(axis=0)
    return np.take_along_axis(samples, np.take_along_axis(order, middle[np.newaxis], 0), 0)[0]


def _split(levels: Map) -> float:
    """Find the level that parts two classes best.

    References:
        Otsu (1979), A threshold selection method from gray-level histograms,
        IEEE Trans. SMC 9(1). doi:10.1109/TSMC.1979.4310076
    """
    top = float(levels.max())
    if top <= 0:
        return 0.0
    counts = np.bincount((levels.ravel() * (127 / top)).astype(np.intp), minlength=128)
    below = np.cumsum(counts)[:-1]
    above = levels.size - below
    mass = np.cumsum(counts * np.arange(128))
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * np.square(mass[:-1] / below - (mass[-1] - mass[:-1]) / above)
    return (float(np.nanargmax(between)) + 1) * top / 127


def _label(mask: Mask) -> tuple[NDArray[np.intp], int]:
    """Number the connected parts of a mask from 1, neighbours by side or corner."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    edges = np.diff(padded.ravel(), prepend=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    stride = width + 2
    first = np.searchsorted(ends, starts + stride - 1, side="right")
    last = np.searchsorted(starts, ends + stride, side="right")
    # a run touches those of the next row that end after it starts and start before it ends
    touching = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(starts)), touching)
    lower = np.arange(touching.sum()) + np.repeat(first - np.cumsum(touching) + touching, touching)
    numbers, count = _joined(len(starts), upper, lower)
    flat = np.zeros(padded.size, np.intp)
    flat[starts] = numbers
    flat[ends] -= numbers
    return np.cumsum(flat).reshape(padded.shape)[:, 1:-1], count


def _joined(
    size: int, left: NDArray[np.intp], right: NDArray[np.intp]
) -> tuple[NDArray[np.intp], int]:
    """Number the connected parts of a graph from 1 by pulling each node to its smallest neighbour."""
    parent = np.arange(size)
    while True:
        least = np.minimum(parent[left], parent[right])
        before = parent.copy()
        np.minimum.at(parent, left, least)
        np.minimum.at(parent, right, least)
        np.minimum.at(parent, before, parent)
        parent = parent[parent]
        if np.array_equal(parent, before):
            break
    roots, numbers = np.unique(parent, return_inverse=True)
    return numbers + 1, len(roots)


def _belongs(ink: Map, labels: NDArray[np.intp], count: int) -> Mask:
    """Tell the parts of the digit from specks, by mass and by distance from the largest part."""
    mass = np.bincount(labels.ravel(), ink.ravel(), count + 1)[1:]
    largest = mass.max()
    return mass >= 0.04 * largest


def _grown(mask: Mask, radius: int) -> Mask:
    return _spread(mask.astype(np.float32), radius) > 0


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


def _drawn_again(ink: Map, steps: list[str]) -> Map:
    """Draw the ink as MNIST would have: in its box, with its strokes, centred by mass."""
    top, bottom, left, right = _box(ink > 0.25)
    crop = np.pad(ink, 1)[top : bottom + 2, left : right + 2]
    steps.append("cropped")
    large = _resampled(crop, _CANVAS / (max(crop.shape) - 2))
    large = np.pad(large, 8)
    stroke = np.clip((large - 0.3) * 5, 0, 1).astype(np.float32)
    stroke = _with_usual_width(stroke, steps)
    top, bottom, left, right = _box(stroke > 0.5)
    stroke = stroke[top:bottom, left:right]
    boxed = _resampled(stroke, _BOX / max(stroke.shape))
    return _centred(np.rint(boxed * (255 / boxed.max())))


def _with_usual_width(stroke: Map, steps: list[str]) -> Map:
    mask = stroke > 0.5
    edges = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    # axis-parallel steps overstate the length of an outline by 4 / pi on average
    width = 2 * np.count_nonzero(mask) / (edges * np.pi / 4)
    wanted = float(np.clip(width, *(4 * side for side in _STROKE)))
    radius = abs(wanted - width) / 2
    if radius < 0.5:
        return stroke
    if wanted > width:
        steps.append("strokes thickened")
        return _spread(stroke, max(1.0, radius))
    steps.append("strokes thinned")
    thinned = 1 - _spread(1 - stroke, max(1.0, radius))
    return thinned if (thinned > 0.5).any() else stroke


def _resampled(levels: Map, scale: float) -> Map:
    """Resize by `scale` on both axes: by area downwards, linearly upwards."""
    height, width = (max(1, round(side * scale)) for side in levels.shape)
    rows = _weights(levels.shape[0], height)
    columns = _weights(levels.shape[1], width)
    return rows @ levels @ columns.T


def _weights(source: int, target: int) -> Map:
    """Return the share each source pixel has in each target pixel."""
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale - 0.5
    distance = np.abs(np.arange(source) - centres[:, np.newaxis])
    if scale <= 1:
        share = np.maximum(0, 1 - distance)
    else:
        share = np.clip((scale + 1) / 2 - distance, 0, 1)
    return (share / share.sum(axis=1, keepdims=True)).astype(np.float32)


def _centred(boxed: Map) -> Map:
    """Put a box into the middle of the picture by its centre of mass."""
    picture = np.zeros((_SIDE, _SIDE), np.float32)
    height, width = boxed.shape
    rows, columns = _centre(boxed)
    top = int(np.clip(np.ceil(13.5 - rows), 0, _SIDE - height))
    left = int(np.clip(np.ceil(13.5 - columns), 0, _SIDE - width))
    picture[top : top + height, left : left + width] = boxed
    return picture


_GEOMETRIES: dict[str, Callable[[NDArray[np.generic]], Fitted]] = {"mnist": _fit_mnist}
