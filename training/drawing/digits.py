"""Digits drawn by code: a pen moves along smooth curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.drawing.antialiasing import OVERSAMPLING, shrink

Points = Sequence[tuple[float, float]]

# Each digit is a few movements of the pen through points of a box. In the box, x runs to the right
# and y runs down, both from 0 to 1. A smooth curve runs through the points of a movement; a point
# that is repeated makes a corner.
_MOVEMENTS: dict[str, tuple[Points, ...]] = {
    "0": (
        (
            (0.55, 0.02),
            (0.22, 0.14),
            (0.06, 0.52),
            (0.24, 0.92),
            (0.55, 0.97),
            (0.88, 0.72),
            (0.90, 0.30),
            (0.68, 0.05),
            (0.50, 0.03),
        ),
    ),
    "1": (((0.36, 0.16), (0.56, 0.0), (0.56, 0.0), (0.53, 0.5), (0.50, 1.0)),),
    "2": (
        (
            (0.10, 0.24),
            (0.30, 0.03),
            (0.70, 0.04),
            (0.82, 0.28),
            (0.58, 0.60),
            (0.08, 0.97),
            (0.08, 0.97),
            (0.50, 0.95),
            (0.96, 0.93),
        ),
    ),
    "3": (
        (
            (0.14, 0.12),
            (0.45, 0.0),
            (0.80, 0.14),
            (0.70, 0.38),
            (0.38, 0.47),
            (0.38, 0.47),
            (0.78, 0.56),
            (0.86, 0.82),
            (0.48, 1.0),
            (0.08, 0.88),
        ),
    ),
    "4": (
        ((0.60, 0.0), (0.38, 0.30), (0.06, 0.62), (0.06, 0.62), (0.50, 0.62), (0.96, 0.60)),
        ((0.68, 0.34), (0.66, 0.68), (0.64, 1.0)),
    ),
    "5": (
        (
            (0.84, 0.02),
            (0.50, 0.02),
            (0.24, 0.04),
            (0.24, 0.04),
            (0.20, 0.24),
            (0.17, 0.44),
            (0.17, 0.44),
            (0.55, 0.37),
            (0.86, 0.62),
            (0.66, 0.94),
            (0.28, 1.0),
            (0.06, 0.86),
        ),
    ),
    "6": (
        (
            (0.72, 0.0),
            (0.36, 0.24),
            (0.14, 0.62),
            (0.24, 0.94),
            (0.58, 0.99),
            (0.82, 0.76),
            (0.66, 0.54),
            (0.36, 0.60),
            (0.20, 0.80),
        ),
    ),
    "7": (((0.08, 0.06), (0.46, 0.05), (0.90, 0.03), (0.90, 0.03), (0.62, 0.46), (0.38, 1.0)),),
    "8": (
        (
            (0.78, 0.14),
            (0.50, 0.0),
            (0.20, 0.16),
            (0.34, 0.40),
            (0.68, 0.58),
            (0.80, 0.84),
            (0.48, 1.0),
            (0.16, 0.84),
            (0.32, 0.58),
            (0.66, 0.38),
            (0.80, 0.16),
        ),
    ),
    "9": (
        (
            (0.80, 0.20),
            (0.52, 0.0),
            (0.18, 0.20),
            (0.26, 0.48),
            (0.60, 0.46),
            (0.80, 0.20),
            (0.80, 0.20),
            (0.76, 0.60),
            (0.62, 1.0),
        ),
    ),
}
DIGITS = tuple(_MOVEMENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """How a digit is written.

    Attributes:
        side: Side of the square sheet in pixels.
        height: Height of the digit, as a share of the side.
        width: Width of the line, as a share of the side.
        slant: How far the digit leans to the right, as a share of its height.
        tremble: Standard deviation of each point from where it should be, as a share of the box.
    """

    side: int = 96
    height: float = 0.6
    width: float = 0.05
    slant: float = 0.08
    tremble: float = 0.02


def draw_digit(digit: str, pen: Pen, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw one digit.

    Returns:
        Ink from 0, which is bare paper, to 1.

    Shapes:
        (side, side).
    """
    side = pen.side * OVERSAMPLING
    sheet = Image.new("L", (side, side))
    canvas = ImageDraw.Draw(sheet)
    for movement in _MOVEMENTS[digit]:
        path = curve(_hand_points(np.array(movement), pen, rng)) * side
        radii = pen.width * side / 2 * _pressure(len(path), rng)
        for (x, y), radius in zip(path, radii, strict=True):
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return shrink(sheet, (pen.side, pen.side)).astype(np.float32) / np.float32(255)


def _hand_points(
    points: NDArray[np.float64], pen: Pen, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return where a trembling hand moves the pen, as shares of the sheet."""
    errors = rng.normal(0, pen.tremble, points.shape)
    is_corner = np.all(points[1:] == points[:-1], axis=1)
    errors[1:][is_corner] = errors[:-1][is_corner]  # both points of a corner stay together
    x, y = (points + errors).T
    leaning = (x - 0.5) * 0.68 + (0.5 - y) * pen.slant
    return np.stack([leaning, y - 0.5], axis=1) * pen.height + 0.5


def curve(points: NDArray[np.float64], steps: int = 40) -> NDArray[np.float64]:
    """Return points of a smooth curve that runs through the given points.

    References:
        Catmull and Rom (1974), A class of local interpolating splines,
        doi:10.1016/B978-0-12-079050-0.50020-5.
    """
    padded = np.concatenate([points[:1], points, points[-1:]])
    before, start, end, after = (
        padded[offset : len(points) - 1 + offset, None] for offset in range(4)
    )
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    run = start + t * (end - before) / 2
    run = run + t**2 * (before - 2.5 * start + 2 * end - after / 2)
    run = run + t**3 * (1.5 * (start - end) + (after - before) / 2)
    return np.concatenate([run.reshape(-1, 2), points[-1:]])


def _pressure(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return factors of about 1 that vary a line's width slowly along its length."""
    waves = np.sin(np.linspace(0, 2 * np.pi, length) * rng.uniform(0.5, 1.5) + rng.uniform(0, 6))
    return 1 + 0.12 * waves


def draw_on_paper(ink: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw ink as dark blue lines on slightly uneven paper.

    Shapes:
        ink: (height, width); result: (height, width, 3).
    """
    height, width = ink.shape
    light = np.linspace(0, 1, height)[:, None] * 0.4 + np.linspace(0, 1, width)[None, :] * 0.6
    grain = rng.normal(0, 0.9, (height, width))
    paper = np.array([250.0, 248.0, 242.0]) - 16 * light[..., None] + grain[..., None]
    colour = np.array([38.0, 44.0, 74.0]) + 2 * grain[..., None]
    mixed = paper + ink[..., None] * 0.95 * (colour - paper)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def golden_digits(seed: int = 0) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Draw every digit twice, once dark on white and once light on black, in several hands.

    Returns:
        The pictures, and the digit that each one shows.

    Shapes:
        pictures: (20, 96, 96, 1).
    """
    rng = np.random.default_rng(seed)
    digits = DIGITS * 2
    pictures = np.empty((len(digits), 96, 96, 1), dtype=np.uint8)
    for index, digit in enumerate(digits):
        ink = np.rint(draw_digit(digit, _any_pen(rng), rng) * 235).astype(np.uint8)
        is_dark_on_white = (index + index // len(DIGITS)) % 2 == 0
        pictures[index, :, :, 0] = 245 - ink if is_dark_on_white else ink
    return pictures, digits


def _any_pen(rng: np.random.Generator) -> Pen:
    return Pen(
        height=rng.uniform(0.45, 0.8), width=rng.uniform(0.04, 0.085), slant=rng.uniform(0, 0.2)
    )
