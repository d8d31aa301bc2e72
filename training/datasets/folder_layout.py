"""What the sub-folders of a folder of pictures are: classes, or parts that hold the classes.

Nothing here opens a picture.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import CannotTrain
from vitrine.errors import nearest, shown

# The words by which people call the parts of a data set.
_PARTS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# What systems put beside pictures, in lower case.
_OF_SYSTEMS = frozenset({"__macosx", "@eadir", "thumbs.db", "desktop.ini"})
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLayout:
    """Where the pictures of a folder lie.

    Attributes:
        folder: The folder.
        train: Folder with one sub-folder for each class, to learn from.
        validation: Folder with the same sub-folders, to validate; None to split pictures off.
        test: Folder with the same sub-folders, to score; None to split pictures off.
        notes: How the folder is read, one line each, where that is not plain.
    """

    folder: Path
    train: Path
    validation: Path | None = None
    test: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, Path]:
        """The folders by the names of the parts, the training part first."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: folder for name, folder in named.items() if folder is not None}

    @property
    def labels(self) -> tuple[str, ...]:
        """The class labels in order, which every part has."""
        return tuple(sorted(_labels(self.train)))


def find_layout(folder: Path) -> FolderLayout:
    """Find out which sub-folders of a folder are parts, and which are classes.

    A folder whose only sub-folder has sub-folders stands for that one. Sub-folders are parts where
    one is called train and another one test or val, in any case and with other words beside it,
    and both hold the same sub-folders.

    Raises:
        CannotTrain: There are fewer than two classes, or the parts do not hold the same classes.
    """
    inner, notes = _unwrap(folder)
    parts = _find_parts(inner)
    if parts is None:
        layout = FolderLayout(folder=folder, train=inner, notes=notes)
    else:
        others = [each.name for each in sub_folders(inner) if each not in parts.values()]
        unwrapped = {part: _unwrap(each)[0] for part, each in parts.items()}
        left_out = (f"Left out: {_listed(others)}, which {_are(others)} no part.",)
        layout = FolderLayout(
            folder=folder, **unwrapped, notes=(*notes, *(left_out if others else ()))
        )
    _check(layout)
    return layout


def sub_folders(folder: Path) -> list[Path]:
    """Return the sub-folders that may hold pictures, in the order of their names.

    Raises:
        CannotTrain: The folder cannot be read.
    """
    return [each for each in _visible(folder) if each.is_dir()]


def label_of(folder: Path) -> str:
    """Return the class label that a sub-folder has as its name, composed as NFC.

    macOS writes the accents of file names decomposed, other systems do not.
    """
    return unicodedata.normalize("NFC", folder.name)


def is_ignored(name: str) -> bool:
    """Tell whether a file or a folder is hidden, or was put there by an operating system."""
    return name.startswith(".") or name.lower() in _OF_SYSTEMS


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if not is_ignored(each.name))
    except OSError as error:
        raise CannotTrain(f"{folder} cannot be read: {error.strerror}.") from error


def _labels(folder: Path) -> set[str]:
    return {label_of(each) for each in sub_folders(folder)}


def _unwrap(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Follow folders whose only sub-folder has sub-folders, as unpacked archives have them."""
    inner = folder
    while len(inside := sub_folders(inner)) == 1 and sub_folders(inside[0]):
        inner = inside[0]
    notes = () if inner == folder else (f"The classes lie in {inner}.",)
    return inner, notes


def _find_parts(folder: Path) -> dict[str, Path] | None:
    """Return the folders of the parts by the names of the parts; None where there are none."""
    inside = sub_folders(folder)
    named = [(part, each) for each in inside if (part := _part(each.name))]
    if not _are_parts(named, inside):
        return None
    parts: dict[str, Path] = {}
    for part, each in named:
        if part in parts:
            raise CannotTrain(
                f"{folder} must have one folder for each part. Received: {parts[part].name} and "
                f"{each.name}. Put their pictures together, or move one of them away."
            )
        parts[part] = each
    if "train" not in parts:
        raise CannotTrain(
            f"{folder} has no folder called train to learn from. Received: "
            f"{_listed([each.name for each in inside])}. Rename the one to learn from."
        )
    return parts


def _are_parts(named: Sequence[tuple[str, Path]], inside: Sequence[Path]) -> bool:
    """Tell parts from classes that happen to be called like parts, such as a class of trains."""
    parts = {part for part, _ in named}
    if len(parts) < 2:
        return False
    if len(named) == len(inside) and ("train" in parts or all(map(_is_plain_part, inside))):
        return True
    labels = [(part, each, _labels(_unwrap(each)[0])) for part, each in named]
    of_train = set().union(*(found for part, _, found in labels if part == "train"))
    others = [(each, found) for part, each, found in labels if part != "train"]
    # Beside a folder that is no part, equal sub-folders show it, or two names that mean nothing
    # else: competitions publish a test folder without labels.
    return bool(of_train) and any(
        of_train & found or _is_plain_part(each) for each, found in others
    )


def _is_plain_part(folder: Path) -> bool:
    return folder.name.lower() in _PARTS


def _part(name: str) -> str | None:
    """Return the part that one of the words of a name means, such as "seg_train" or "TestSet"."""
    words = re.findall("[A-Z]?[a-z]+|[A-Z]+", name)
    stems = {re.sub("(set|data)$", "", word.lower()) for word in words}
    parts = {_PARTS[stem] for stem in stems if stem in _PARTS}
    return parts.pop() if len(parts) == 1 else None


def _check(layout: FolderLayout) -> None:
    for folder in layout.parts.values():
        if not sub_folders(folder):
            raise CannotTrain(
                f"{folder} must have one sub-folder for each class, named after its label. "
                f"It holds {_count(list(_files_in(folder)))} and no sub-folder."
            )
    if len(layout.labels) < 2:
        raise CannotTrain(
            f"{layout.train} must have at least two sub-folders with pictures, one for each class. "
            f"Received: {_listed(list(layout.labels))}."
        )
    for part in (layout.validation, layout.test):
        if part is not None:
            _check_labels(layout.train, part)


def _check_labels(train: Path, part: Path) -> None:
    expected, found = _labels(train), _labels(part)
    unknown, missing = sorted(found - expected), sorted(expected - found)
    advice = f"Give both the same sub-folders, or move {part} away to split {train} instead."
    if unknown:
        hint = nearest(unknown[0], missing)
        raise CannotTrain(
            f"{part} has classes that {train} does not have: {_listed(unknown)}.{hint} {advice}"
        )
    if missing:
        raise CannotTrain(f"{part} lacks classes that {train} has: {_listed(missing)}. {advice}")


def _files_in(folder: Path) -> Iterator[str]:
    return (each.name for each in _visible(folder) if each.is_file())


def _count(names: list[str]) -> str:
    if not names:
        return "no files"
    return f"{len(names)} file{'s' * (len(names) > 1)}, such as {names[0]},"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    listed = ", ".join(map(shown, names[:_NAMED]))
    return f"{listed} and {more} more" if more > 0 else listed


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
