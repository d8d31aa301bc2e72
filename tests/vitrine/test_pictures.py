"""Pictures and levels -> blocks of instances."""

import numpy as np
import pytest

from tests.fakes import levels, picture
from vitrine.errors import InvalidInstances, MalformedPicture
from vitrine.pictures import picture_blocks


def test_pictures_come_in_blocks_of_sixteen() -> None:
    blocks = picture_blocks([picture()] * 33, "image", max_pixels=1000, keep_faults=True)

    assert [block.rows for block in blocks] == [16, 16, 1]


def test_files_and_levels_become_the_same_pixels() -> None:
    array = np.array(levels(), dtype=np.uint8)

    (block,) = picture_blocks(
        [picture(), levels(), array], "image", max_pixels=1000, keep_faults=False
    )

    one, two, three = block.instances["image"]
    assert np.array_equal(two, three)
    assert one.shape == two.shape == (28, 28, 1)


def test_fault_names_the_picture_by_its_index_in_the_body() -> None:
    pictures = [*[picture()] * 17, picture()[:50]]

    *_, last = picture_blocks(pictures, "image", max_pixels=1000, keep_faults=True)

    assert (last.rows, last.fault_count) == (2, 1)
    assert last.faults[0].pointer == "#/instances/17"
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
