"""Named sets of pictures: local or downloaded, verified, split."""

import gzip
import hashlib
import os
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from service import geometry
from training.datasets.parts import Parts
from training.errors import CannotTrain

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Fetch = Callable[[str], bytes]

_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class PictureSet:
    """A published set of pictures in four IDX files.

    Attributes:
        name: Also the folder its files lie in.
        geometry: That its pictures have.
        target: What a picture shows one of.
        labels: Class labels in the order of the codes in the files.
        files: SHA-256 of the unpacked bytes by packed file name: the same data has been packed in
            more than one way. Training pictures, their labels, test pictures, their labels.
        mirrors: Where the files are published, tried in turn.
    """

    name: str
    geometry: str
    target: str
    labels: tuple[str, ...]
    files: Mapping[str, str]
    mirrors: tuple[str, ...]


PICTURE_SETS = {
    "mnist": PictureSet(
        name="mnist",
        geometry="mnist",
        target="digit",
        labels=tuple("0123456789"),
        files={
            "train-images-idx3-ubyte.gz": (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
            ),
            "train-labels-idx1-ubyte.gz": (
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
            ),
        },
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Part:
    """Instances of one part of a picture set with what they show.

    Shapes:
        x: (n, height, width, channels), levels in [0, 255], in the network's geometry.
        y: (n,), codes of class labels.
    """

    x: Pixels
    y: Labels

    def __len__(self) -> int:
        return len(self.y)

    def take(self, places: NDArray[np.int64]) -> "Part":
        """Return the instances at some places."""
        return Part(self.x[places], self.y[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureParts(Parts[Part]):
    """A picture set, whose test part is the published test file, often by other hands.

    Attributes:
        held_out: Of the training file too, and for nothing but to see how far answers about
            pictures of this kind can be trusted.
    """

    held_out: Part


def default_cache() -> Path:
    """Return the folder that downloads are kept in."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrine"


def download(url: str) -> bytes:
    """Fetch a file over HTTPS."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - https, from the table above
        body: bytes = response.read()
    return body


def load_pictures(
    pictures: PictureSet,
    *,
    data: Path | None,
    cache: Path,
    seed: int,
    limit: int | None = None,
    fetch: Fetch = download,
) -> PictureParts:
    """Load a picture set in its geometry and split its training file by seed.

    Five sixths of the training file train; of the rest, half calibrates, a quarter each validates
    and is held out.

    Args:
        pictures: Which set.
        data: A folder that holds the set's folder; None to download.
        cache: Folder that downloads are kept in.
        seed: Of the split.
        limit: Use only so many of the training file's pictures, drawn by the seed.
        fetch: Downloads a URL.

    Raises:
        CannotTrain: A file is missing and cannot be downloaded, or is not what was published.
    """
    unpacked = [
        _unpack(pictures, name, data=data, cache=cache, fetch=fetch) for name in pictures.files
    ]
    images, labels, test_images, test_labels = (_read_idx(body) for body in unpacked)
    order = np.random.default_rng(seed).permutation(len(labels))[:limit]
    spared = max(1, len(order) // 24)
    calibration, validation, held_out, train = np.split(order, [2 * spared, 3 * spared, 4 * spared])
    whole = Part(_fit(pictures, images), labels.astype(np.int64))
    return PictureParts(
        train=whole.take(train),
        validation=whole.take(validation),
        calibration=whole.take(calibration),
        held_out=whole.take(held_out),
        test=Part(_fit(pictures, test_images), test_labels.astype(np.int64)),
        sha256=hashlib.sha256(b"".join(unpacked)).hexdigest(),
    )


def _fit(pictures: PictureSet, images: NDArray[np.uint8]) -> Pixels:
    return np.stack(
        [
            geometry.fit(pictures.geometry, image[..., np.newaxis], (28, 28, 1)).pixels
            for image in images
        ]
    ).astype(np.uint8)


def _unpack(
    pictures: PictureSet, name: str, *, data: Path | None, cache: Path, fetch: Fetch
) -> bytes:
    if data is not None:
        path = data / pictures.name / name
        if not path.is_file():
            raise CannotTrain(
                f"{path} is missing: the folder given by --data or VITRINE_DATA must hold "
                f"{pictures.name}/ with the four published .gz files."
            )
        return _verified(pictures, name, path.read_bytes(), source=str(path))
    path = cache / pictures.name / name
    if path.is_file():
        return _verified(pictures, name, path.read_bytes(), source=str(path))
    packed, source = _download(pictures, name, fetch)
    unpacked = _verified(pictures, name, packed, source=source)
    _keep(path, packed)
    return unpacked


def _download(pictures: PictureSet, name: str, fetch: Fetch) -> tuple[bytes, str]:
    for mirror in pictures.mirrors:
        try:
            return fetch(mirror + name), mirror + name
        except (URLError, OSError):
            continue
    raise CannotTrain(
        f"{name} of {pictures.name} is not here and cannot be downloaded: give a folder that holds "
        f"{pictures.name}/{name} with --data DIR or VITRINE_DATA, or connect to the internet."
    )


def _keep(path: Path, packed: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(packed)
    partial.replace(path)


def _verified(pictures: PictureSet, name: str, packed: bytes, *, source: str) -> bytes:
    try:
        unpacked = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise CannotTrain(f"{source} is not a complete gzip file.") from error
    if hashlib.sha256(unpacked).hexdigest() != pictures.files[name]:
        raise CannotTrain(f"{source} does not hold what was published as {pictures.name}/{name}.")
    return unpacked


def _read_idx(body: bytes) -> NDArray[np.uint8]:
    """Read an array of bytes in the format that LeCun published MNIST in."""
    dimensions = body[3]
    shape = np.frombuffer(body, dtype=">i4", count=dimensions, offset=4)
    values: NDArray[Any] = np.frombuffer(body, dtype=np.uint8, offset=4 + 4 * dimensions)
    return values.reshape(shape)
