"""A file is what its first bytes say, and other formats are refused by their names."""

import os
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import h5py
import pytest

from training.importing.file_kinds import find_kind, refuse_folder
from training.importing.refusals import CannotImport


def archive(file: Path, *names: str) -> Path:
    """Write a ZIP file with empty members."""
    with ZipFile(file, "w") as written:
        for name in names:
            written.writestr(name, "")
    return file


def hdf5(file: Path) -> Path:
    """Write an HDF5 file without a name that says so."""
    with h5py.File(file, "w"):
        pass
    return file


@pytest.mark.parametrize(
    ("name", "kind"),
    [("own.keras", "h5"), ("own.h5", "h5"), ("own", "h5")],
)
def test_hdf5_is_known_by_its_first_bytes(tmp_path: Path, name: str, kind: str) -> None:
    assert find_kind(hdf5(tmp_path / name)) == kind


@pytest.mark.parametrize("name", ["own.keras", "own.h5", "own.zip"])
def test_archive_of_keras_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    assert find_kind(archive(tmp_path / name, "config.json", "model.weights.h5")) == "keras"


BYTES = {
    "a.tflite": (b"\x1c\0\0\0TFL3\0\0", "a network of TensorFlow Lite"),
    "saved_model.pb": (b"\x08\x01\x12\x30", "the graph of a SavedModel without its weights"),
    "frozen.pb": (b"\x0a\x10", "a graph of TensorFlow 1"),
    "a.onnx": (b"\x08\x08\x12\x07", "an ONNX network"),
    "a.pkl": (b"\x80\x04\x95", "a pickle, which may run code"),
    "a.joblib": (b"\x78\x9c", "a pickle, which may run code"),
    "pickled.h5": (b"\x80\x05\x95", "a pickle, which may run code"),
    "a.pth": (b"\0\0", "a file of PyTorch"),
    "a.safetensors": (b"\x40\0\0\0\0\0\0\0{}", "holds weights only"),
    "a.ckpt": (b"\0\0", "a checkpoint, which holds weights only"),
    "a.tar.gz": (b"\x1f\x8b\x08", "a compressed archive"),
    "model.json": (b'{"class_name": "Sequential"}', "JSON, which describes a network without"),
    "page.keras": (b"<!DOCTYPE html>", "a web page, not a network"),
    "pointer.keras": (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
    "empty.keras": (b"", "is empty"),
    "unknown.h5": (b"abc", "is not a network that Keras saved"),
}


@pytest.mark.parametrize(("name", "content"), BYTES.items(), ids=BYTES)
def test_other_format_is_named(tmp_path: Path, name: str, content: tuple[bytes, str]) -> None:
    (tmp_path / name).write_bytes(content[0])

    with pytest.raises(CannotImport, match=content[1]):
        find_kind(tmp_path / name)


ARCHIVES = {
    "saved/saved_model.pb": "is the ZIP file of a SavedModel",
    "converted/keras_model.h5": r"is a ZIP file around 'converted/keras_model\.h5'",
    "own/data.pkl": "is a file of PyTorch",
    "arr_0.npy": "holds arrays of NumPy",
    "model.json": "is a network of TensorFlow.js",
    "model_unquant.tflite": "is the ZIP file of a network of TensorFlow Lite",
}


@pytest.mark.parametrize(("member", "message"), ARCHIVES.items(), ids=ARCHIVES)
def test_archive_of_something_else_is_named(tmp_path: Path, member: str, message: str) -> None:
    with pytest.raises(CannotImport, match=message):
        find_kind(archive(tmp_path / "own.keras", member))


def test_file_that_is_missing_or_has_no_end_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.keras")

    with pytest.raises(CannotImport, match="is not a file"):
        find_kind(tmp_path / "pipe.keras")
    with pytest.raises(CannotImport, match="is missing"):
        find_kind(tmp_path / "none.keras")


def unpacked(folder: Path) -> None:
    """Write the parts of a `.keras` file."""
    for name in ("config.json", "model.weights.h5"):
        (folder / name).touch()


def around_a_file(folder: Path) -> None:
    """Write what Teachable Machine exports."""
    (folder / "keras_model.h5").touch()


def around_a_folder(folder: Path) -> None:
    """Write a SavedModel as TensorFlow Serving takes it."""
    (folder / "1").mkdir()
    (folder / "1" / "saved_model.pb").touch()


FOLDERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "unpacked": (unpacked, "is a .keras file that was unpacked"),
    "file in it": (around_a_file, r"Import .*/keras_model\.h5"),
    "folder in it": (around_a_folder, r"Import .*/1\.$"),
    "nothing": (lambda _: None, "has no saved_model.pb, so it is not a SavedModel"),
}


@pytest.mark.parametrize(("write", "message"), FOLDERS.values(), ids=FOLDERS)
def test_folder_without_a_graph_is_named(
    tmp_path: Path, write: Callable[[Path], None], message: str
) -> None:
    write(tmp_path)

    with pytest.raises(CannotImport, match=message):
        raise refuse_folder(tmp_path)
