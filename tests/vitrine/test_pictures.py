"""Pictures and levels -> blocks of instances."""

from base64 import b64encode

import numpy as np
import pytest

from tests.fakes import levels, picture
from tests.pictures import saved
from vitrine.errors import InvalidInstances, MalformedPicture, UnsupportedPicture
from vitrine.pictures import begins_like_picture, picture_blocks


def test_pictures_come_in_blocks() -> None:
    blocks = picture_blocks([picture()] * 129, "image", max_pixels=1000, keep_faults=True)

    assert [block.rows for block in blocks] == [64, 64, 1]


def test_blocks_of_large_pictures_are_shorter() -> None:
    large = saved(np.zeros((600, 600), np.uint8))
    pictures = [large, large[:60], large, large, large, large]

    blocks = list(picture_blocks(pictures, "image", max_pixels=360_000, keep_faults=True))

    assert [block.rows for block in blocks] == [4, 2]
    assert [fault.pointer for block in blocks for fault in block.faults] == ["#/instances/1"]


def test_files_and_levels_become_the_same_pixels() -> None:
    array = np.array(levels(), dtype=np.uint8)

    (block,) = picture_blocks(
        [picture(), levels(), array], "image", max_pixels=1000, keep_faults=False
    )

    one, two, three = block.instances["image"]
    assert np.array_equal(two, three)
    assert one.shape == two.shape == (28, 28, 1)


def test_fault_names_the_picture_by_its_index_in_the_body() -> None:
    pictures = [*[picture()] * 65, picture()[:50]]

    *_, last = picture_blocks(pictures, "image", max_pixels=1000, keep_faults=True)

    assert (last.rows, last.fault_count) == (2, 1)
    assert last.faults[0].pointer == "#/instances/65"
    assert list(last.errors) == [1]
    assert len(last.instances["image"]) == 1


def test_fault_that_is_not_kept_is_raised_as_it_is() -> None:
    with pytest.raises(MalformedPicture):
        list(picture_blocks([picture()[:50]], "image", max_pixels=1000, keep_faults=False))


@pytest.mark.parametrize(
    "array", [np.zeros((0, 3)), np.zeros((2, 2, 2)), np.zeros(4)], ids=["empty", "2 x 2 x 2", "4"]
)
def test_arrays_that_are_no_picture_are_refused(array: object) -> None:
    with pytest.raises(InvalidInstances, match="nested as height x width"):
        list(picture_blocks([array], "image", max_pixels=1000, keep_faults=False))


BASE64 = b64encode(picture()).decode()
URI = f"data:image/png;base64,{BASE64}"


TEXTS: dict[str, object] = {
    "base64": BASE64,
    "data URI": URI,
    "b64": {"b64": BASE64},
    "data URI in b64": {"b64": URI},
    "b64 of the input": {"image": {"b64": BASE64}},
    "data URI of the input": {"image": URI},
    "file of base64": BASE64.encode(),
    "file of a data URI": f"{URI}\n".encode(),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_picture_as_text_is_read(text: object) -> None:
    (block,) = picture_blocks([text, picture()], "image", max_pixels=1000, keep_faults=False)

    one, two = block.instances["image"]
    assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("instance", "words"),
    [
        ("seven.png", "must be the base64 of its file, or a data URI. Received: 'seven.png'; '.'"),
        ("text", "must be the base64 of its file, or a data URI. Received: 'text', which stands"),
        ({"b64": BASE64, "x": 1}, 'must be {"b64": "..."}, the base64 of its file. Received'),
        (
            {"pixels": [[9]]},
            'must be {"b64": "..."}, the base64 of its file. Received: \'pixels\'.',
        ),
        ({}, "Received: no member."),
        ({"b64": 7}, "Received: 'b64'."),
        ({"image": {"image": URI}}, "Received: 'image'."),
    ],
    ids=["name of a file", "word", "two members", "another member", "no member", "number", "twice"],
)
def test_object_or_text_that_is_no_picture_is_told_what_to_write(
    instance: object, words: str
) -> None:
    with pytest.raises(InvalidInstances) as caught:
        list(picture_blocks([instance], "image", max_pixels=1000, keep_faults=False))

    assert words in caught.value.detail


def test_other_file_as_text_is_named() -> None:
    with pytest.raises(UnsupportedPicture, match="an SVG drawing"):
        list(
            picture_blocks(
                ["data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"],
                "image",
                max_pixels=1000,
                keep_faults=False,
            )
        )


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (picture(), True),
        (URI.encode(), True),
        (BASE64.encode(), True),
        (b"data:,", True),
        (b"size,colour\n1,red\n", False),
        (b"colour", False),
        (b"", False),
    ],
    ids=["file", "data URI", "base64", "empty data URI", "table", "word", "nothing"],
)
def test_picture_is_known_by_its_first_bytes(head: bytes, *, expected: bool) -> None:
    assert begins_like_picture(head[:512]) is expected
