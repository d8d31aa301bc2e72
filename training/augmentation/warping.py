"""Digits rotated, sheared, stretched, moved and bent.

References:
    Simard, Steinkraus, Platt (2003), "Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis", doi:10.1109/ICDAR.2003.1227801 (affine and elastic distortions).
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ink: TypeAlias = NDArray[np.floating[Any]]

# Control points of the elastic field along each axis.
_KNOTS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class WarpLimits:
    """How far digits are warped at most; the amounts suit 28 x 28 pixels.

    Attributes:
        rotation_degrees: Largest angle, either way.
        shear: Largest sideways shift, as a share of the height.
        log_scale: Largest logarithm of width and of height, as factors.
        shift_pixels: Largest distance along an axis.
        elastic_pixels: Largest standard deviation of the elastic field's control points.
    """

    rotation_degrees: float = 15.0
    shear: float = 0.25
    log_scale: float = 0.15
    shift_pixels: float = 1.5
    elastic_pixels: float = 1.2


def warp(ink: Ink, rng: np.random.Generator, limits: WarpLimits) -> Ink:
    """Rotate, shear, stretch, move and bend each picture.

    Shapes:
        ink and result: (n, side, side).
    """
    count, side = ink.shape[:2]
    # For each pixel of the result, measured from the middle ...
    middle = (side - 1) / 2
    centred = np.arange(side, dtype=np.float32) - middle
    rows, columns = centred[None, :, None], centred[None, None, :]
    # ... find the point of the picture that it shows: by the affine map, then by the bend.
    matrix, offset = _affine_maps(rng, limits, count)
    bend = _elastic_fields(rng, limits.elastic_pixels, count, side)
    x = matrix[:, 0, 0] * columns + matrix[:, 0, 1] * rows + offset[0] + bend[:, 0]
    y = matrix[:, 1, 0] * columns + matrix[:, 1, 1] * rows + offset[1] + bend[:, 1]
    return _sample(ink, y + middle, x + middle)


def _affine_maps(rng: np.random.Generator, limits: WarpLimits, count: int) -> tuple[Ink, Ink]:
    """Draw an affine map for each picture.

    Returns:
        Matrices from the (x, y) of the result to those of the picture, and offsets in pixels.

    Shapes:
        matrices: (n, 2, 2, 1, 1); offsets: (2, n, 1, 1).
    """
    angle = np.deg2rad(rng.uniform(-limits.rotation_degrees, limits.rotation_degrees, count))
    slant = rng.uniform(-limits.shear, limits.shear, count)
    width, height = np.exp(rng.uniform(-limits.log_scale, limits.log_scale, (2, count)))
    cos, sin = np.cos(angle), np.sin(angle)
    to_x = [cos / width, (slant * cos - sin) / height]
    to_y = [sin / width, (slant * sin + cos) / height]
    matrix = np.array([to_x, to_y])
    offset = rng.uniform(-limits.shift_pixels, limits.shift_pixels, (2, count, 1, 1))
    matrix = np.moveaxis(matrix, -1, 0)[..., None, None]
    return matrix.astype(np.float32), offset.astype(np.float32)


def _elastic_fields(rng: np.random.Generator, pixels: float, count: int, side: int) -> Ink:
    """Draw a smooth field of displacements for each picture, in pixels.

    Shapes:
        (n, 2, side, side).
    """
    strength = rng.uniform(0, pixels, (count, 1, 1, 1)).astype(np.float32)
    knots = strength * rng.standard_normal((count, 2, _KNOTS, _KNOTS), dtype=np.float32)
    weights = _spline_weights(side)
    field: Ink = np.einsum("ia,ncab,jb->ncij", weights, knots, weights, optimize=True)
    return field


def _spline_weights(side: int) -> Ink:
    """Return how much each control point of a cubic B-spline counts at each pixel.

    Shapes:
        (side, control points).
    """
    position = np.linspace(0, _KNOTS - 3, side)
    first = np.minimum(position.astype(np.intp), _KNOTS - 4)
    t = position - first
    cubics = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    pieces = np.stack(cubics, axis=1) / 6
    weights = np.zeros((side, _KNOTS), np.float32)
    np.put_along_axis(weights, first[:, None] + np.arange(4), pieces, axis=1)
    return weights


def _sample(ink: Ink, y: Ink, x: Ink) -> Ink:
    """Interpolate each picture bilinearly at fractional rows and columns; outside is no ink.

    Shapes:
        ink, y, x and result: (n, side, side).
    """
    count, side = ink.shape[:2]
    # One empty pixel before and two after, so that all four neighbours of a point exist.
    wide = side + 3
    padded = np.pad(ink, ((0, 0), (1, 2), (1, 2))).ravel()
    y, x = np.clip(y + 1, 0, side + 0.999), np.clip(x + 1, 0, side + 0.999)
    row, column = np.floor(y), np.floor(x)
    down, right = y - row, x - column
    # Index of each point's upper left neighbour in the flat array.
    neighbour = (row * wide + column).astype(np.int32)
    neighbour += (np.arange(count, dtype=np.int32) * wide * wide)[:, None, None]
    above = padded[neighbour] + right * (padded[neighbour + 1] - padded[neighbour])
    neighbour += wide
    below = padded[neighbour] + right * (padded[neighbour + 1] - padded[neighbour])
    sampled: Ink = above + down * (below - above)
    return sampled
