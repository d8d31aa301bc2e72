"""Private copies of the versions that are served, which outlive what becomes of the model store.

A store can be unmounted, emptied or written over while its versions are served. A worker that
starts then loads the copy, which is the very version that was tried and that the others serve.
"""

import logging
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from service.rollout.served import ModelVersion
from service.rollout.trials import Trials
from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest

# Copies may take this part of what is free: the folder may be in memory, with the metrics beside.
_FREE_PART = 4

_log = logging.getLogger(__name__)


class KeptVersions:
    """Copies of versions in the folder that the workers share.

    Args:
        models: Folder that is copied from, with `<name>/<version>/manifest.json`.
        folder: Folder of the copies; made where it is missing.
        trials: Tries versions before they are copied.

    Attributes:
        folder: Folder of the copies, with `<name>/<version>/manifest.json`.
    """

    def __init__(self, models: Path, folder: Path, trials: Trials) -> None:
        self.folder = folder
        self._models = models
        self._trials = trials

    def take(self, version: ModelVersion) -> str | None:
        """Try a version, and keep a copy of what has passed.

        Returns:
            Why the version cannot be served, in one sentence; None where it can be.
        """
        reason = self._trials.reason_against(version)
        if reason is not None:
            return reason
        source = self._models / _path(version)
        try:
            self._keep(version, source)
        except InvalidBundle as error:
            return str(error).removeprefix(f"{source}: ")
        except OSError as error:
            self._log_loss(version, error.strerror or type(error).__name__)
        return None

    def keep_only(self, versions: Iterable[ModelVersion]) -> None:
        """Delete all other copies, but for those of these versions that are being made."""
        kept = {_path(version) for version in versions}
        # A copy that is being made lies in a hidden folder.
        for path in (*self.folder.glob("[!.]*/*"), *self.folder.glob(".*/*/*")):
            if Path(*path.parts[-2:]) not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def _keep(self, version: ModelVersion, source: Path) -> None:
        final = self.folder / _path(version)
        if not self._trials.has_passed(bundle.manifest_digest(source)):
            raise InvalidBundle(f"{source}: The version was changed while it was tried.")
        shutil.rmtree(final, ignore_errors=True)
        manifest = bundle.read_manifest(source)
        files = [
            *(manifest.files[name] for name in _needed_files(manifest)),
            *manifest.report.values(),
        ]
        needed = sum(file.size_bytes for file in files)
        final.parent.mkdir(parents=True, exist_ok=True)
        if needed * _FREE_PART > shutil.disk_usage(final.parent).free:
            self._log_loss(version, "there is too little room")
            return
        # A hidden name is no version, so that nobody loads half of one.
        hidden = self.folder / f".{secrets.token_hex(8)}"
        work = hidden / _path(version)
        try:
            work.mkdir(parents=True)
            _copy(source, work, manifest)
            work.rename(final)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)

    def _log_loss(self, version: ModelVersion, reason: str) -> None:
        fields = {"model": version[0], "version": version[1], "reason": reason}
        _log.warning("no copy of a version is kept", extra={"fields": fields})


def _path(version: ModelVersion) -> Path:
    name, number = version
    return Path(name) / str(number)


def _needed_files(manifest: Manifest) -> list[str]:
    """Return the files that the service opens."""
    has_onnx = bundle.ONNX_NAME in manifest.files
    return [name for name in manifest.files if not (has_onnx and name == bundle.KERAS_NAME)]


def _copy(source: Path, target: Path, manifest: Manifest) -> None:
    """Copy what the service needs of a version, and compare the copy with the manifest.

    Raises:
        InvalidBundle: A file cannot be read, or is not what was published any more.
    """
    (target / bundle.MANIFEST_NAME).write_bytes(bundle.read_manifest_bytes(source))
    for name in _needed_files(manifest):
        with bundle.open_file(source, name) as stream, (target / name).open("wb") as copy:
            shutil.copyfileobj(stream, copy)
    _copy_report(source, target, manifest)
    try:
        bundle.verify_files(manifest, target)
    except InvalidBundle as error:
        reason = str(error).removeprefix(f"{target}: ")
        raise InvalidBundle(f"{source}: {reason}") from error


def _copy_report(source: Path, target: Path, manifest: Manifest) -> None:
    """Copy the files for people, without those that are missing or were changed."""
    for path, file in manifest.report.items():
        body = bundle.read_report_file(source, path, file)
        if body is not None:
            (target / path).parent.mkdir(exist_ok=True)
            (target / path).write_bytes(body)
