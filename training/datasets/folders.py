"""The pictures of a folder, with one sub-folder for each class."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from training.datasets.folder_layout import FolderLayout, is_ignored, label_of, sub_folders
from training.datasets.picture_data import (
    Labels,
    PictureData,
    Pixels,
    split_indices,
    split_off_test,
)
from training.errors import CannotTrain
from training.progress import track
from vitrine import images
from vitrine.errors import VitrineError
from vitrine.geometry import GEOMETRIES

MIN_PICTURES = 10
_MAX_PIXELS = 50_000_000
# Number of skipped files, and of classes, that the notes name.
_NAMED = 10


@dataclass(slots=True)
class _Part:
    """What has been read of one part.

    Attributes:
        folder: Folder of the part.
        pixels: Pictures.
        labels: Class labels of the pictures.
        files: Files of the pictures.
        skipped: Files that were skipped, with the reason, by class label.
    """

    folder: Path
    pixels: list[Pixels] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Reading:
    """What has been read of all parts so far.

    Attributes:
        size: Height and width that pictures are brought to, in pixels.
        hashes: Name of the file by the hash of its bytes.
        in_colour: Whether any picture has colours.
    """

    size: int
    hashes: dict[str, str] = field(default_factory=dict)
    in_colour: bool = False


def read_folder(layout: FolderLayout, *, size: int) -> PictureData:
    """Read every picture in a folder and resize it to a square.

    Files and folders whose names begin with a dot are ignored. Files that are no picture, or that
    have the same bytes as another file, are skipped with a note.

    Args:
        layout: Where the pictures lie.
        size: Height and width of the result, in pixels. The result is grey if all pictures are.

    Raises:
        CannotTrain: A class has no picture that can be read, or too few.
    """
    reading = _Reading(size)
    parts = {name: _read_part(folder, layout, reading) for name, folder in layout.parts.items()}
    for part in parts.values():
        _check_classes(part, layout.labels)
    _check_counts(parts["train"])
    digest = hashlib.sha256(
        "".join(f"{of}{name}\n" for of, name in reading.hashes.items()).encode()
    ).hexdigest()
    notes = (
        *layout.notes,
        *_part_notes(layout),
        _class_note(parts.values(), layout.labels),
        *_skipped_notes(parts.values()),
    )
    arrays = {name: _arrays(part, layout.labels, reading) for name, part in parts.items()}
    files = {name: part.files for name, part in parts.items()}
    return _as_data(arrays, files, layout.labels, digest, notes)


def _read_part(folder: Path, layout: FolderLayout, reading: _Reading) -> _Part:
    part = _Part(folder)
    found = [
        (path.relative_to(layout.folder).as_posix(), path, label_of(each))
        for each in sub_folders(folder)
        for path in _files(each)
    ]
    for name, path, label in track(sorted(found), "pictures"):
        reason = _read(path, name, label, part, reading)
        if reason:
            part.skipped.setdefault(label, []).append(f"{name}: {reason}")
    return part


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and in the folders below it, without hidden ones."""
    seen: set[str] = set()
    for current, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(current)
        # A link to a folder above would be followed for ever.
        folders[:] = [] if real in seen else [each for each in folders if not is_ignored(each)]
        if real not in seen:
            paths = (Path(current, name) for name in names if not is_ignored(name))
            yield from (path for path in paths if path.is_file() or path.is_symlink())
        seen.add(real)


def _read(path: Path, name: str, label: str, part: _Part, reading: _Reading) -> str | None:
    """Read one file; return the reason where it is skipped."""
    try:
        body = path.read_bytes()
        picture = images.decode(body, max_pixels=_MAX_PIXELS)
    except VitrineError as error:
        return error.detail
    except OSError as error:
        return f"{error.strerror}."
    digest = hashlib.sha256(body).hexdigest()
    if digest in reading.hashes:
        return f"It has the same bytes as {reading.hashes[digest]}."
    reading.hashes[digest] = name
    channels = picture.pixels[..., :1] == picture.pixels
    reading.in_colour |= not bool(channels.all())
    fitted = GEOMETRIES["fit"].fit(picture.pixels, (reading.size, reading.size, 3)).pixels
    part.pixels.append(fitted.astype(np.uint8))
    part.labels.append(label)
    part.files.append(path)
    return None


def _check_classes(part: _Part, labels: Sequence[str]) -> None:
    """Check that some picture of every class can be read."""
    lost = [label for label in labels if label not in set(part.labels)]
    if not lost:
        return
    skipped = part.skipped.get(lost[0], [])
    reason = f"{_skipped_text(skipped)}." if skipped else "Its sub-folder holds no file."
    others = f" The same is so of: {', '.join(map(repr, lost[1:]))}." if lost[1:] else ""
    raise CannotTrain(
        f"No picture of class {lost[0]!r} in {part.folder} can be read. {reason}{others} Put "
        "pictures of a known format there, or remove the sub-folder."
    )


def _check_counts(part: _Part) -> None:
    label, count = min(Counter(part.labels).items(), key=lambda each: each[1])
    if count < MIN_PICTURES:
        skipped = part.skipped.get(label, [])
        more = f" {_skipped_text(skipped)}." if skipped else ""
        raise CannotTrain(
            f"Every class must have at least {MIN_PICTURES} pictures to learn from. "
            f"Received: {count} in {label!r}.{more}"
        )


def _skipped_text(skipped: Sequence[str]) -> str:
    one = len(skipped) == 1
    return (
        f"{len(skipped)} file{'' if one else 's'} of it {'was' if one else 'were'} skipped, such "
        f"as {skipped[0].rstrip('.')}"
    )


def _part_notes(layout: FolderLayout) -> Iterator[str]:
    uses = {"train": "learned from", "validation": "validated with", "test": "scored with"}
    if len(layout.parts) > 1:
        named = (f"{folder} is {uses[name]}" for name, folder in layout.parts.items())
        yield f"{'; '.join(named)}."


def _class_note(parts: Iterable[_Part], labels: Sequence[str]) -> str:
    counts = [Counter(part.labels) for part in parts]
    named = [
        f"{label} ({' + '.join(str(count[label]) for count in counts)})"
        for label in labels[:_NAMED]
    ]
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return f"Classes, with their numbers of pictures: {', '.join(named)}{more}"


def _skipped_notes(parts: Iterable[_Part]) -> Iterator[str]:
    skipped = sorted(each for part in parts for of in part.skipped.values() for each in of)
    yield from (f"Skipped {each}" for each in skipped[:_NAMED])
    if len(skipped) > _NAMED:
        yield f"Skipped {len(skipped) - _NAMED} more."


def _arrays(part: _Part, labels: Sequence[str], reading: _Reading) -> tuple[Pixels, Labels]:
    x = np.stack(part.pixels)
    y = np.searchsorted(np.array(labels), np.array(part.labels)).astype(np.int64)
    return x if reading.in_colour else np.ascontiguousarray(x[..., :1]), y


def _as_data(
    arrays: dict[str, tuple[Pixels, Labels]],
    files: dict[str, list[Path]],
    labels: tuple[str, ...],
    sha256: str,
    notes: tuple[str, ...],
) -> PictureData:
    x, y = arrays["train"]
    validation = arrays.get("validation")
    if "test" not in arrays:
        split = split_off_test(
            x, y, validation=validation, labels=labels, sha256=sha256, notes=notes
        )
        return replace(split, example=files["train"][split_indices(y)[1][0]])
    test_x, test_y = arrays["test"]
    return PictureData(
        x=x,
        y=y,
        test_x=test_x,
        test_y=test_y,
        validation=validation,
        labels=labels,
        sha256=sha256,
        notes=notes,
        example=files["test"][0],
    )
