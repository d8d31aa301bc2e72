"""Where versions come from, and what lies there now."""

import hashlib
import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from service.rollout.sources import Source, SourceUnreachable, is_remote, open_source
from vitrine import bundle
from vitrine.bundle import InvalidBundle

# Of one connection, and of silence on it. A worker that ends waits for S3 twice as long.
_TIMEOUT_SECONDS = 10.0
# Every look at S3 is charged for.
_LEAST_REMOTE_SECONDS = 30.0

_log = logging.getLogger(__name__)

# Changes when any file of a version does.
Fingerprint = tuple[tuple[str, int, int, int], ...]


class ModelStore(Protocol):
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

    def refresh(self, *, wait: bool) -> None:
        """Bring the folder up to what the other place has.

        Args:
            wait: Whether to return only when that is done; else it may go on, or not even begin
                where it has been done a moment ago.

        Raises:
            SourceUnreachable: It was waited for, and the other place cannot be read.
        """

    def missing(self) -> Mapping[str, Mapping[int, str]]:
        """Tell which versions of the other place are not in the folder, and why, by name."""


class FolderStore:
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

    def refresh(self, *, wait: bool) -> None:
        """Do nothing: the folder is the place itself."""

    def missing(self) -> Mapping[str, Mapping[int, str]]:
        """Return nothing: the folder is the place itself."""
        return {}


class MirroredStore(FolderStore):
    """A copy of what is published elsewhere.

    Args:
        url: Of the place, as `sources.open_source` takes it.
        cache: Where the copies of all such places are kept.
        every_seconds: Least time between two looks at the place, unless one is waited for.
    """

    def __init__(self, url: str, cache: Path, *, every_seconds: float) -> None:
        super().__init__(cache / hashlib.sha256(url.encode()).hexdigest()[:16])
        self._url = url
        self._every_seconds = every_seconds
        self._source: Source | None = None
        self._missing: Mapping[str, Mapping[int, str]] = {}
        self._refreshed = -math.inf
        self._complaint = ""
        self._busy = threading.Lock()

    def refresh(self, *, wait: bool) -> None:
        """Fetch what is new, and take away what is gone.

        Raises:
            SourceUnreachable: It was waited for, and the place cannot be read.
        """
        if wait:
            with self._busy:
                self._mirror()
        elif time.monotonic() - self._refreshed > self._every_seconds and not self._busy.locked():
            threading.Thread(target=self._refresh_aside, name="mirror", daemon=True).start()

    def _refresh_aside(self) -> None:
        with self._busy:
            try:
                self._mirror()
                self._complaint = ""
            except SourceUnreachable as error:
                if str(error) != self._complaint:
                    self._complaint = str(error)
                    _log.error("models source", extra={"fields": {"reason": str(error)}})

    def _mirror(self) -> None:
        self._refreshed = time.monotonic()
        if self._source is None:
            self._source = open_source(self._url, timeout_seconds=_TIMEOUT_SECONDS)
        self._missing = self._source.mirror(self.folder)

    def missing(self) -> Mapping[str, Mapping[int, str]]:
        """Tell which versions of the place could not be fetched, and why, by name."""
        return self._missing


def open_model_store(models: str, *, cache: str, watch_seconds: float) -> ModelStore:
    """Open a folder of bundles, or a copy of a remote one.

    Args:
        models: A folder, or a URL.
        cache: Folder of the copies; empty for the user's own, or a temporary one.
        watch_seconds: How often the folder is looked at.
    """
    if not is_remote(models):
        return FolderStore(Path(models))
    every_seconds = max(watch_seconds, _LEAST_REMOTE_SECONDS)
    return MirroredStore(
        models, Path(cache) if cache else _own_cache(), every_seconds=every_seconds
    )


def _own_cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - may be no home
    folder = Path(home) / "vitrine"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / f"vitrine-{os.getuid()}"
    return folder


def fingerprint(folder: Path) -> Fingerprint:
    """Describe the files of a version without reading them; empty where it is gone."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.stat()) for entry in entries]
    except OSError:
        return ()
    return tuple(sorted((name, st.st_size, st.st_mtime_ns, st.st_ino) for name, st in found))
