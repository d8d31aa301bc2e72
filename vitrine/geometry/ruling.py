"""The lines of ruled or squared paper: how they are found in a map of ink, and removed from it."""

import numpy as np
from numpy.typing import NDArray

from vitrine.geometry.fitted import Levels

# Half the width of a ruled line in a picture of working size, in pixels.
_HALF_WIDTH = 2
# In fewer pixels a line cannot be told from a stroke.
_LEAST_SIDE = 48
# A line is followed through so many strips across the picture. It must be seen in the first, in the
# last and in all others but three: the digit hides only parts of a line, but light may fade it.
_STRIPS = 16
_HIDDEN_STRIPS = 3
# Slopes that are tried, in pixels down for each pixel across: paper is photographed a few degrees
# askew.
_SLOPES = np.linspace(-0.12, 0.12, 33)
# A line has at least so much more ink than the paper above and below it.
_LEAST_CONTRAST = 0.1


def remove_lines(ink: Levels, floor: float) -> Levels:
    """Remove the level lines, then the upright lines, of ruled or squared paper from the ink.

    Args:
        ink: How much of each pixel is covered, from 0 to 1.
        floor: Level above which a pixel may be ink.

    Shapes:
        ink: (height, width).
    """
    return _remove_level_lines(_remove_level_lines(ink, floor).T, floor).T


def _remove_level_lines(ink: Levels, floor: float) -> Levels:
    """Remove thin and nearly level lines that run from side to side."""
    height, width = ink.shape
    if min(height, width) < _LEAST_SIDE:
        return ink
    # 1. Find the lines: they share one slope.
    slope, rows = _find_lines(ink, floor)
    if not len(rows):
        return ink
    result = ink.copy()
    columns = np.arange(width)
    drop = np.rint(slope * (columns - (width - 1) / 2)).astype(np.intp)
    wide = np.maximum(ink, np.maximum(np.roll(ink, 1, axis=1), np.roll(ink, -1, axis=1)))
    for row in rows:
        # 2. A stroke that crosses the line has ink above and below the line.
        centre = row + drop
        above = wide[np.clip(centre - _HALF_WIDTH - 1, 0, height - 1), columns]
        below = wide[np.clip(centre + _HALF_WIDTH + 1, 0, height - 1), columns]
        crossing = np.minimum(above, below)
        # 3. Within the line no more ink stays than such a stroke has.
        for offset in range(-_HALF_WIDTH, _HALF_WIDTH + 1):
            line = np.clip(centre + offset, 0, height - 1), columns
            result[line] = np.minimum(result[line], crossing)
    return result


def _find_lines(ink: Levels, floor: float) -> tuple[float, NDArray[np.intp]]:
    """Return the slope of level lines, and the rows at which they cross the middle column."""
    height, width = ink.shape
    # 1. Average each strip over its columns; the maximum of three rows forgives a row's rounding.
    strips = np.array_split(ink, _STRIPS, axis=1)
    profile = np.stack([_running_maximum(strip.mean(axis=1), 1) for strip in strips], axis=1)
    # 2. For each slope and row, follow the line through the strips.
    offsets = (np.arange(_STRIPS) + 0.5) * width / _STRIPS - width / 2
    shift = np.rint(_SLOPES[:, np.newaxis] * offsets).astype(np.intp)
    rows = np.arange(height)[:, np.newaxis] + shift[:, np.newaxis]
    followed = profile[np.clip(rows, 0, height - 1), np.arange(_STRIPS)]
    # 3. A line has as much ink as it has in nearly every strip, and at both ends.
    ends = np.minimum(followed[..., 0], followed[..., -1])
    nearly_every = np.partition(followed, _HIDDEN_STRIPS, axis=2)[..., _HIDDEN_STRIPS]
    present = np.minimum(nearly_every, ends)
    # 4. A line is thin: there is less ink just above and just below it.
    reach = _HALF_WIDTH + 2
    padded = np.pad(present, ((0, 0), (reach, reach)))
    thin = present - np.maximum(padded[:, : -2 * reach], padded[:, 2 * reach :])
    thin = np.where(present > 0.5 * floor, thin, 0)
    # 5. The slope is the one that brings out the most; its lines are where the ink peaks.
    best = int(np.maximum(thin - _LEAST_CONTRAST, 0).sum(axis=1).argmax())
    is_peak = present[best] >= _running_maximum(present[best], 2)
    return float(_SLOPES[best]), np.flatnonzero((thin[best] > _LEAST_CONTRAST) & is_peak)


def _running_maximum(values: Levels, reach: int) -> Levels:
    """Return the largest of each value and those up to `reach` positions away."""
    padded = np.pad(values, reach)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(windows.max(axis=1))
