"""The archives in which CIFAR-10 and CIFAR-100 were published.

Their members are pickles, which could run code. The reader here allows nothing but arrays of bytes.
"""

import hashlib
import io
import pickle
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets.picture_data import Labels, PictureData, Pixels
from training.datasets.published import Location, Published
from training.errors import CannotTrain

# Height and width of a picture, in pixels.
_SIDE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLayout:
    """The names within a CIFAR archive.

    Attributes:
        train: Members with training pictures.
        test: Member with test pictures.
        meta: Member with the names of the labels.
        codes: Key of the label codes in a member with pictures.
        names: Key of the label names in `meta`.
    """

    train: tuple[str, ...]
    test: str
    meta: str
    codes: bytes
    names: bytes


def read_cifar(location: Location, published: Published, layout: ArchiveLayout) -> PictureData:
    """Read pictures of 32 x 32 pixels in colour.

    Raises:
        CannotTrain: The archive contains something else than arrays, lists and texts.

    References:
        Krizhevsky (2009), Learning multiple layers of features from tiny images.
    """
    (body,) = published.read(location)
    members = _read_members(body, {*layout.train, layout.test, layout.meta}, published.name)
    parts = [_pictures_of(members[name], layout) for name in layout.train]
    test_x, test_y = _pictures_of(members[layout.test], layout)
    return PictureData(
        x=np.concatenate([x for x, _ in parts]),
        y=np.concatenate([y for _, y in parts]),
        test_x=test_x,
        test_y=test_y,
        labels=tuple(bytes(name).decode() for name in members[layout.meta][layout.names]),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def _read_members(body: bytes, wanted: set[str], source: str) -> dict[str, Any]:
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as archive:
        return {
            Path(member.name).name: _unpickle(stream.read(), source)
            for member in archive
            if Path(member.name).name in wanted and (stream := archive.extractfile(member))
        }


def _pictures_of(member: Mapping[bytes, Any], layout: ArchiveLayout) -> tuple[Pixels, Labels]:
    planes = member[b"data"].reshape(-1, 3, _SIDE, _SIDE)
    return np.moveaxis(planes, 1, -1), np.array(member[layout.codes], dtype=np.int64)


def _unpickle(body: bytes, source: str) -> Any:
    try:
        return _ArrayUnpickler(io.BytesIO(body), encoding="bytes").load()
    except pickle.UnpicklingError as error:
        raise CannotTrain(f"The archive of {source} is refused: {error}.") from error


class _ArrayUnpickler(pickle.Unpickler):
    """Reads mappings, lists, texts and arrays of bytes. Everything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the few functions and classes that make an array of bytes."""
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
        raise pickle.UnpicklingError("it contains an array of another kind")
    return np.ndarray.__new__(np.ndarray, (0,), np.uint8)


def _byte_type(name: str | bytes, *_options: object) -> np.dtype[np.uint8]:
    if name not in {"u1", b"u1"}:
        raise pickle.UnpicklingError("it contains an array of something else than bytes")
    return np.dtype(np.uint8, copy=True)
