"""The connected parts of a mask."""

import numpy as np
from numpy.typing import NDArray

from vitrine.geometry.fitted import Mask

# The number of the part that each pixel belongs to, from 1; 0 where the mask is not set.
Labels = NDArray[np.intp]


def label_components(mask: Mask) -> Labels:
    """Number the connected parts of a mask from 1; neighbours touch by a side or a corner.

    Shapes:
        (height, width) to (height, width).
    """
    # 1. Write all rows behind each other, with a gap between them, and find the runs of set pixels.
    height, width = mask.shape
    stride = width + 2
    padded = np.zeros((height, stride), np.int8)
    padded[:, 1:-1] = mask
    edges = np.diff(padded.ravel(), prepend=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    # 2. List the pairs of runs that touch.
    upper, lower = _touching_runs(starts, ends, stride)
    # 3. Runs that are connected through such pairs are one part.
    numbers = _number_connected(len(starts), upper, lower)
    # 4. Write each run's number over its pixels: the number is added where the run starts and
    #    taken away where it ends.
    changes = np.zeros(padded.size, np.intp)
    changes[starts] = numbers
    changes[ends] -= numbers
    return np.cumsum(changes).reshape(padded.shape)[:, 1:-1]


def _touching_runs(starts: Labels, ends: Labels, stride: int) -> tuple[Labels, Labels]:
    """Pair each run with all runs of the next row that it touches.

    A run touches those that end after it starts and start before it ends, one row further.
    """
    first = np.searchsorted(ends, starts + stride - 1, side="right")
    counts = np.searchsorted(starts, ends + stride, side="right") - first
    counts = np.maximum(counts, 0)
    upper = np.repeat(np.arange(len(starts)), counts)
    lower = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
    return upper, lower


def _number_connected(nodes: int, left: Labels, right: Labels) -> Labels:
    """Number the connected parts of a graph from 1.

    Args:
        nodes: Number of nodes.
        left: One end of each edge.
        right: The other end of each edge.
    """
    parent = np.arange(nodes)
    before = np.full(nodes, -1)
    # Until nothing changes, both ends of each edge, and all that follows them, get the smaller of
    # their two parents, and every node then gets the parent of its parent.
    while not np.array_equal(parent, before):
        before = parent.copy()
        least = np.minimum(parent[left], parent[right])
        np.minimum.at(parent, before[left], least)
        np.minimum.at(parent, before[right], least)
        parent = parent[parent]
    return np.unique(parent, return_inverse=True)[1] + 1
