"""Archives of CIFAR: pictures in colour, and nothing but arrays."""

import io
import pickle
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.datasets.cifar_archives import ArchiveLayout, read_cifar
from training.datasets.picture_sets import (
    CIFAR10_LAYOUT,
    CIFAR100_LAYOUT,
)
from training.datasets.published import Location, Published
from training.errors import CannotTrain
from vitrine import bundle


def batch(count: int, codes: bytes, seed: int) -> dict[bytes, Any]:
    """Make one member of an archive."""
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, (count, 3072)).astype(np.uint8)
    return {b"data": data, codes: (np.arange(count) % 3).tolist(), b"filenames": [b"x"] * count}


def archive(folder: Path, members: Mapping[str, Any], *, protocol: int = 2) -> Published:
    """Write an archive as CIFAR was published, in the folder that its set has."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as written:
        for name, member in members.items():
            pickled = pickle.dumps(member, protocol)
            info = tarfile.TarInfo(f"cifar-python/{name}")
            info.size = len(pickled)
            written.addfile(info, io.BytesIO(pickled))
    path = folder / "made" / "made.tar.gz"
    path.parent.mkdir()
    path.write_bytes(body.getvalue())
    sha256 = bundle.describe_file(path).sha256
    return Published(name="made", files={path.name: sha256}, mirrors=())


def members(contents: ArchiveLayout) -> dict[str, Any]:
    """Make the members of a small archive."""
    return {
        **{name: batch(4, contents.codes, seed) for seed, name in enumerate(contents.train)},
        contents.test: batch(3, contents.codes, 99),
        contents.meta: {contents.names: [b"cat", b"oak_tree", b"truck"]},
        "readme.html": "not read",
    }


@pytest.mark.parametrize(
    ("contents", "count"), [(CIFAR10_LAYOUT, 20), (CIFAR100_LAYOUT, 4)], ids=["10", "100"]
)
def test_cifar_is_read_in_colour_with_its_labels(
    tmp_path: Path, contents: ArchiveLayout, count: int
) -> None:
    made = members(contents)
    published = archive(tmp_path, made, protocol=4)

    read = read_cifar(Location(tmp_path, Path()), published, contents)

    assert read.labels == ("cat", "oak_tree", "truck")
    assert (read.x.shape, read.test_x.shape) == ((count, 32, 32, 3), (3, 32, 32, 3))
    assert read.y[:4].tolist() == [0, 1, 2, 0]
    # The levels of red come first, row by row, then those of green.
    first = made[contents.train[0]][b"data"][0]
    assert read.x[0, 0, :3, 0].tolist() == first[:3].tolist()
    assert read.x[0, 1, 0].tolist() == first[[32, 1024 + 32, 2048 + 32]].tolist()


class Trap:
    """Writes a file when it is unpickled by those who trust it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [2, 4])
def test_archive_that_calls_anything_is_refused(tmp_path: Path, protocol: int) -> None:
    made = {**members(CIFAR100_LAYOUT), "meta": Trap(tmp_path / "sprung")}
    published = archive(tmp_path, made, protocol=protocol)

    with pytest.raises(CannotTrain, match=r"The archive of made is refused: it names "):
        read_cifar(Location(tmp_path, Path()), published, CIFAR100_LAYOUT)

    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "array", [np.zeros((4, 3072)), np.array([None], dtype=object)], ids=["float", "object"]
)
def test_archive_with_arrays_of_other_than_bytes_is_refused(tmp_path: Path, array: Any) -> None:
    made = {**members(CIFAR100_LAYOUT), "test": {b"data": array}}
    published = archive(tmp_path, made, protocol=4)

    with pytest.raises(CannotTrain, match="it contains an array of something else than bytes"):
        read_cifar(Location(tmp_path, Path()), published, CIFAR100_LAYOUT)
