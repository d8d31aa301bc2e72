"""Published sets of pictures: found in a folder or downloaded once, verified, unpacked, read."""

import gzip
import hashlib
import io
import os
import pickle
import tarfile
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from training.datasets.found import Found, Labels, Pixels, fitted, split_off_test
from training.errors import CannotTrain

Fetch = Callable[[str], bytes]

_TIMEOUT_SECONDS = 30
_CIFAR_SIDE = 32


def download(url: str) -> bytes:
    """Fetch a file over HTTPS."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - https, from a table of sets
        body: bytes = response.read()
    return body


@dataclass(frozen=True, slots=True)
class Place:
    """Where published files lie.

    Attributes:
        data: A folder that holds each set's folder; None to download.
        cache: Folder that downloads are kept in.
        fetch: Downloads a URL.
    """

    data: Path | None
    cache: Path
    fetch: Fetch = download


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The files of a published set.

    Attributes:
        name: Of the set, and of the folder its files lie in.
        files: SHA-256 by file name: of a .gz file's unpacked bytes, since the same data has been
            packed in more than one way; of a .tar.gz as it is.
        mirrors: Where the files are published, tried in turn.
    """

    name: str
    files: Mapping[str, str]
    mirrors: tuple[str, ...]

    def read(self, place: Place) -> list[bytes]:
        """Return what is in the files, in their order.

        Raises:
            CannotTrain: One is missing and cannot be downloaded, or is not what was published.
        """
        return [self._read(name, place) for name in self.files]

    def _read(self, name: str, place: Place) -> bytes:
        if place.data is not None:
            path = place.data / self.name / name
            if not path.is_file():
                raise CannotTrain(
                    f"{path} is missing: the folder given by --data or VITRINE_DATA must hold "
                    f"{self.name}/ with {' and '.join(self.files)} as published."
                )
            return self._verified(name, path.read_bytes(), source=str(path))
        path = place.cache / self.name / name
        if path.is_file():
            return self._verified(name, path.read_bytes(), source=str(path))
        packed, source = self._download(name, place.fetch)
        unpacked = self._verified(name, packed, source=source)
        _keep(path, packed)
        return unpacked

    def _download(self, name: str, fetch: Fetch) -> tuple[bytes, str]:
        for mirror in self.mirrors:
            try:
                return fetch(mirror + name), mirror + name
            except (URLError, OSError):
                continue
        raise CannotTrain(
            f"{name} of {self.name} is not here and cannot be downloaded: give a folder that holds "
            f"{self.name}/{name} with --data DIR or VITRINE_DATA, or connect to the internet."
        )

    def _verified(self, name: str, packed: bytes, *, source: str) -> bytes:
        try:
            body = packed if name.endswith(".tar.gz") else gzip.decompress(packed)
        except (OSError, EOFError, zlib.error) as error:
            raise CannotTrain(f"{source} is not a complete gzip file.") from error
        if hashlib.sha256(body).hexdigest() != self.files[name]:
            raise CannotTrain(f"{source} does not hold what was published as {self.name}/{name}.")
        return body


def _keep(path: Path, packed: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(packed)
    partial.replace(path)


def read_idx(
    place: Place, published: Published, *, geometry: str, labels: tuple[str, ...]
) -> Found:
    """Read pictures of 28 x 28 grey pixels in the format that MNIST was published in.

    Args:
        place: Where the files lie.
        published: Training pictures, their labels, test pictures, their labels.
        geometry: That the pictures have.
        labels: Class labels in the order of the codes in the files.
    """
    unpacked = published.read(place)
    images, codes, test_images, test_codes = (_idx(body) for body in unpacked)
    shape = (*images.shape[1:], 1)
    return Found(
        x=fitted(geometry, images[..., np.newaxis], shape),
        y=codes.astype(np.int64),
        test_x=fitted(geometry, test_images[..., np.newaxis], shape),
        test_y=test_codes.astype(np.int64),
        labels=labels,
        sha256=hashlib.sha256(b"".join(unpacked)).hexdigest(),
    )


def _idx(body: bytes) -> Pixels:
    dimensions = body[3]
    shape = np.frombuffer(body, dtype=">i4", count=dimensions, offset=4)
    values: NDArray[Any] = np.frombuffer(body, dtype=np.uint8, offset=4 + 4 * dimensions)
    return values.reshape(shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the members of a CIFAR archive are called.

    Attributes:
        train: Those with training pictures.
        test: That with test pictures.
        meta: That with the names of the labels.
        codes: The key of the labels in the former.
        names: The key of their names in the latter.
    """

    train: tuple[str, ...]
    test: str
    meta: str
    codes: bytes
    names: bytes


def read_cifar(place: Place, published: Published, contents: Contents) -> Found:
    """Read pictures of 32 x 32 pixels in colour from an archive that CIFAR was published in.

    Raises:
        CannotTrain: The archive holds other than arrays, lists and texts.

    References:
        Krizhevsky (2009), Learning multiple layers of features from tiny images.
    """
    (body,) = published.read(place)
    wanted = {*contents.train, contents.test, contents.meta}
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as archive:
        found = {
            Path(member.name).name: _unpickled(stream.read(), published.name)
            for member in archive
            if Path(member.name).name in wanted and (stream := archive.extractfile(member))
        }
    parts = [_colours(found[name], contents) for name in contents.train]
    test_x, test_y = _colours(found[contents.test], contents)
    return Found(
        x=np.concatenate([x for x, _ in parts]),
        y=np.concatenate([y for _, y in parts]),
        test_x=test_x,
        test_y=test_y,
        labels=tuple(bytes(name).decode() for name in found[contents.meta][contents.names]),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def _colours(batch: Mapping[bytes, Any], contents: Contents) -> tuple[Pixels, Labels]:
    planes = batch[b"data"].reshape(-1, 3, _CIFAR_SIDE, _CIFAR_SIDE)
    return np.moveaxis(planes, 1, -1), np.array(batch[contents.codes], dtype=np.int64)


def _unpickled(body: bytes, source: str) -> Any:
    try:
        return _ArraysOnly(io.BytesIO(body), encoding="bytes").load()
    except pickle.UnpicklingError as error:
        raise CannotTrain(f"The archive of {source} is refused: {error}.") from error


class _ArraysOnly(pickle.Unpickler):
    """Reads dictionaries, lists, texts and arrays of bytes; calls nothing else that it names."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the few things that an array of bytes is made with."""
        if name == "_reconstruct" and module in {
            "numpy.core.multiarray",
            "numpy._core.multiarray",
        }:
            return _empty_array
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return _byte_type
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array")


def _empty_array(kind: type[NDArray[Any]], _shape: object, _dtype: object) -> Pixels:
    if kind is not np.ndarray:
        raise pickle.UnpicklingError("it holds an array of another kind")
    return np.ndarray.__new__(np.ndarray, (0,), np.uint8)


def _byte_type(name: str | bytes, *_options: object) -> np.dtype[np.uint8]:
    if name not in {"u1", b"u1"}:
        raise pickle.UnpicklingError("it holds an array of other than bytes")
    return np.dtype(np.uint8, copy=True)


@cache
def _embedded_digits() -> Found:
    digits = load_digits()
    levels = np.rint(digits.images[..., np.newaxis] * (255 / 16)).astype(np.uint8)
    y = digits.target.astype(np.int64)
    # In eight pixels without a margin the geometry could not tell ink from paper.
    framed = np.pad(levels, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return split_off_test(
        fitted("mnist", fitted("fit", framed, (40, 40, 1)), (28, 28, 1)),
        y,
        labels=tuple("0123456789"),
        sha256=hashlib.sha256(levels.tobytes() + y.astype(np.uint8).tobytes()).hexdigest(),
    )


def read_embedded_digits(_place: Place) -> Found:
    """Read the 1 797 digits of 8 x 8 pixels that come with scikit-learn, in MNIST's geometry.

    References:
        Alpaydin and Kaynak (1998), Optical recognition of handwritten digits,
        doi:10.24432/C50P49.
    """
    return _embedded_digits()
