"""Folders of pictures: what is read, what is skipped, what is refused."""

from pathlib import Path

import numpy as np
import pytest

from tests.pictures import saved
from tests.training.conftest import write_folder
from training.datasets.folders import read_folder
from training.datasets.picture_data import PictureData
from training.errors import CannotTrain


def test_folder_is_read_with_its_sub_folders_as_labels(tmp_path: Path) -> None:
    read = read_folder(write_folder(tmp_path / "sky"), size=24)

    assert read.labels == ("above", "below")
    assert read.x.shape == (19, 24, 24, 3)
    assert np.bincount(read.test_y).tolist() in ([2, 3], [3, 2])
    brighter_above = read.x[:, 4:10].mean((1, 2, 3)) > read.x[:, 14:20].mean((1, 2, 3))
    np.testing.assert_array_equal(brighter_above, read.y == 0)
    assert read.notes == ()


def test_folder_of_grey_pictures_is_grey(tmp_path: Path) -> None:
    assert read_folder(write_folder(tmp_path, grey=True), size=24).x.shape == (19, 24, 24, 1)


def test_one_picture_in_colour_makes_them_all_so(tmp_path: Path) -> None:
    write_folder(tmp_path, grey=True)
    (tmp_path / "above" / "x.png").write_bytes(saved(np.full((9, 9, 3), (9, 8, 7), np.uint8)))

    assert read_folder(tmp_path, size=24).x.shape[-1] == 3


def test_folder_is_split_and_hashed_alike_each_time(tmp_path: Path) -> None:
    first, again = (
        read_folder(write_folder(tmp_path / name / "sky"), size=24) for name in ("one", "two")
    )

    assert first.sha256 == again.sha256
    np.testing.assert_array_equal(first.test_x, again.test_x)
    (tmp_path / "two" / "sky" / "above" / "0.png").rename(tmp_path / "two" / "sky" / "above" / "z")
    assert read_folder(tmp_path / "two" / "sky", size=24).sha256 != first.sha256


def test_what_is_no_picture_is_named_and_left_out(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "above" / "notes.txt").write_text("no picture")
    (tmp_path / "above" / "broken.png").write_bytes(saved(np.zeros((9, 9), np.uint8))[:40])
    again = (tmp_path / "above" / "0.png").read_bytes()
    (tmp_path / "below" / "copy.png").write_bytes(again)

    read = read_folder(tmp_path, size=24)

    assert len(read.x) + len(read.test_x) == 24
    assert [note.partition(": ")[::2] for note in read.notes] == [
        ("Skipped above/broken.png", "The PNG picture is truncated or corrupt."),
        ("Skipped above/notes.txt", note_of_text(read)),
        ("Skipped below/copy.png", "It has the same bytes as above/0.png."),
    ]


def note_of_text(read: PictureData) -> str:
    """Return why a text was left out, which must say what is read."""
    reason = read.notes[1].partition(": ")[2]
    assert "PNG, JPEG" in reason
    return reason


def test_no_more_than_ten_files_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    for number in range(13):
        (tmp_path / "above" / f"{number}.txt").write_text("no picture")

    notes = read_folder(tmp_path, size=24).notes

    assert len(notes) == 11
    assert notes[-1] == "Skipped 3 more."


def test_hidden_files_are_left_out_without_a_word(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "above" / ".DS_Store").write_text("hidden")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.png").write_bytes(saved(np.zeros((9, 9), np.uint8)))

    read = read_folder(tmp_path, size=24)

    assert (read.labels, read.notes) == (("above", "below"), ())


@pytest.mark.parametrize("each", [0, 9], ids=["none", "nine"])
def test_too_few_pictures_of_a_class_are_refused(tmp_path: Path, each: int) -> None:
    write_folder(tmp_path, each=each)

    expected = {
        0: r"must have at least two sub-folders with pictures, one for each class\. Received: 0",
        9: r"Every class must have at least 10 pictures\. Received: 9 in 'above'",
    }
    with pytest.raises(CannotTrain, match=expected[each]):
        read_folder(tmp_path, size=24)
