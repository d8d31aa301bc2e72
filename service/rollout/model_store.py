"""Where versions come from: a folder of bundles, or a folder that mirrors a remote source."""

import hashlib
import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from service.rollout.served import ModelVersion
from service.rollout.single_model import as_models_folder
from service.rollout.sources.mirror import Mirror, Refused
from service.rollout.sources.source import SourceUnreachable
from service.rollout.sources.url import is_remote, open_mirror
from vitrine import bundle
from vitrine.bundle import InvalidBundle

# Of one connection, and of silence on it. A worker that ends waits for S3 twice as long, and so
# does a look at a store that has come back.
_TIMEOUT_SECONDS = 5.0
# S3 charges for every listing.
_MIN_REMOTE_SECONDS = 1.0

_log = logging.getLogger(__name__)

# Changes when any file of a version does.
Fingerprint = tuple[tuple[str, int, int, int], ...]


class ModelStore(Protocol):
    """A folder of bundles, which may be the copy of a remote source.

    Attributes:
        folder: Folder with `<name>/<version>/manifest.json`.
        refreshes: Number that rises whenever the folder has become equal to the source.
        desired_copy: File beside a copy of a remote source, for what is desired of it; None where
            the folder is no copy.
    """

    folder: Path
    refreshes: int
    desired_copy: Path | None

    def list_versions(self) -> Mapping[str, Sequence[int]]:
        """List the versions in the folder that have a manifest, by name.

        Raises:
            InvalidBundle: The folder cannot be read.
        """

    def by_number(self, versions: Mapping[str, Sequence[int]]) -> frozenset[ModelVersion]:
        """Return those of the versions whose manifests do not let them answer by default."""

    def refresh(self, *, wait: bool) -> None:
        """Copy what is new in the source into the folder.

        Args:
            wait: Whether to return only when that is done. Otherwise it is done meanwhile, or left
                out where it was done a moment ago.

        Raises:
            SourceUnreachable: The source cannot be read; raised to whoever waits.
        """

    def fetch_failures(self) -> Refused:
        """Return why versions of the source are not in the folder, by name and version."""


class FolderStore:
    """A folder that others write to.

    Args:
        folder: Folder with `<name>/<version>/manifest.json`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refreshes = 0
        self.desired_copy: Path | None = None
        # Manifests are long, and folders are listed every second.
        self._read: dict[ModelVersion, tuple[Fingerprint, bool]] = {}

    def list_versions(self) -> Mapping[str, Sequence[int]]:
        """List the versions that have a manifest, by name.

        Raises:
            InvalidBundle: The folder cannot be read.
        """
        try:
            return bundle.list_versions(self.folder)
        except OSError as error:
            raise InvalidBundle(
                f"The models folder {self.folder} cannot be read: {error.strerror}."
            ) from error

    def by_number(self, versions: Mapping[str, Sequence[int]]) -> frozenset[ModelVersion]:
        """Return those of the versions whose manifests do not let them answer by default."""
        return frozenset(
            (name, number)
            for name, numbers in versions.items()
            for number in numbers
            if not self._answers_by_default((name, number))
        )

    def _answers_by_default(self, version: ModelVersion) -> bool:
        """Read it from the manifest, again only where a file of the version has changed."""
        name, number = version
        folder = self.folder / name / str(number)
        files = fingerprint(folder)
        if version not in self._read or self._read[version][0] != files:
            self._read[version] = files, bundle.answers_by_default(folder)
        return self._read[version][1]

    def refresh(self, *, wait: bool) -> None:
        """Do nothing: the folder has no other source."""

    def fetch_failures(self) -> Refused:
        """Return nothing: the folder has no other source."""
        return {}


class MirroredStore(FolderStore):
    """A copy of what a remote source has published.

    Args:
        url: URL of the source, as `open_mirror` takes it.
        cache: Folder with the copies of all sources.
        every_seconds: Least time between two requests to the source, unless a caller waits for it.
    """

    def __init__(self, url: str, cache: Path, *, every_seconds: float) -> None:
        super().__init__(cache / hashlib.sha256(url.encode()).hexdigest()[:16])
        self.desired_copy = self.folder.with_suffix(".desired.json")
        self._url = url
        self._every_seconds = every_seconds
        self._mirror: Mirror | None = None
        self._failures: Refused = {}
        self._refreshed_at = -math.inf
        self._last_error = ""
        self._lock = threading.Lock()

    def refresh(self, *, wait: bool) -> None:
        """Fetch what is new, and remove what is gone.

        Raises:
            SourceUnreachable: The source cannot be read; raised to whoever waits.
        """
        if wait:
            with self._lock:
                self._update(anew=True)
        elif self._is_due() and not self._lock.locked():
            threading.Thread(target=self._update_meanwhile, name="mirror", daemon=True).start()

    def _is_due(self) -> bool:
        return time.monotonic() - self._refreshed_at > self._every_seconds

    def _update_meanwhile(self) -> None:
        """Update the folder, and log a failure once."""
        with self._lock:
            try:
                self._update(anew=False)
                self._last_error = ""
            except SourceUnreachable as error:
                if str(error) != self._last_error:
                    self._last_error = str(error)
                    _log.error("models source", extra={"fields": {"reason": str(error)}})

    def _update(self, *, anew: bool) -> None:
        self._refreshed_at = time.monotonic()
        if self._mirror is None:
            self._mirror = open_mirror(self._url, timeout_seconds=_TIMEOUT_SECONDS)
        self._failures = self._mirror.update(self.folder, anew=anew)
        self.refreshes += 1

    def fetch_failures(self) -> Refused:
        """Return why versions of the source could not be fetched, by name and version."""
        return self._failures


def open_model_store(models: str, *, cache: str, watch_seconds: float) -> ModelStore:
    """Open a folder of bundles, or the copy of a remote source.

    Args:
        models: A folder of models, of one model or of one version; or the URL of a source.
        cache: Folder of the copies; empty for the user's own cache, or a temporary one.
        watch_seconds: Time between two listings of the folder.

    Raises:
        InvalidBundle: It is unknown which model the folder is of.
    """
    folder = Path(cache) if cache else _default_cache()
    if not is_remote(models):
        return FolderStore(as_models_folder(Path(models), folder))
    every_seconds = max(watch_seconds, _MIN_REMOTE_SECONDS)
    return MirroredStore(models, folder, every_seconds=every_seconds)


def _default_cache() -> Path:
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
