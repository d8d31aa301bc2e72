"""Pictures as other hands, pens and cameras would have made them.

`augment` is for digits: it works on grey ink, white on black, in square pictures; the amounts are
chosen for the 28 x 28 pixels of MNIST's geometry. `flip`, `shift` and `erase` are for any pictures.

References:
    Simard, Steinkraus, Platt (2003), "Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis", doi:10.1109/ICDAR.2003.1227801 (affine and elastic distortions).
    Zhong, Zheng, Kang, Li, Yang (2020), Random erasing data augmentation, arXiv:1708.04896.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pictures: TypeAlias = NDArray[np.floating[Any]]
Pixels: TypeAlias = NDArray[np.uint8]

BLOCK = 128  # pictures at a time: their temporaries stay in the processor's cache
KNOTS = 7  # control points of the elastic field along each axis
# Of a picture's pixels, and of height to width, 0.3 at least, as random erasing was published.
ERASED_AREA = (0.02, 0.4)
ERASED_LOG_ASPECT = float(np.log(1 / 0.3))


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How far pictures are changed: largest values, and shares of the pictures touched."""

    rotation_degrees: float = 15.0
    shear: float = 0.25
    log_scale: float = 0.15
    shift_pixels: float = 1.5
    elastic_pixels: float = 1.2
    strokes: float = 0.6
    coarse: float = 0.08
    edges: float = 0.15
    blur: float = 0.15
    faintness: float = 0.4
    noise: float = 0.1
    specks: float = 0.1


DEFAULT = Amounts()


def augment(pictures: Pixels, rng: np.random.Generator, amounts: Amounts = DEFAULT) -> Pixels:
    """Return one changed copy of every picture, in the same order.

    The same generator state gives the same copies.

    Shapes:
        pictures: (n, side, side), ink 0..255, white on black; so is the result.
    """
    changed = np.empty_like(pictures)
    for start in range(0, len(pictures), BLOCK):
        block = slice(start, start + BLOCK)
        ink: Pictures = pictures[block] / np.float32(255)
        vary_strokes(ink, rng, share=amounts.strokes)
        ink = warp(ink, rng, amounts)
        coarsen(ink, rng, share=amounts.coarse)
        sharpen_edges(ink, rng, share=amounts.edges)
        blur(ink, rng, share=amounts.blur)
        fade(ink, rng, share=amounts.faintness)
        add_noise(ink, rng, share=amounts.noise)
        add_specks(ink, rng, share=amounts.specks)
        changed[block] = np.rint(np.clip(ink, 0, 1) * 255)
    return changed


def vary_strokes(ink: Pictures, rng: np.random.Generator, *, share: float) -> None:
    """Thicken half of the chosen pictures in place, a quarter twice, and thin the other half.

    Each time by up to a pixel all around.
    """
    chosen = rng.permutation(_choose(rng, len(ink), share))
    thick, thin = np.array_split(chosen, 2)
    for bold in (thick, thick[::2]):
        wide = _spread(ink[bold], np.maximum)
        ink[bold] += _uniform(rng, 0, 1, len(bold)) * (wide - ink[bold])
    full = ink[thin]
    fine = full + _uniform(rng, 0, 0.9, len(thin)) * (_spread(full, np.minimum) - full)
    # A thin pen is not a faint one: the darkest ink keeps its value.
    ink[thin] = fine * _darkest(full) / np.maximum(_darkest(fine), 0.2)


def warp(ink: Pictures, rng: np.random.Generator, amounts: Amounts) -> Pictures:
    """Rotate, shear, stretch, shift and bend each picture, sampled bilinearly."""
    count, side = ink.shape[:2]
    centred = np.arange(side, dtype=np.float32) - (side - 1) / 2
    rows, columns = centred[None, :, None], centred[None, None, :]
    matrix, offset = _affine(rng, amounts, count)
    bend = _elastic(rng, amounts.elastic_pixels, count, side)
    x = matrix[:, 0, 0] * columns + matrix[:, 0, 1] * rows + offset[0] + bend[:, 0]
    y = matrix[:, 1, 0] * columns + matrix[:, 1, 1] * rows + offset[1] + bend[:, 1]
    return _sample(ink, y + (side - 1) / 2, x + (side - 1) / 2)


def coarsen(ink: Pictures, rng: np.random.Generator, *, share: float) -> None:
    """Draw in place with pixels twice as large, as in small icons."""
    chosen = _choose(rng, len(ink), share)
    padded = np.pad(ink[chosen], ((0, 0), (0, 1), (0, 1)))
    rows = (padded[:, :-1] + padded[:, 1:]) / 2
    means = (rows[:, :, :-1] + rows[:, :, 1:]) / 2
    large = np.arange(ink.shape[1]) // 2 * 2
    ink[chosen] = means[:, large][:, :, large]


def sharpen_edges(ink: Pictures, rng: np.random.Generator, *, share: float) -> None:
    """Steepen edges in place, up to black and white, as scanners and paint programs do."""
    chosen = _choose(rng, len(ink), share)
    threshold = _uniform(rng, 0.25, 0.6, len(chosen))
    steepness = np.exp(_uniform(rng, np.log(3), np.log(40), len(chosen)))
    ink[chosen] = np.clip((ink[chosen] - threshold) * steepness + 0.5, 0, 1)


def blur(ink: Pictures, rng: np.random.Generator, *, share: float) -> None:
    """Blur in place with a 3 x 3 kernel, up to the even mean."""
    chosen = _choose(rng, len(ink), share)
    weight = _uniform(rng, 0, 1 / 3, len(chosen))
    padded = np.pad(ink[chosen], ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, 1:-1] * (1 - 2 * weight) + weight * (padded[:, :-2] + padded[:, 2:])
    ink[chosen] = rows[:, :, 1:-1] * (1 - 2 * weight) + weight * (rows[:, :, :-2] + rows[:, :, 2:])


def fade(ink: Pictures, rng: np.random.Generator, *, share: float) -> None:
    """Bend the tones in place by a gamma of 0.5 to 2, then weaken the ink, down to one half."""
    chosen = _choose(rng, len(ink), share)
    gamma = np.exp(_uniform(rng, -np.log(2), np.log(2), len(chosen)))
    ink[chosen] = np.power(ink[chosen], gamma) * _uniform(rng, 0.5, 1, len(chosen))


def add_noise(ink: Pictures, rng: np.random.Generator, *, share: float) -> None:
    """Add a camera's grain in place."""
    chosen = _choose(rng, len(ink), share)
    grain = rng.standard_normal((len(chosen), *ink.shape[1:]), dtype=np.float32)
    ink[chosen] += grain * _uniform(rng, 0, 0.08, len(chosen))


def add_specks(ink: Pictures, rng: np.random.Generator, *, share: float, count: int = 2) -> None:
    """Add a few single pixels of dirt in place."""
    chosen = _choose(rng, len(ink), share)
    for _ in range(count):
        row, column = rng.integers(2, ink.shape[1] - 2, (2, len(chosen)))
        ink[chosen, row, column] += 0.8 * rng.random(len(chosen), dtype=np.float32)


def flip(pictures: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the pictures, half of them with left and right exchanged.

    Shapes:
        pictures: (n, height, width, channels).
    """
    flipped = rng.random(len(pictures)) < 0.5
    return np.where(flipped[:, None, None, None], pictures[:, :, ::-1], pictures)


def shift(
    pictures: Pixels,
    rng: np.random.Generator,
    *,
    pixels: int,
    beyond: Literal["constant", "reflect"],
) -> Pixels:
    """Return the pictures, each moved by up to some pixels along both axes.

    Args:
        pictures: Levels in [0, 255].
        rng: Draws how far.
        pixels: At most.
        beyond: What comes in from outside: black, or the picture reflected at its edge.

    Shapes:
        pictures: (n, height, width, channels).
    """
    count, height, width = pictures.shape[:3]
    padded = np.pad(pictures, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), beyond)
    top, left = rng.integers(0, 2 * pixels + 1, (2, count, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    moved: Pixels = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def erase(pictures: Pixels, rng: np.random.Generator, *, share: float = 0.5) -> Pixels:
    """Return the pictures, some of them with noise in a rectangle.

    Shapes:
        pictures: (n, height, width, channels).
    """
    count, height, width = pictures.shape[:3]
    area = rng.uniform(*ERASED_AREA, count) * height * width
    aspect = np.exp(rng.uniform(-ERASED_LOG_ASPECT, ERASED_LOG_ASPECT, count))
    rows = _stretch(rng, height, np.sqrt(area * aspect))
    columns = _stretch(rng, width, np.sqrt(area / aspect))
    erased = rng.random((count, 1, 1)) < share
    hidden = erased & rows[:, :, None] & columns[:, None, :]
    noise = rng.integers(0, 256, pictures.shape, np.uint8)
    return np.where(hidden[..., None], noise, pictures)


def _stretch(rng: np.random.Generator, side: int, length: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say for each picture which of its rows, or columns, lie in a stretch of some length."""
    start = rng.random((len(length), 1)) * np.maximum(side - length, 0)[:, None]
    place = np.arange(side)
    return np.asarray((start <= place) & (place < start + length[:, None]))


def _choose(rng: np.random.Generator, count: int, share: float) -> NDArray[np.intp]:
    return np.flatnonzero(rng.random(count) < share)


def _uniform(rng: np.random.Generator, low: float, high: float, count: int) -> Pictures:
    return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)


def _darkest(ink: Pictures) -> Pictures:
    darkest: Pictures = ink.max(axis=(1, 2), keepdims=True)
    return darkest


def _spread(ink: Pictures, extreme: Callable[..., Pictures]) -> Pictures:
    """Grey dilation (np.maximum) or erosion (np.minimum) over a pixel and its four neighbours."""
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    vertical = extreme(padded[:, :-2, 1:-1], padded[:, 2:, 1:-1])
    horizontal = extreme(padded[:, 1:-1, :-2], padded[:, 1:-1, 2:])
    return extreme(ink, extreme(vertical, horizontal))


def _affine(rng: np.random.Generator, amounts: Amounts, count: int) -> tuple[Pictures, Pictures]:
    """Matrices from the result's centred (x, y) to the source's, and offsets in pixels.

    Shapes:
        Returns (n, 2, 2, 1, 1) and (2, n, 1, 1).
    """
    angle = np.deg2rad(rng.uniform(-amounts.rotation_degrees, amounts.rotation_degrees, count))
    slant = rng.uniform(-amounts.shear, amounts.shear, count)
    width, height = np.exp(rng.uniform(-amounts.log_scale, amounts.log_scale, (2, count)))
    cos, sin = np.cos(angle), np.sin(angle)
    to_x = [cos / width, (slant * cos - sin) / height]
    to_y = [sin / width, (slant * sin + cos) / height]
    matrix = np.array([to_x, to_y])
    offset = rng.uniform(-amounts.shift_pixels, amounts.shift_pixels, (2, count, 1, 1))
    matrix = np.moveaxis(matrix, -1, 0)[..., None, None]
    return matrix.astype(np.float32), offset.astype(np.float32)


def _elastic(rng: np.random.Generator, pixels: float, count: int, side: int) -> Pictures:
    """Smooth fields of displacement, of a strength drawn per picture.

    Shapes:
        Returns (n, 2, side, side).
    """
    strength = rng.uniform(0, pixels, (count, 1, 1, 1)).astype(np.float32)
    knots = strength * rng.standard_normal((count, 2, KNOTS, KNOTS), dtype=np.float32)
    spline = _cubic_spline(side)
    field: Pictures = np.einsum("ia,ncab,jb->ncij", spline, knots, spline, optimize=True)
    return field


def _cubic_spline(side: int) -> Pictures:
    """Weights of a uniform cubic B-spline's KNOTS control points at each of `side` pixels."""
    position = np.linspace(0, KNOTS - 3, side)
    first = np.minimum(position.astype(np.intp), KNOTS - 4)
    t = position - first
    cubics = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    pieces = np.stack(cubics, axis=1) / 6
    weights = np.zeros((side, KNOTS), np.float32)
    np.put_along_axis(weights, first[:, None] + np.arange(4), pieces, axis=1)
    return weights


def _sample(ink: Pictures, y: Pictures, x: Pictures) -> Pictures:
    """Each picture's ink at fractional rows and columns; nothing beyond the edge."""
    count, side = ink.shape[:2]
    wide = side + 3  # one empty pixel before and two after, so that every tap exists
    padded = np.pad(ink, ((0, 0), (1, 2), (1, 2))).ravel()
    y, x = np.clip(y + 1, 0, side + 0.999), np.clip(x + 1, 0, side + 0.999)
    row, column = np.floor(y), np.floor(x)
    down, right = y - row, x - column
    tap = (row * wide + column).astype(np.int32)
    tap += (np.arange(count, dtype=np.int32) * wide * wide)[:, None, None]
    above = padded[tap] + right * (padded[tap + 1] - padded[tap])
    tap += wide
    below = padded[tap] + right * (padded[tap + 1] - padded[tap])
    sampled: Pictures = above + down * (below - above)
    return sampled
