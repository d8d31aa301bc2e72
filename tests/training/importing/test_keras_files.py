"""Files that are no network, or contain code, are refused."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import h5py
import pytest

from tests.training.importing.conftest import import_file, layer, softmax_network, touching
from training.errors import CannotTrain
from training.importing.keras_files import open_network
from training.importing.options import ImportOptions


def test_code_in_a_keras_file_is_not_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    softmax_network().save(tmp_path / "own.keras")
    with ZipFile(tmp_path / "own.keras") as honest, ZipFile(tmp_path / "bad.keras", "w") as bad:
        config = json.loads(honest.read("config.json"))
        config["config"]["layers"].append(touching(made))
        bad.writestr("config.json", json.dumps(config))
        for name in ("metadata.json", "model.weights.h5"):
            bad.writestr(name, honest.read(name))

    with pytest.raises(CannotTrain, match="Lambda layer"):
        import_file(tmp_path / "bad.keras", tmp_path / "models", ImportOptions(levels="0-1"))

    assert not made.exists()
    assert not list((tmp_path / "models").iterdir())


def test_code_in_an_h5_file_is_not_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        config = layer("Sequential", "keras", config={"layers": [touching(made)]})
        file.attrs["model_config"] = json.dumps(config)

    with pytest.raises(CannotTrain, match="Lambda layer"):
        open_network(tmp_path / "bad.h5")

    assert not made.exists()


def broken_archive(folder: Path) -> Path:
    file = folder / "broken.keras"
    file.write_bytes(b"PK\x03\x04 and no more")
    return file


def archive_with(folder: Path, name: str, text: str) -> Path:
    file = folder / "other.keras"
    with ZipFile(file, "w") as archive:
        archive.writestr(name, text)
    return file


def archive_damaged_by(folder: Path, found: bytes, damage: bytes) -> Path:
    file = folder / "damaged.keras"
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("assets/\u00e9/", "")
        archive.writestr("config.json", "{}" * 50)
    file.write_bytes(file.read_bytes().replace(found, damage))
    return file


DEFLATED = zlib.compress(b"{}" * 50, wbits=-15)


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "cut short": (broken_archive, "not a complete"),
    "damaged": (
        lambda folder: archive_damaged_by(folder, DEFLATED, b"\xff" * len(DEFLATED)),
        "not a complete",
    ),
    "name is no text": (
        lambda folder: archive_damaged_by(folder, "\u00e9".encode(), b"\xff\xfe"),
        "not a complete",
    ),
    "leaves its folder": (lambda folder: archive_with(folder, "assets/../../x", ""), "Received"),
    "code beside it": (lambda folder: archive_with(folder, "layer.py", ""), "Received: 'layer.py'"),
    "nothing in it": (lambda folder: archive_with(folder, "metadata.json", "{}"), "config.json"),
    "no JSON": (lambda folder: archive_with(folder, "config.json", "{"), "not JSON"),
    "too deep": (lambda folder: archive_with(folder, "config.json", "[" * 10**6), "not JSON"),
    "no object": (
        lambda folder: archive_with(folder, "config.json", "[]"),
        "does not describe a network",
    ),
    "no network": (lambda folder: archive_with(folder, "config.json", "{}"), "cannot be opened"),
}


@pytest.mark.parametrize(("write", "message"), FILES.values(), ids=FILES)
def test_file_that_is_no_network_is_refused(
    tmp_path: Path, write: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        open_network(write(tmp_path))


def test_file_of_one_format_with_the_name_of_the_other_is_opened(tmp_path: Path) -> None:
    softmax_network().save(tmp_path / "own.h5")
    softmax_network().save(tmp_path / "own.keras")
    (tmp_path / "own.h5").rename(tmp_path / "hdf5.keras")
    (tmp_path / "own.keras").rename(tmp_path / "archive.h5")

    assert open_network(tmp_path / "hdf5.keras").output_shape == (None, 10)
    assert open_network(tmp_path / "archive.h5").output_shape == (None, 10)
