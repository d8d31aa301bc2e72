"""Strokes that digits have in other countries.

MNIST was written in the United States, where a 1 is mostly one bare line and few people cross
their 7. In much of Europe and of Latin America a 1 has a flag, which may be nearly as long as the
1 itself, and some have a foot; a 7 has a bar, some have a serif at the left end of the roof, and in
some the roof is a wave that ends in a loop.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ink: TypeAlias = NDArray[np.floating[Any]]
Values: TypeAlias = NDArray[np.floating[Any]]

# From this level on a pixel is a stroke, and not the soft edge of one.
_FULL_INK = 0.5
# A curve is drawn as so many straight pieces.
_CURVE_PIECES = 5
# Where a loop of size 1 turns, and where it ends, as rows and columns from where it begins.
_LOOP = ((-0.7, 0.6), (-0.6, -0.3))
# The roof of a 7 is among its first rows.
_ROOF_ROWS = 5


@dataclass(frozen=True, slots=True)
class Strokes:
    """A straight stroke in each picture.

    Attributes:
        start: Where the stroke starts, as row and column in pixels.
        end: Where the stroke ends, as row and column in pixels.
        width: Width of the stroke in pixels.

    Shapes:
        start, end: (n, 2); width: (n,).
    """

    start: Values
    end: Values
    width: Values


def add_regional_strokes(
    pictures: NDArray[np.uint8],
    labels: NDArray[np.integer[Any]],
    rng: np.random.Generator,
    *,
    share: float,
) -> NDArray[np.uint8]:
    """Give a flag to a share of the 1s, and a bar to a share of the 7s.

    Some of these 1s also get a foot. Some of these 7s also get a serif, and others are replaced by
    7s whose roof is a wave. What was changed is centred again by its mass, to the nearest pixel.

    Shapes:
        pictures and result: (n, side, side), ink in [0, 255], white on black.
        labels: (n,), the digits 0 to 9.
    """
    chosen = np.flatnonzero(rng.random(len(pictures)) < share)
    ones, sevens = chosen[labels[chosen] == 1], chosen[labels[chosen] == 7]
    has_foot, has_serif = rng.random(len(ones)) < 0.3, rng.random(len(sevens)) < 0.4
    one: Ink = pictures[ones] / np.float32(255)
    seven: Ink = pictures[sevens] / np.float32(255)
    flagged = _draw(one, _flags(one, has_foot, rng))
    flagged[has_foot] = _draw(flagged[has_foot], _feet(one[has_foot], rng))
    barred = _draw(seven, _bars(seven, rng))
    barred[has_serif] = _draw(barred[has_serif], _serifs(seven[has_serif], rng))
    is_wavy = rng.random(len(sevens)) < 0.25
    barred[is_wavy] = _wavy_sevens(int(is_wavy.sum()), pictures.shape[1], rng)
    changed = pictures.copy()
    changed[ones] = np.rint(_centre(flagged) * 255)
    changed[sevens] = np.rint(_centre(barred) * 255)
    return changed


def _flags(ink: Ink, has_foot: NDArray[np.bool_], rng: np.random.Generator) -> Strokes:
    """Draw flags from the tip of each 1 down to the left, steeper than the roof of any 7.

    A long flag above a foot would make a 2 of the 1.

    Shapes:
        has_foot: (n,).
    """
    count = len(ink)
    top, bottom = _ink_rows(ink)
    tip = _points(top + rng.uniform(0, 2, count), _ink_column(ink, np.minimum(top + 1, bottom)))
    angle = np.deg2rad(rng.uniform(15, 60, count))
    longest = np.where(has_foot, 0.45, 0.8)
    length = (bottom - top + 1) * rng.uniform(0.2, longest)
    down_left = _points(np.cos(angle), -np.sin(angle))
    # A hasty flag begins beyond the tip, or ends before it.
    start = tip + down_left * rng.uniform(-1, 1.5, (count, 1)).astype(np.float32)
    end = tip + down_left * length[:, np.newaxis].astype(np.float32)
    return Strokes(start, end, _pen_width(ink) * rng.uniform(0.6, 1.1, count))


def _feet(ink: Ink, rng: np.random.Generator) -> Strokes:
    """Draw level feet below each 1."""
    count = len(ink)
    top, bottom = _ink_rows(ink)
    heel = _points(bottom - rng.uniform(0, 1, count), _ink_column(ink, np.maximum(bottom - 1, top)))
    left = _points(rng.normal(0, 0.6, count), -rng.uniform(2.5, 6, count))
    right = _points(rng.normal(0, 0.6, count), rng.uniform(2.5, 6, count))
    return Strokes(heel + left, heel + right, _pen_width(ink) * rng.uniform(0.6, 1.1, count))


def _bars(ink: Ink, rng: np.random.Generator) -> Strokes:
    """Draw bars through the middle of each 7."""
    count = len(ink)
    top, bottom = _ink_rows(ink)
    row = np.rint(top + (bottom - top) * rng.uniform(0.4, 0.68, count)).astype(np.intp)
    middle = _points(row, _ink_column(ink, row))
    # The right end of a bar is higher than its left end, or a little lower.
    rise = rng.uniform(-0.15, 0.3, count)
    left, right = rng.uniform(2, 7.5, (2, count))
    return Strokes(
        middle + _points(rise * left, -left),
        middle + _points(-rise * right, right),
        _pen_width(ink) * rng.uniform(0.4, 0.9, count),
    )


def _serifs(ink: Ink, rng: np.random.Generator) -> Strokes:
    """Draw serifs down from the left end of each 7's roof."""
    count = len(ink)
    top, _ = _ink_rows(ink)
    index = np.arange(ink.shape[1])
    is_roof = (index >= top[:, np.newaxis]) & (index < top[:, np.newaxis] + _ROOF_ROWS)
    roof = np.where(is_roof[..., np.newaxis], ink, 0) > _FULL_INK
    column = roof.any(axis=1).argmax(axis=1)
    end = _points(roof[np.arange(count), :, column].argmax(axis=1), column)
    angle = np.deg2rad(rng.uniform(-30, 30, count))
    length = rng.uniform(1.5, 4, count)
    down = _points(length * np.cos(angle), length * np.sin(angle))
    return Strokes(end, end + down, _pen_width(ink) * rng.uniform(0.5, 1, count))


def _wavy_sevens(count: int, side: int, rng: np.random.Generator) -> Ink:
    """Draw 7s whose roof sags, half of them with a loop at its right end, and with a bar.

    Shapes:
        (count, side, side).
    """
    pixel = side / 28

    def between(rows: tuple[float, float], columns: tuple[float, float]) -> Values:
        return pixel * _points(rng.uniform(*rows, count), rng.uniform(*columns, count))

    # 1. Choose where the roof begins and ends, where the stem ends, and how both are bent.
    left, corner = between((6, 9), (6, 10)), between((6, 7), (16, 20))
    foot = between((20, 22), (9, 16))
    sag, bend = between((1, 9), (-2, 4)), between((-2, 2), (-1, 4))
    # 2. A loop leaves the corner upwards, and comes back to it from the left.
    size = (pixel * rng.uniform(2, 5, (count, 1)) * (rng.random((count, 1)) < 0.5)).astype(
        np.float32
    )
    top, back = (corner + size * np.array(way, np.float32) for way in _LOOP)
    curves = [
        (left, (left + corner) / 2 + sag, corner),
        (corner, top, back),
        (back, (corner + foot) / 2 + bend, foot),
    ]
    # 3. Draw the curves, then the bar.
    width = pixel * rng.uniform(1.6, 3.6, count)
    ink: Ink = np.zeros((count, side, side), np.float32)
    for curve in curves:
        points = [_on_curve(*curve, share) for share in np.linspace(0, 1, _CURVE_PIECES + 1)]
        for start, end in pairwise(points):
            ink = _draw(ink, Strokes(start, end, width))
    return _draw(ink, _bars(ink, rng))


def _on_curve(start: Values, control: Values, end: Values, share: float) -> Values:
    """Return a point of each quadratic Bézier curve, after a share of the way."""
    rest = 1 - share
    point: Values = rest * rest * start + 2 * rest * share * control + share * share * end
    return point.astype(np.float32)


def _ink_rows(ink: Ink) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the last row with ink in each picture."""
    rows = ink.max(axis=2) > _FULL_INK
    return rows.argmax(axis=1), ink.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)


def _ink_column(ink: Ink, row: NDArray[np.intp]) -> Values:
    """Return the middle of the ink in one row of each picture; of an empty row, its middle."""
    line = ink[np.arange(len(ink)), row]
    weight = np.where(line > _FULL_INK, line, 1e-6)
    middle: Values = weight @ np.arange(ink.shape[2]) / weight.sum(axis=1)
    return middle


def _pen_width(ink: Ink) -> Values:
    """Return about how wide the pen was, in pixels, that wrote mostly upright strokes."""
    top, bottom = _ink_rows(ink)
    width: Values = np.clip(ink.sum(axis=(1, 2)) / (bottom - top + 1), 1.5, 5)
    return width


def _points(row: NDArray[Any], column: NDArray[Any]) -> Values:
    return np.stack([row, column], axis=1).astype(np.float32)


def _draw(ink: Ink, strokes: Strokes) -> Ink:
    """Draw a stroke into each picture, its ink fading over a pixel at the edge."""
    side = ink.shape[1]
    pixel = np.moveaxis(np.indices((side, side), np.float32), 0, -1)
    start, along = strokes.start[:, None, None], (strokes.end - strokes.start)[:, None, None]
    # Share of the way along the stroke at which it is nearest to each pixel, and how near it is.
    nearest = ((pixel - start) * along).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), 1e-6)
    distance = np.linalg.norm(pixel - start - np.clip(nearest, 0, 1)[..., None] * along, axis=-1)
    half_width = strokes.width[:, None, None] / 2
    drawn: Ink = np.maximum(ink, np.clip(half_width + 0.5 - distance, 0, 1))
    return drawn


def _centre(ink: Ink) -> Ink:
    """Move each picture by whole pixels so that its centre of mass is in the middle."""
    side, mass = ink.shape[1], ink.sum(axis=(1, 2))
    index, middle = np.arange(side), (side - 1) / 2
    down = np.rint(ink.sum(axis=2) @ index / mass - middle).astype(np.intp)
    right = np.rint(ink.sum(axis=1) @ index / mass - middle).astype(np.intp)
    # Ink never wraps around: the geometry leaves four empty pixels at each edge.
    rows = (index + down[:, None]) % side
    columns = (index + right[:, None]) % side
    moved: Ink = ink[np.arange(len(ink))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved
