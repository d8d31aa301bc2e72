"""Where versions come from, and what lies there now."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from service import bundle
from service.bundle import InvalidBundle

# Changes when any file of a version does.
Fingerprint = tuple[tuple[str, int, int, int], ...]


class Shelf(Protocol):
    """A folder of bundles, which may be a copy of another place.

    Attributes:
        folder: `<name>/<version>/manifest.json`.
    """

    folder: Path

    def look(self) -> Mapping[str, list[int]]:
        """List the versions that have a manifest, by name.

        Raises:
            InvalidBundle: The folder cannot be read.
        """

    def refresh(self) -> None:
        """Bring the folder up to what the other place has now.

        Raises:
            SourceUnreachable: It cannot be reached.
        """

    def missing(self) -> Mapping[str, Mapping[int, str]]:
        """Tell which versions of the other place are not in the folder, and why, by name."""


class LocalShelf:
    """A folder that others write to.

    Args:
        folder: `<name>/<version>/manifest.json`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def look(self) -> Mapping[str, list[int]]:
        """List the versions that have a manifest, by name.

        Raises:
            InvalidBundle: The folder cannot be read.
        """
        try:
            names = bundle.names(self.folder)
            return {name: bundle.versions(self.folder, name) for name in names}
        except OSError as error:
            raise InvalidBundle(
                f"The models folder {self.folder} cannot be read: {error.strerror}."
            ) from error

    def refresh(self) -> None:
        """Do nothing: the folder is the place itself."""

    def missing(self) -> Mapping[str, Mapping[int, str]]:
        """Return nothing: the folder is the place itself."""
        return {}


def fingerprint(folder: Path) -> Fingerprint:
    """Describe the files of a version without reading them; empty where it is gone."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.stat()) for entry in entries]
    except OSError:
        return ()
    return tuple(sorted((name, st.st_size, st.st_mtime_ns, st.st_ino) for name, st in found))
