"""The connected parts of a mask are those that a flood fill finds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from vitrine.geometry.components import label_components

MASKS = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda shape: arrays(bool, shape))
STEPS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


def flood_fill(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Number the parts one after the other, in the order of their first pixels."""
    labels = np.zeros(mask.shape, np.intp)
    waiting = dict.fromkeys((int(y), int(x)) for y, x in np.argwhere(mask))
    while waiting:
        number = labels.max() + 1
        part = [next(iter(waiting))]
        while part:
            y, x = part.pop()
            if (y, x) in waiting:
                del waiting[y, x]
                labels[y, x] = number
                part += [(y + dy, x + dx) for dy, dx in STEPS]
    return labels


@settings(deadline=None, derandomize=True)
@given(MASKS)
def test_parts_are_numbered_in_the_order_of_their_first_pixels(mask: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(label_components(mask), flood_fill(mask))


def test_parts_touch_by_a_corner() -> None:
    assert label_components(np.eye(3, dtype=bool)).max() == 1


def test_end_of_a_row_does_not_touch_the_start_of_the_next() -> None:
    mask = np.array([[0, 0, 1], [1, 0, 0]], bool)

    assert label_components(mask).max() == 2
