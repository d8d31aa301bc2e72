"""Which sub-folders are classes, and which are parts that hold the classes."""

from pathlib import Path

import pytest

from training.datasets.folder_layout import find_layout
from training.errors import CannotTrain


def write_files(folder: Path, *names: str) -> Path:
    """Write empty files, and empty folders where a name ends in a slash."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.touch()
    return folder


def found_parts(folder: Path) -> dict[str, str]:
    """Find the parts of a folder, each with its path below the folder."""
    return {
        name: part.relative_to(folder).as_posix()
        for name, part in find_layout(folder).parts.items()
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a/1", "b/1"], {"train": "."}),
        (["train/a/1", "train/b/1", "test/a/1", "test/b/1"], {"train": "train", "test": "test"}),
        (
            ["Training/a/1", "Training/b/1", "TESTING/a/1", "TESTING/b/1"],
            {"train": "Training", "test": "TESTING"},
        ),
        *(
            (["train/a/1", "train/b/1", f"{name}/a/1", f"{name}/b/1"], {"train": "train"} | part)
            for name, part in (
                ("val", {"validation": "val"}),
                ("Valid", {"validation": "Valid"}),
                ("validation", {"validation": "validation"}),
                ("dev", {"validation": "dev"}),
            )
        ),
        (
            [f"{part}/{label}/1" for part in ("train", "val", "test") for label in "ab"],
            {"train": "train", "validation": "val", "test": "test"},
        ),
        (
            ["training_set/a/", "training_set/b/", "test_set/a/", "test_set/b/", "single/1"],
            {"train": "training_set", "test": "test_set"},
        ),
        (
            [f"seg_{part}/seg_{part}/{label}/1" for part in ("train", "test") for label in "ab"],
            {"train": "seg_train/seg_train", "test": "seg_test/seg_test"},
        ),
        (["sky/sky/a/1", "sky/sky/b/1", "__MACOSX/sky/._a"], {"train": "sky/sky"}),
        (
            ["sky/train/a/1", "sky/train/b/1", "sky/test/a/1", "sky/test/b/1", ".cache/x/1"],
            {"train": "sky/train", "test": "sky/test"},
        ),
        (["train/a/1", "train/b/1"], {"train": "train"}),
        (["train/1", "bus/1"], {"train": "."}),
        (["train/1", "test/1", "bus/1"], {"train": "."}),
        (["valid/1", "invalid/1"], {"train": "."}),
        (["test_tube/1", "train_station/1", "bus/1"], {"train": "."}),
        (["a/train/1", "a/test/1", "b/train/1", "b/test/1"], {"train": "."}),
        (["a/1", "b/1", ".ipynb_checkpoints/1", "Thumbs.db"], {"train": "."}),
    ],
    ids=[
        *("classes", "train and test", "other words", "val", "valid", "validation", "dev"),
        *("three parts", "sets", "wrapped parts", "wrapped classes", "wrapped whole"),
        *("train alone", "class of trains", "classes called like parts", "valid and invalid"),
        *("words in classes", "parts in classes", "hidden"),
    ],
)
def test_parts_are_told_from_classes(
    tmp_path: Path, names: list[str], expected: dict[str, str]
) -> None:
    assert found_parts(write_files(tmp_path, *names)) == expected


def test_what_is_no_part_is_left_out_with_a_note(tmp_path: Path) -> None:
    write_files(tmp_path, "train/a/1", "train/b/1", "test/a/1", "test/b/1", "new/1", "map.csv")

    assert find_layout(tmp_path).notes == ("Left out: 'new', which is no part.",)


def test_wrapped_classes_are_noted(tmp_path: Path) -> None:
    write_files(tmp_path, "sky/a/1", "sky/b/1")

    assert find_layout(tmp_path).notes == (f"The classes lie in {tmp_path}/sky.",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["1.png", "2.png"],
            "{} must have one sub-folder for each class, named after its label. "
            "It holds 2 files, such as 1.png, and no sub-folder.",
        ),
        (
            ["a/1"],
            "{} must have at least two sub-folders with pictures, one for each class. "
            "Received: 'a'.",
        ),
        (
            ["train/cat.0.jpg", "test/1.jpg"],
            "{}/train must have one sub-folder for each class, named after its label. "
            "It holds 1 file, such as cat.0.jpg, and no sub-folder.",
        ),
        (
            ["train/a/1", "train/b/1", "test/1.jpg", "meta/1"],
            "{}/test must have one sub-folder for each class, named after its label. "
            "It holds 1 file, such as 1.jpg, and no sub-folder.",
        ),
        (
            ["train2017/1", "val2017/1"],
            "{}/train2017 must have one sub-folder for each class, named after its label. "
            "It holds 1 file, such as 1, and no sub-folder.",
        ),
        (
            ["train/a/1", "train/b/1", "test/a/1"],
            "{0}/test lacks classes that {0}/train has: 'b'. Give both the same sub-folders, or "
            "move {0}/test away to split {0}/train instead.",
        ),
        (
            ["train/cat/1", "train/dog/1", "val/Cat/1", "val/dog/1"],
            "{0}/val has classes that {0}/train does not have: 'Cat'. Did you mean 'cat'? Give "
            "both the same sub-folders, or move {0}/val away to split {0}/train instead.",
        ),
        (
            ["test/a/1", "test/b/1", "val/a/1", "val/b/1"],
            "{} has no folder called train to learn from. Received: 'test', 'val'. Rename the one "
            "to learn from.",
        ),
        (
            [f"{part}/{label}/1" for part in ("train", "val", "valid") for label in "ab"],
            "{} must have one folder for each part. Received: val and valid. Put their pictures "
            "together, or move one of them away.",
        ),
    ],
    ids=[
        *("no sub-folder", "one class", "flat parts", "flat test", "flat parts of other names"),
        *("class missing", "class unknown", "no train", "two of a part"),
    ],
)
def test_folder_without_classes_is_refused_in_a_sentence(
    tmp_path: Path, names: list[str], message: str
) -> None:
    write_files(tmp_path, *names)

    with pytest.raises(CannotTrain) as caught:
        find_layout(tmp_path)
    assert str(caught.value) == message.format(tmp_path)
