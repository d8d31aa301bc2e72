"""The colour of the paper at each pixel of a picture, and how far each pixel is from it.

The paper is whatever was drawn on, of any colour. Light falls on it unevenly, shadows lie on it,
and the photograph may show a table beside it, so that its colour is estimated in several ways.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vitrine.geometry.fitted import Levels
from vitrine.geometry.raster import dilate, erode, reduce_to, resize
from vitrine.opencv import cv2

# The colour of the paper is measured on a grid of about this size: fine enough for shadows, and few
# enough samples to solve for a surface in a millisecond.
_SURFACE_GRID_SIDE = 20
_MEDIAN_GRID_SIDE = 24
# A cell's paper is the median of the cells around it, up to so many cells away. A wide reach
# removes wide strokes, a short one follows shadows.
_MEDIAN_REACHES = (5, 3)
# The surface is fitted so many times, each time without what the surface before left far away.
_ROUNDS = 5
_DAMPING = np.diag([0, 1, 1, 1, 1, 1])
# On paper without any grain, what is further from its colour by so many levels is ink.
_CLEAR = 3
# A sample this far from the middle, as a share of half the side, is at the picture's edge.
_EDGE = 0.85
# The weight of a sample inside of the picture, at an edge, and in a corner: digits are in the
# middle, paper is around them.
_WEIGHTS = (1.0, 2.0, 4.0)
_WEIGHTS_FROM_CORNERS = (1.0, 1.0, 10.0)


def differences_from_paper(view: Levels) -> Iterator[Levels]:
    """Subtract the paper from a picture, once for each way to estimate the paper's colour.

    Shapes:
        (height, width, channels) to (height, width, channels) each.
    """
    yield view - _smooth_paper(view, from_corners=False)
    yield view - _smooth_paper(view, from_corners=True)
    grid = reduce_to(view, _MEDIAN_GRID_SIDE)
    for reach in _MEDIAN_REACHES:
        yield _outside_range(view, _local_median(grid, reach))


def _smooth_paper(view: Levels, *, from_corners: bool) -> Levels:
    """Fit a quadratic surface to the colour of the paper, leaving out what is far from it as ink.

    The fit is iteratively reweighted least squares with Tukey's biweight.

    Args:
        view: The picture.
        from_corners: Whether the first guess is the colour of the corners; else it is the
            commonest colour.

    References:
        Holland and Welsch (1977), Robust regression using iteratively reweighted least-squares,
        Communications in Statistics 6(9). doi:10.1080/03610927708827533
    """
    # 1. Take samples on a grid, each with a weight: how likely it is to be paper.
    grid = _grid(*view.shape[:2], from_corners=from_corners)
    samples = view[grid.rows, grid.columns].reshape(-1, view.shape[2])
    # 2. The first guess is one colour everywhere.
    centre = np.array([_weighted_median(each, grid.first_prior) for each in samples.T])
    residual = np.abs(samples - centre).max(axis=1)
    middle = _weighted_median(residual, grid.prior)
    # 3. Where all that is no ink has just that colour, the surface would be level.
    if middle == 0 and not ((residual > 0) & (residual <= _CLEAR)).any():
        return np.asarray(np.tile(centre, view.shape[1]).reshape(1, *view.shape[1:]), np.float32)
    # 4. Fit the surface several times; a sample counts less the further it is from the last one.
    coefficients: NDArray[np.floating] = np.zeros((6, view.shape[2]))
    for _ in range(_ROUNDS):
        scale = _CLEAR + 4 * middle
        weight = grid.prior * np.square(np.maximum(0, 1 - np.square(residual / scale)))
        coefficients = _least_squares(grid.terms, samples, weight)
        residual = np.abs(samples - grid.terms @ coefficients).max(axis=1)
        middle = _weighted_median(residual, grid.prior)
    return _surface(coefficients.astype(np.float32), grid.y, grid.x)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where samples of the paper are taken in a picture of one size.

    Attributes:
        y: Coordinate of each row, from -1 to 1.
        x: Coordinate of each column, from -1 to 1.
        rows: The rows that samples are taken from.
        columns: The columns that samples are taken from.
        terms: The terms of a quadratic surface at each sample.
        prior: How likely each sample is to be paper, by the edges that it lies at.
        first_prior: The same for the first guess.

    Shapes:
        y: (height,); x: (width,); terms: (samples, 6); prior, first_prior: (samples,).
    """

    y: Levels
    x: Levels
    rows: slice
    columns: slice
    terms: Levels
    prior: NDArray[np.float64]
    first_prior: NDArray[np.float64]


@lru_cache(maxsize=64)
def _grid(height: int, width: int, *, from_corners: bool) -> _Grid:
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in (height, width))
    rows, columns = (slice(None, None, -(-side // _SURFACE_GRID_SIDE)) for side in (height, width))
    sample_y, sample_x = (axis.ravel() for axis in np.meshgrid(y[rows], x[columns], indexing="ij"))
    edges = (np.abs(sample_y) > _EDGE).astype(int) + (np.abs(sample_x) > _EDGE)
    prior = np.array(_WEIGHTS_FROM_CORNERS if from_corners else _WEIGHTS)[edges]
    first_prior = np.where(edges == 2, 1.0, 1e-6) if from_corners else prior
    terms = _quadratic_terms(sample_y, sample_x)
    return _Grid(y, x, rows, columns, terms, prior, first_prior)


def _quadratic_terms(y: NDArray[np.floating], x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the terms of a quadratic surface, one for each of its coefficients.

    Shapes:
        y, x: (samples,); returns (samples, 6).
    """
    return np.stack([np.ones_like(y), y, x, y * x, y * y, x * x], axis=1)


def _least_squares(
    terms: NDArray[np.floating], samples: Levels, weight: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Solve weighted least squares for the coefficients of a surface.

    The damping keeps the surface level where few samples have weight.

    Shapes:
        terms: (samples, 6); samples: (samples, channels); weight: (samples,).
        returns: (6, channels).
    """
    weighted = terms * weight[:, np.newaxis]
    normal = terms.T @ weighted + 1e-3 * weight.sum() * _DAMPING + 1e-9 * np.eye(6)
    return np.linalg.solve(normal, weighted.T @ samples)


def _surface(coefficients: Levels, y: Levels, x: Levels) -> Levels:
    """Evaluate a quadratic surface at every pixel.

    Shapes:
        coefficients: (6, channels); y: (height,); x: (width,).
        returns: (height, width, channels).
    """
    y = y[:, np.newaxis]
    channels = [
        (c[0] + c[1] * y + c[4] * y * y) + (c[2] * x + c[5] * x * x) + (c[3] * x) * y
        for c in coefficients.T
    ]
    return np.asarray(cv2.merge(channels), np.float32).reshape(len(y), len(x), len(channels))


def _weighted_median(values: NDArray[np.floating], weight: NDArray[np.floating]) -> np.floating:
    """Return the level up to which the values have half of the weight."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    middle: np.floating = values[order[np.searchsorted(total, total[-1] / 2)]]
    return middle


def _local_median(grid: Levels, reach: int) -> Levels:
    """Return the median of the cells around each cell: shadows keep their edges, strokes vanish.

    Every other row and column of the cells is enough, in a quarter of the time.
    """
    padded = np.pad(grid, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    size = 2 * reach + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(0, 1))
    every_other = windows[..., ::2, ::2].reshape(*grid.shape, -1)
    return np.median(every_other, axis=-1).astype(np.float32)


def _outside_range(view: Levels, paper: Levels) -> Levels:
    """Return how far each pixel is outside the range of the neighbouring cells of paper.

    Every colour between the two sides of a shadow's soft edge is the paper's.
    """
    low, high = (resize(cells(paper), view.shape[:2]) for cells in (erode, dilate))
    return np.asarray(np.minimum(view - low, 0) + np.maximum(view - high, 0))
