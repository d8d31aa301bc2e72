"""The colour of the paper at each pixel of a picture, and how far each pixel is from it.

The paper is whatever was drawn on, of any colour. Light falls on it unevenly, shadows lie on it,
and the photograph may show a table beside it, so that its colour is estimated in several ways.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vitrine.geometry.fitted import Levels
from vitrine.geometry.raster import dilate, erode, reduce_to, resize

# The colour of the paper is measured on a grid of about this size: fine enough for shadows, and few
# enough samples to solve for a surface in a millisecond.
_SURFACE_GRID_SIDE = 20
_MEDIAN_GRID_SIDE = 24
# A cell's paper is the median of the cells around it, up to so many cells away. A wide reach
# removes wide strokes, a short one follows shadows.
_MEDIAN_REACHES = (5, 3)
# The surface is fitted so many times, each time without what the surface before left far away.
_ROUNDS = 5
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
    # 1. Take samples on a grid. Coordinates run from -1 to 1.
    height, width, channels = view.shape
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in (height, width))
    rows, columns = (slice(None, None, -(-side // _SURFACE_GRID_SIDE)) for side in (height, width))
    samples = view[rows, columns].reshape(-1, channels)
    sample_y, sample_x = (axis.ravel() for axis in np.meshgrid(y[rows], x[columns], indexing="ij"))
    # 2. Weigh each sample by how likely it is to be paper, by the edges that it lies at.
    edges = (np.abs(sample_y) > _EDGE).astype(int) + (np.abs(sample_x) > _EDGE)
    prior = np.array(_WEIGHTS_FROM_CORNERS if from_corners else _WEIGHTS)[edges]
    # 3. The first guess is one colour everywhere.
    centre = _weighted_median(samples, np.where(edges == 2, 1.0, 1e-6) if from_corners else prior)
    residual = np.abs(samples - centre).max(axis=1)
    # 4. Fit the surface several times; a sample counts less the further it is from the last one.
    terms = _quadratic_terms(sample_y, sample_x)
    coefficients: NDArray[np.floating] = np.zeros((6, channels))
    for _ in range(_ROUNDS):
        scale = 3 + 4 * _weighted_median(residual[:, np.newaxis], prior)[0]
        weight = prior * np.square(np.maximum(0, 1 - np.square(residual / scale)))
        coefficients = _least_squares(terms, samples, weight)
        residual = np.abs(samples - terms @ coefficients).max(axis=1)
    return _surface(coefficients.astype(np.float32), y, x)


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
    damping = np.diag([0, 1, 1, 1, 1, 1])
    weighted = terms * weight[:, np.newaxis]
    normal = terms.T @ weighted + 1e-3 * weight.sum() * damping + 1e-9 * np.eye(6)
    return np.linalg.solve(normal, weighted.T @ samples)


def _surface(coefficients: Levels, y: Levels, x: Levels) -> Levels:
    """Evaluate a quadratic surface at every pixel.

    Shapes:
        coefficients: (6, channels); y: (height,); x: (width,).
        returns: (height, width, channels).
    """
    c = coefficients[:, np.newaxis, np.newaxis]
    y, x = y[:, np.newaxis, np.newaxis], x[:, np.newaxis]
    surface = (c[0] + c[1] * y + c[4] * y * y) + (c[2] * x + c[5] * x * x) + (c[3] * x) * y
    return np.asarray(surface, np.float32)


def _weighted_median(
    samples: NDArray[np.floating], weight: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return the weighted median of each channel.

    Shapes:
        samples: (samples, channels); weight: (samples,); returns (channels,).
    """
    order = np.argsort(samples, axis=0)
    total = np.cumsum(weight[order], axis=0)
    middle = (total >= total[-1] / 2).argmax(axis=0)
    rows = np.take_along_axis(order, middle[np.newaxis], 0)
    return np.asarray(np.take_along_axis(samples, rows, 0)[0])


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
