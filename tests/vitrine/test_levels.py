"""Levels become a picture, or are refused."""

import numpy as np
import pytest

from vitrine.errors import InvalidInstances, PictureTooLarge
from vitrine.levels import from_levels

NESTED = (
    "A picture must be lists of levels, nested as height x width, height x width x 1 or "
    "height x width x 3."
)


@pytest.mark.parametrize(
    ("levels", "shape"),
    [
        ([[0, 7], [255, 1.6]], (2, 2, 1)),
        ([[[0], [7]], [[255], [1.6]]], (2, 2, 1)),
        ([[[0, 7, 255]]], (1, 1, 3)),
        (np.array([[0, 7], [255, 1.6]]), (2, 2, 1)),
        (np.full((4, 3, 3), 9, np.uint8), (4, 3, 3)),
        (np.eye(3, dtype=bool), (3, 3, 1)),
    ],
    ids=["grey", "grey channel", "colour", "array", "colour array", "mask"],
)
def test_levels_become_whole_pixels(levels: object, shape: tuple[int, ...]) -> None:
    picture = from_levels(levels, max_pixels=100)

    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape == shape
    np.testing.assert_array_equal(picture.pixels.ravel(), np.rint(np.array(levels).ravel()))
    assert picture.steps == ()


BAD_LEVELS = {
    "empty": [],
    "empty row": [[]],
    "one axis": [1, 2],
    "four axes": [[[[1]]]],
    "two channels": [[[1, 2]]],
    "ragged rows": [[1, 2], [3]],
    "ragged columns": [[[1], 2]],
    "mixed axes": [[1], [[2]]],
    "texts": [["1"]],
    "nulls": [[None]],
    "endless": [[10**400]],
    "object": {"a": 1},
    "text": "12",
    "array of texts": np.array([["1"]]),
    "array of one axis": np.zeros(4),
    "empty array": np.zeros((0, 3)),
    "array of two channels": np.zeros((2, 2, 2)),
}


@pytest.mark.parametrize("levels", BAD_LEVELS.values(), ids=BAD_LEVELS)
def test_anything_else_is_refused(levels: object) -> None:
    with pytest.raises(InvalidInstances) as caught:
        from_levels(levels, max_pixels=100)

    assert caught.value.detail == NESTED


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (-1, "Levels must lie within 0 and 255."),
        (255.5, "Levels must lie within 0 and 255."),
        (float("nan"), "Levels must lie within 0 and 255."),
        (0.5, "Levels must lie within 0 and 255; these look divided by 255."),
    ],
)
def test_levels_beyond_their_range_are_refused(level: float, message: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        from_levels([[0, level]], max_pixels=100)

    assert caught.value.detail == message


def test_black_and_white_are_not_taken_for_divided_levels() -> None:
    assert from_levels([[0, 1]], max_pixels=100).pixels.ravel().tolist() == [0, 1]


def test_size_is_checked_against_the_limit() -> None:
    assert from_levels([[1] * 10] * 10, max_pixels=100).pixels.shape == (10, 10, 1)
    with pytest.raises(PictureTooLarge, match="Received: 11 x 10"):
        from_levels([[1] * 11] * 10, max_pixels=100)
