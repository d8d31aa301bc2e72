"""Levels become a picture, or are refused."""

import numpy as np
import pytest

from vitrine.errors import InvalidInstances, PictureTooLarge
from vitrine.levels import check_outer_list, from_levels

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
    ],
    ids=["grey", "grey channel", "colour", "array", "colour array"],
)
def test_levels_become_whole_pixels(levels: object, shape: tuple[int, ...]) -> None:
    picture = from_levels(levels, max_pixels=100)

    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape == shape
    np.testing.assert_array_equal(picture.pixels.ravel(), np.rint(np.array(levels).ravel()))
    assert picture.steps == ()


NOT_NESTED: dict[str, tuple[object, str]] = {
    "empty": ([], ""),
    "empty row": ([[]], ""),
    "number": (5, " Received: '5'."),
    "text": ("12", " Received: the text '12'."),
    "object": ({"a": 1}, " Received: an object."),
    "one axis": ([1, 2], " Received: 2 numbers in a row. Cut them into rows."),
    "grey picture in a row": (
        [7] * 784,
        " Received: 784 numbers in a row. Cut them into 28 rows, as reshape(28, 28) does.",
    ),
    "grey picture in a row of a list": (
        [[7] * 784],
        " Received: 784 numbers in a row. Cut them into 28 rows, as reshape(28, 28) does.",
    ),
    "colour picture in a row": (
        [7] * 3072,
        " Received: 3072 numbers in a row. Cut them into 32 rows, as reshape(32, 32, 3) does.",
    ),
    "ragged rows": ([[1, 2], [3]], " Received: lists of different lengths or depths."),
    "ragged columns": ([[[1], 2]], " Received: lists of different lengths or depths."),
    "mixed axes": ([[1], [[2]]], " Received: lists of different lengths or depths."),
    "array of one axis": (
        np.zeros(64),
        " Received: 64 numbers in a row. Cut them into 8 rows, as reshape(8, 8) does.",
    ),
    "empty array": (np.zeros((0, 3)), ""),
    "grey and alpha": (np.zeros((2, 2, 2)), " Received: 2 x 2 x 2. Leave out the alpha channel."),
    "colour and alpha": ([[[1] * 4]] * 2, " Received: 2 x 1 x 4. Leave out the alpha channel."),
    "channels first": (
        np.zeros((3, 28, 28)),
        " Received: 3 x 28 x 28. Write the channels last: 28 x 28 x 3.",
    ),
    "one channel first": (
        [[[7] * 5] * 5],
        " Received: 1 x 5 x 5. Write the channel last, or leave out the first axis.",
    ),
    "batch of one": (
        np.zeros((1, 5, 5, 1)),
        " Received: 1 x 5 x 5 x 1. Leave out the first axis.",
    ),
    "batch": (
        [[[7] * 5] * 5] * 6,
        " Received: 6 x 5 x 5. Write each picture as an instance of its own.",
    ),
}


@pytest.mark.parametrize(("levels", "received"), NOT_NESTED.values(), ids=NOT_NESTED)
def test_other_nesting_is_told_what_to_write(levels: object, received: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        from_levels(levels, max_pixels=10_000)

    assert caught.value.detail == NESTED + received


OUT_OF_RANGE: dict[str, tuple[object, str]] = {
    "fractions": ([[0, 0.5]], "; these look divided by 255: multiply by 255."),
    "0 and 1": ([[0, 1], [1.0, 0]], "; these look divided by 255: multiply by 255."),
    "array of 0 and 1": (
        np.eye(3, dtype=np.uint8),
        "; these look divided by 255: multiply by 255.",
    ),
    "resized beyond 0 and 1": (
        [[-0.03, 1.04]],
        "; these look divided by 255: multiply by 255.",
    ),
    "true and false": ([[True, False]], "; these are true and false: multiply by 255."),
    "mask": (np.eye(3, dtype=bool), "; these are true and false: multiply by 255."),
    "-0.5 to 0.5": (
        [[-0.5, 0.5]],
        "; these look scaled to -0.5 to 0.5: add 0.5, then multiply by 255.",
    ),
    "-1 to 1": ([[-1, 1]], "; these look scaled to -1 to 1: add 1, then multiply by 127.5."),
    "standardised": (
        [[-0.42, 2.82]],
        "; these look standardised: send the levels from before that.",
    ),
    "signed bytes": (
        np.array([[-128, 127]], np.int8),
        "; these look shifted by 128: add 128.",
    ),
    "16 bits": ([[0, 65535]], "; these look like levels of 16 bits: divide by 257."),
    "a little high": ([[0, 255.5]], ". Received: levels from 0 to 255.5."),
    "far out": ([[-500, 300]], ". Received: levels from -500 to 300."),
    "nan": (np.array([[0, np.nan]]), ". Received: levels from nan to nan."),
    "beyond float32": ([[1, 1e300]], ". Received: levels from 1 to inf."),
    "beyond float64": ([[10**400]], "."),
    "texts": ([[7, "1"]], ". Received: the text '1'."),
    "array of texts": (np.array([["1"]]), ". Received: the text '1'."),
    "nulls": ([[7], [None]], ". Received: null."),
    "objects": ([[[7, 7, {"a": 1}]]], ". Received: an object."),
}


@pytest.mark.parametrize(("levels", "words"), OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_levels_beyond_their_range_are_told_what_to_do(levels: object, words: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        from_levels(levels, max_pixels=100)

    assert caught.value.detail == f"Levels must lie within 0 and 255{words}"


def test_black_picture_is_not_taken_for_divided_levels() -> None:
    assert from_levels([[0, 0]], max_pixels=100).pixels.ravel().tolist() == [0, 0]


ROWS = [[0, 255] * 14] * 28


@pytest.mark.parametrize(
    ("instances", "received"),
    [
        (ROWS, "the 28 rows of one picture."),
        ([[[level] for level in row] for row in ROWS], "the 28 rows of one picture."),
        ([[[level] * 3 for level in row] for row in ROWS], "the 28 rows of one picture."),
        ([7] * 784, "784 numbers. Cut them into 28 rows, as reshape(28, 28) does."),
    ],
    ids=["rows", "rows with a channel", "rows in colour", "numbers"],
)
def test_picture_without_its_outer_list_is_told_what_to_write(
    instances: list[object], received: str
) -> None:
    with pytest.raises(InvalidInstances) as caught:
        check_outer_list(instances, flat_size=784)

    assert f"Received: {received} A single picture is written as" in caught.value.detail


@pytest.mark.parametrize(
    "instances",
    [
        *([], [ROWS], [ROWS] * 2, [[7] * 784], [[7] * 784] * 99, [[7] * 1024] * 2),
        *([{"b64": ""}] * 2, ["", ""], [7, ""]),
    ],
    ids=[
        *("none", "one", "two", "one in a row", "many in a row", "two of another size in a row"),
        *("objects", "texts", "mixed"),
    ],
)
def test_list_of_instances_is_not_taken_for_one_picture(instances: list[object]) -> None:
    check_outer_list(instances, flat_size=784)


def test_size_is_checked_against_the_limit() -> None:
    assert from_levels([[9] * 10] * 10, max_pixels=100).pixels.shape == (10, 10, 1)
    with pytest.raises(PictureTooLarge, match="Received: 11 x 10"):
        from_levels([[9] * 11] * 10, max_pixels=100)
