"""Folders of pictures: what is read, what is skipped, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pictures import saved
from tests.training.conftest import write_folder
from training.datasets.folder_layout import find_layout
from training.datasets.folders import read_folder as read_layout
from training.datasets.picture_data import PictureData
from training.errors import CannotTrain
from vitrine.geometry import GEOMETRIES


def read_folder(folder: Path) -> PictureData:
    """Read a folder in squares of 24 pixels."""
    return read_layout(find_layout(folder), size=24)


def test_folder_is_read_with_its_sub_folders_as_labels(tmp_path: Path) -> None:
    read = read_folder(write_folder(tmp_path / "sky"))

    assert read.labels == ("above", "below")
    assert read.x.shape == (19, 24, 24, 3)
    assert np.bincount(read.test_y).tolist() in ([2, 3], [3, 2])
    brighter_above = read.x[:, 4:10].mean((1, 2, 3)) > read.x[:, 14:20].mean((1, 2, 3))
    np.testing.assert_array_equal(brighter_above, read.y == 0)
    assert read.notes == ("Classes, with their numbers of pictures: above (12), below (12)",)


@pytest.mark.parametrize("parts", [["."], ["train", "test"]], ids=["one", "with a test folder"])
def test_example_is_the_file_of_the_first_test_picture(parts: list[str], tmp_path: Path) -> None:
    for name in parts:
        write_folder(tmp_path / name, grey=len(parts) == 1)
    if len(parts) == 2:
        for file in (tmp_path / "test").glob("*/*.png"):
            file.write_bytes(file.read_bytes() + b"again")

    read = read_folder(tmp_path)

    assert read.example is not None
    fitted = GEOMETRIES["fit"].fit(np.asarray(Image.open(read.example).convert("RGB")), (24, 24, 3))
    np.testing.assert_array_equal(fitted.pixels[..., :1], read.test_x[0][..., :1])
    assert read.example.is_relative_to(tmp_path / parts[-1])


def test_folder_of_grey_pictures_is_grey(tmp_path: Path) -> None:
    assert read_folder(write_folder(tmp_path, grey=True)).x.shape == (19, 24, 24, 1)


def test_one_picture_in_colour_makes_them_all_so(tmp_path: Path) -> None:
    write_folder(tmp_path, grey=True)
    (tmp_path / "above" / "x.png").write_bytes(saved(np.full((9, 9, 3), (9, 8, 7), np.uint8)))

    assert read_folder(tmp_path).x.shape[-1] == 3


def test_folder_is_split_and_hashed_alike_each_time(tmp_path: Path) -> None:
    first, again = (read_folder(write_folder(tmp_path / name / "sky")) for name in ("one", "two"))

    assert first.sha256 == again.sha256
    np.testing.assert_array_equal(first.test_x, again.test_x)
    (tmp_path / "two" / "sky" / "above" / "0.png").rename(tmp_path / "two" / "sky" / "above" / "z")
    assert read_folder(tmp_path / "two" / "sky").sha256 != first.sha256


def test_what_is_no_picture_is_named_and_left_out(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "above" / "notes.txt").write_text("no picture")
    (tmp_path / "above" / "broken.png").write_bytes(saved(np.zeros((9, 9), np.uint8))[:40])
    again = (tmp_path / "above" / "0.png").read_bytes()
    (tmp_path / "below" / "copy.png").write_bytes(again)

    read = read_folder(tmp_path)

    assert len(read.x) + len(read.test_x) == 24
    assert [note.partition(": ")[::2] for note in read.notes[1:]] == [
        ("Skipped above/broken.png", "The PNG picture is truncated or corrupt."),
        ("Skipped above/notes.txt", note_of_text(read)),
        ("Skipped below/copy.png", "It has the same bytes as above/0.png."),
    ]


def note_of_text(read: PictureData) -> str:
    """Return why a text was left out, which must say what is read."""
    reason = read.notes[2].partition(": ")[2]
    assert "PNG, JPEG" in reason
    return reason


def test_no_more_than_ten_files_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    for number in range(13):
        (tmp_path / "above" / f"{number}.txt").write_text("no picture")

    notes = read_folder(tmp_path).notes

    assert len(notes) == 12
    assert notes[-1] == "Skipped 3 more."


def test_hidden_files_are_left_out_without_a_word(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "above" / ".DS_Store").write_text("hidden")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.png").write_bytes(saved(np.zeros((9, 9), np.uint8)))

    read = read_folder(tmp_path)

    assert read.labels == ("above", "below")
    assert len(read.notes) == 1


def test_too_few_pictures_of_a_class_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, each=9)

    with pytest.raises(CannotTrain, match=r"at least 10 pictures .*\. Received: 9 in 'above'\."):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "Its sub-folder holds no file"),
        (
            {"1.HEIC": b"\0\0\0\x18ftypheic" + bytes(99), "2.HEIC": b"\0\0\0\x18ftypheic"},
            "2 files of it were skipped, such as middle/1.HEIC: ",
        ),
        ({"list.txt": b"above"}, "1 file of it was skipped, such as middle/list.txt: "),
    ],
    ids=["empty", "heic", "text"],
)
def test_class_without_a_readable_picture_is_refused_by_name(
    tmp_path: Path, files: dict[str, bytes], reason: str
) -> None:
    folder = write_folder(tmp_path / "sky")
    (folder / "middle").mkdir()
    for name, body in files.items():
        (folder / "middle" / name).write_bytes(body)

    with pytest.raises(CannotTrain) as caught:
        read_folder(folder)
    assert str(caught.value).startswith(f"No picture of class 'middle' in {folder} can be read. ")
    assert reason in str(caught.value)


def test_all_classes_without_a_picture_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path, each=0)

    with pytest.raises(CannotTrain, match=r"class 'above' .* The same is so of: 'below'\."):
        read_folder(tmp_path)


def write_parts(folder: Path, **parts: int) -> Path:
    """Write folders of the same two classes, each with its own pictures and so many of a class."""
    for seed, (part, each) in enumerate(parts.items()):
        write_folder(folder / part, each=each, seed=seed)
    return folder


def test_train_and_test_are_parts_and_no_labels(tmp_path: Path) -> None:
    read = read_folder(write_parts(tmp_path / "sky", train=14, test=5))

    assert read.labels == ("above", "below")
    assert (read.x.shape, read.test_x.shape) == ((28, 24, 24, 3), (10, 24, 24, 3))
    assert (np.bincount(read.y).tolist(), np.bincount(read.test_y).tolist()) == ([14] * 2, [5] * 2)
    assert read.validation is None
    assert read.notes == (
        f"{tmp_path}/sky/train is learned from; {tmp_path}/sky/test is scored with.",
        "Classes, with their numbers of pictures: above (14 + 5), below (14 + 5)",
    )


def test_val_validates_and_a_fifth_of_train_tests(tmp_path: Path) -> None:
    read = read_folder(write_parts(tmp_path, train=15, val=4))

    assert (len(read.x), len(read.test_x)) == (24, 6)
    assert read.validation is not None
    assert np.bincount(read.validation[1]).tolist() == [4, 4]


def test_picture_of_the_training_part_is_no_test(tmp_path: Path) -> None:
    write_parts(tmp_path, train=14, test=5)
    copied = (tmp_path / "train" / "above" / "0.png").read_bytes()
    (tmp_path / "test" / "above" / "0.png").write_bytes(copied)

    read = read_folder(tmp_path)

    assert (len(read.x), len(read.test_x)) == (28, 9)
    assert read.notes[-1] == (
        "Skipped test/above/0.png: It has the same bytes as train/above/0.png."
    )


def test_part_without_a_readable_picture_of_a_class_is_refused(tmp_path: Path) -> None:
    write_parts(tmp_path, train=12, test=0)

    with pytest.raises(CannotTrain, match=f"class 'above' in {tmp_path / 'test'} can be read"):
        read_folder(tmp_path)


def test_pictures_in_deeper_folders_belong_to_the_class_above_them(tmp_path: Path) -> None:
    write_folder(tmp_path)
    deeper = tmp_path / "above" / "2023" / "may"
    deeper.mkdir(parents=True)
    (tmp_path / "above" / "0.png").rename(deeper / "0.png")

    read = read_folder(tmp_path)

    assert read.labels == ("above", "below")
    assert np.bincount([*read.y, *read.test_y]).tolist() == [12, 12]


def test_linked_folders_are_followed_but_not_for_ever(tmp_path: Path) -> None:
    write_folder(tmp_path / "elsewhere")
    folder = tmp_path / "sky"
    folder.mkdir()
    (folder / "above").symlink_to(tmp_path / "elsewhere" / "above")
    (folder / "below").mkdir()
    (folder / "below" / "linked").symlink_to(tmp_path / "elsewhere" / "below")
    (folder / "below" / "loop").symlink_to(folder / "below")
    (folder / "below" / "broken.png").symlink_to(tmp_path / "missing.png")

    read = read_folder(folder)

    assert np.bincount([*read.y, *read.test_y]).tolist() == [12, 12]
    assert read.notes[1:] == ("Skipped below/broken.png: No such file or directory.",)


def test_labels_are_composed_as_other_systems_write_them(tmp_path: Path) -> None:
    for part, seed in (("train", 0), ("test", 1)):
        write_folder(tmp_path / part, seed=seed)
    (tmp_path / "train" / "above").rename(tmp_path / "train" / "Ci\u0301rculo")
    (tmp_path / "test" / "above").rename(tmp_path / "test" / "C\u00edrculo")

    assert read_folder(tmp_path).labels == ("C\u00edrculo", "below")
