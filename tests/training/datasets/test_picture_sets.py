"""Picture sets by their names."""

from pathlib import Path

import pytest

from training.datasets.picture_sets import (
    find_picture_set,
)
from training.errors import CannotTrain


def test_what_is_neither_set_nor_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match=r"SET must be .*mnist.* or a folder"):
        find_picture_set(str(tmp_path / "missing"), size=32)


def test_set_with_a_typing_error_is_suggested() -> None:
    with pytest.raises(CannotTrain, match=r"Received: 'fashoin_mnist'. Did you mean 'fashion_mn"):
        find_picture_set("fashoin_mnist")


def test_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "sky.zip").touch()

    with pytest.raises(CannotTrain, match=r"sky\.zip is a file: if it is an archive, unpack it"):
        find_picture_set(str(tmp_path / "sky.zip"), size=32)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["."], "is a fifth of the pictures, drawn once and for all"),
        (["train", "val"], "is a fifth of the pictures, drawn once and for all"),
        (["train", "Test"], "is the folder Test/"),
    ],
    ids=["no parts", "no test", "test"],
)
def test_set_of_a_folder_tells_where_its_test_part_is_from(
    tmp_path: Path, parts: list[str], expected: str
) -> None:
    for part in parts:
        for label in "ab":
            (tmp_path / part / label).mkdir(parents=True)

    assert find_picture_set(str(tmp_path), size=32).test == expected
