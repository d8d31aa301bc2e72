"""Strokes that other schools teach: the flag and foot of a 1, the bar through a 7.

MNIST was written in America, where a 1 is mostly one bare line and few people cross their 7.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pictures: TypeAlias = NDArray[np.floating[Any]]
Values: TypeAlias = NDArray[np.floating[Any]]

INK = 0.5  # what counts as pen rather than the pen's soft edge


@dataclass(frozen=True)
class Strokes:
    """A straight stroke for each picture: ends as (row, column), and the width, in pixels."""

    start: Values
    end: Values
    width: Values


def add_foreign_strokes(
    pictures: NDArray[np.uint8],
    labels: NDArray[np.integer[Any]],
    rng: np.random.Generator,
    *,
    share: float,
) -> NDArray[np.uint8]:
    """Give a share of the 1s a flag, some of these a foot too, and a share of the 7s a bar.

    What was changed is centred again by its mass, to the nearest pixel.

    Shapes:
        pictures: (n, side, side), ink 0..255, white on black; so is the result.
        labels: (n,), the digits 0 to 9.
    """
    chosen = np.flatnonzero(rng.random(len(pictures)) < share)
    ones, sevens = chosen[labels[chosen] == 1], chosen[labels[chosen] == 7]
    feet = rng.random(len(ones)) < 0.4
    one: Pictures = pictures[ones] / np.float32(255)
    seven: Pictures = pictures[sevens] / np.float32(255)
    flagged = _draw(one, _flags(one, rng))
    flagged[feet] = _draw(flagged[feet], _feet(one[feet], rng))
    barred = _draw(seven, _bars(seven, rng))
    changed = pictures.copy()
    changed[ones] = np.rint(_centre(flagged) * 255)
    changed[sevens] = np.rint(_centre(barred) * 255)
    return changed


def _flags(ink: Pictures, rng: np.random.Generator) -> Strokes:
    """From the tip down to the left, steeper than any 7's roof."""
    count = len(ink)
    top, bottom = _extent(ink)
    tip = _points(top + rng.uniform(0, 1.5, count), _column(ink, np.minimum(top + 1, bottom)))
    angle = np.deg2rad(rng.uniform(20, 60, count))
    length = (bottom - top + 1) * rng.uniform(0.2, 0.6, count)
    end = tip + _points(length * np.cos(angle), -length * np.sin(angle))
    return Strokes(tip, end, _pen(ink) * rng.uniform(0.6, 1.1, count))


def _feet(ink: Pictures, rng: np.random.Generator) -> Strokes:
    count = len(ink)
    top, bottom = _extent(ink)
    heel = _points(bottom - rng.uniform(0, 1, count), _column(ink, np.maximum(bottom - 1, top)))
    left = _points(rng.normal(0, 0.6, count), -rng.uniform(2.5, 6, count))
    right = _points(rng.normal(0, 0.6, count), rng.uniform(2.5, 6, count))
    return Strokes(heel + left, heel + right, _pen(ink) * rng.uniform(0.6, 1.1, count))


def _bars(ink: Pictures, rng: np.random.Generator) -> Strokes:
    count = len(ink)
    top, bottom = _extent(ink)
    row = np.rint(top + (bottom - top) * rng.uniform(0.45, 0.65, count)).astype(np.intp)
    middle = _points(row, _column(ink, row))
    rise = rng.uniform(-1, 1.5, count)
    left = _points(rise, -rng.uniform(2.5, 6, count))
    right = _points(-rise, rng.uniform(2.5, 6, count))
    return Strokes(middle + left, middle + right, _pen(ink) * rng.uniform(0.4, 0.7, count))


def _extent(ink: Pictures) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each picture's first and last row of ink."""
    rows = ink.max(axis=2) > INK
    return rows.argmax(axis=1), ink.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)


def _column(ink: Pictures, row: NDArray[np.intp]) -> Values:
    """The middle of the ink in one row of each picture; the picture's where the row is empty."""
    line = ink[np.arange(len(ink)), row]
    weight = np.where(line > INK, line, 1e-6)
    middle: Values = weight @ np.arange(ink.shape[2]) / weight.sum(axis=1)
    return middle


def _pen(ink: Pictures) -> Values:
    """About the width in pixels of the pen that wrote a mostly upright stroke."""
    top, bottom = _extent(ink)
    width: Values = np.clip(ink.sum(axis=(1, 2)) / (bottom - top + 1), 1.5, 5)
    return width


def _points(row: NDArray[Any], column: NDArray[Any]) -> Values:
    return np.stack([row, column], axis=1).astype(np.float32)


def _draw(ink: Pictures, strokes: Strokes) -> Pictures:
    side = ink.shape[1]
    pixel = np.moveaxis(np.indices((side, side), np.float32), 0, -1)
    start, along = strokes.start[:, None, None], (strokes.end - strokes.start)[:, None, None]
    nearest = ((pixel - start) * along).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), 1e-6)
    away = np.linalg.norm(pixel - start - np.clip(nearest, 0, 1)[..., None] * along, axis=-1)
    drawn: Pictures = np.maximum(ink, np.clip(strokes.width[:, None, None] / 2 + 0.5 - away, 0, 1))
    return drawn


def _centre(ink: Pictures) -> Pictures:
    """Shift each picture by whole pixels so that its centre of mass is in the middle."""
    place, middle, mass = np.arange(ink.shape[1]), (ink.shape[1] - 1) / 2, ink.sum(axis=(1, 2))
    down = np.rint(ink.sum(axis=2) @ place / mass - middle).astype(np.intp)
    right = np.rint(ink.sum(axis=1) @ place / mass - middle).astype(np.intp)
    # Ink never reaches the edge it would wrap around: the geometry keeps four pixels clear.
    rows = (place + down[:, None]) % len(place)
    columns = (place + right[:, None]) % len(place)
    shifted: Pictures = ink[
        np.arange(len(ink))[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return shifted
