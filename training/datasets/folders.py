"""A folder of pictures, with one sub-folder for each class."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.datasets.picture_data import PictureData, Pixels, split_off_test
from training.errors import CannotTrain
from vitrine import images
from vitrine.errors import VitrineError
from vitrine.geometry import GEOMETRIES

MIN_PICTURES = 10
_MAX_PIXELS = 50_000_000
# Number of skipped files that the notes name.
_NAMED = 10


@dataclass(slots=True)
class _Reading:
    """What has been read of a folder so far.

    Attributes:
        pixels: Pictures.
        names: Class labels of the pictures.
        skipped: Files that were skipped, with the reason.
        hashes: Name of the file by the hash of its bytes.
        in_colour: Whether any picture has colours.
    """

    pixels: list[Pixels] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    in_colour: bool = False


def read_folder(folder: Path, *, size: int) -> PictureData:
    """Read every picture in a folder and resize it to a square.

    Files and folders whose names begin with a dot are ignored. Files that are no picture, or that
    have the same bytes as another file, are skipped with a note.

    Args:
        folder: Folder whose sub-folders have the names of the class labels.
        size: Height and width of the result, in pixels. The result is grey if all pictures are.

    Raises:
        CannotTrain: There are fewer than two classes, or too few pictures of one class.
    """
    reading = _Reading()
    for path in _files(folder):
        _read(path, folder, size, reading)
    labels = tuple(sorted(set(reading.names)))
    _check(folder, reading, labels)
    x = np.stack(reading.pixels)
    y = np.searchsorted(np.array(labels), np.array(reading.names)).astype(np.int64)
    digest = hashlib.sha256(
        "".join(f"{of}{name}\n" for of, name in reading.hashes.items()).encode()
    )
    return split_off_test(
        x if reading.in_colour else np.ascontiguousarray(x[..., :1]),
        y,
        labels=labels,
        sha256=digest.hexdigest(),
        notes=_notes(reading.skipped),
    )


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in the sub-folders in the order of their names, without hidden ones."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.glob("*/**/*")}
    for name in sorted(paths):
        is_hidden = any(part.startswith(".") for part in name.split("/"))
        if not is_hidden and paths[name].is_file():
            yield paths[name]


def _read(path: Path, folder: Path, size: int, reading: _Reading) -> None:
    name = path.relative_to(folder).as_posix()
    try:
        body = path.read_bytes()
        picture = images.decode(body, max_pixels=_MAX_PIXELS)
    except VitrineError as error:
        reading.skipped.append(f"{name}: {error.detail}")
        return
    except OSError as error:
        reading.skipped.append(f"{name}: {error.strerror}.")
        return
    digest = hashlib.sha256(body).hexdigest()
    if digest in reading.hashes:
        reading.skipped.append(f"{name}: It has the same bytes as {reading.hashes[digest]}.")
        return
    reading.hashes[digest] = name
    channels = picture.pixels[..., :1] == picture.pixels
    reading.in_colour |= not bool(channels.all())
    fitted = GEOMETRIES["fit"].fit(picture.pixels, (size, size, 3)).pixels
    reading.pixels.append(fitted.astype(np.uint8))
    reading.names.append(name.split("/")[0])


def _check(folder: Path, reading: _Reading, labels: tuple[str, ...]) -> None:
    if len(labels) < 2:
        raise CannotTrain(
            f"{folder} must have at least two sub-folders with pictures, one for each class. "
            f"Received: {len(labels)}{_skipped_text(reading.skipped)}."
        )
    name, count = min(Counter(reading.names).items(), key=lambda each: each[1])
    if count < MIN_PICTURES:
        raise CannotTrain(
            f"Every class must have at least {MIN_PICTURES} pictures. "
            f"Received: {count} in {name!r}."
        )


def _skipped_text(skipped: list[str]) -> str:
    if not skipped:
        return ""
    return f", and {len(skipped)} files that are no picture, such as {skipped[0].rstrip('.')}"


def _notes(skipped: list[str]) -> tuple[str, ...]:
    named = [f"Skipped {each}" for each in skipped[:_NAMED]]
    more = len(skipped) - _NAMED
    return (*named, f"Skipped {more} more.") if more > 0 else tuple(named)
