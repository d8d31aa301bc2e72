"""A source of models -> a cache folder with the same versions.

A version is checked while it is fetched: exactly the files that its manifest names, with the sizes
and hashes that the manifest states. One rename then puts the whole version into place. A version
that fails a check is refused; all others are fetched. Files that people alone read are fetched with
a version, but for those that are missing or fail a check.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from uuid import uuid4

from service.rollout.sources.source import ClosableStream, InvalidVersion, Source, SourceUnreachable
from vitrine import bundle
from vitrine.bundle import MANIFEST_NAME, File, InvalidBundle
from vitrine.errors import shown

MAX_MANIFEST_BYTES = 16 * 2**20
# Each read of S3 is one request; larger pieces would take more memory and save little.
_PIECE_BYTES = 8 * 2**20
# No version takes longer to fetch: an older hidden folder was left by a process that was killed.
_LEFTOVER_SECONDS = 3600
_MAX_NAME_BYTES = 255

# Why versions were not fetched, by name and version.
Refused = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Files of a version that was refused, what the source said of them, and the reason."""

    paths: Sequence[str]
    validator: Hashable | None
    reason: str


class Mirror:
    """A copy of everything that a source has published.

    Args:
        source: Where the versions are published.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        # What the source said of a version when it was last compared: it is not fetched again
        # before that changes.
        self._unchanged: dict[tuple[str, int], Hashable] = {}
        self._refused: dict[tuple[str, int], _Refusal] = {}

    def update(self, folder: Path, *, anew: bool = True) -> Refused:
        """Make a cache folder equal to what is published; several processes may do so at once.

        Args:
            folder: The cache folder.
            anew: Whether files that may have changed within their version are asked for now.

        Returns:
            The versions that were not fetched, with the reason in one sentence.

        Raises:
            SourceUnreachable: The source cannot be read. The folder keeps its versions, and those
                that were fetched before the failure.
        """
        # Listed first: another process may fetch a version that is published after our listing.
        before = _cached(folder)
        published = self._source.versions(anew=anew)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            refused = self._fetch_all(folder, published)
            # Last, so that a version is removed only when its successor is there.
            _remove(folder, before - published)
            _remove_leftovers(folder)
        except OSError as error:
            raise SourceUnreachable(
                f"The cache folder {folder} cannot be written: {error.strerror}."
            ) from error
        return refused

    def _fetch_all(self, folder: Path, published: Iterable[tuple[str, int]]) -> Refused:
        refused: dict[str, dict[int, str]] = {}
        for name, version in sorted(published):
            try:
                self._update(folder, name, version)
            except InvalidVersion as error:
                refused.setdefault(name, {})[version] = str(error)
        return refused

    def _update(self, folder: Path, name: str, version: int) -> None:
        """Fetch one version, unless the cache has it with the same manifest."""
        key, final = (name, version), folder / name / str(version)
        self._raise_refusal(key)
        path = f"{name}/{version}/{MANIFEST_NAME}"
        validator = self._source.validator([path])
        is_cached = (final / MANIFEST_NAME).is_file()
        if is_cached and validator is not None and self._unchanged.get(key) == validator:
            return
        pieces: list[bytes] = []
        self._download(path, MAX_MANIFEST_BYTES, pieces.append)
        manifest = b"".join(pieces)
        if is_cached and manifest == _read_cached(final / MANIFEST_NAME):
            self._refused.pop(key, None)
        else:
            self._replace(key, manifest, final)
        self._unchanged[key] = validator

    def _raise_refusal(self, key: tuple[str, int]) -> None:
        """Refuse a version again of which no file has changed since it was refused."""
        refusal = self._refused.get(key)
        if refusal is None or refusal.validator is None:
            return
        if self._source.validator(refusal.paths) == refusal.validator:
            raise InvalidVersion(refusal.reason)

    def _replace(self, key: tuple[str, int], manifest: bytes, final: Path) -> None:
        """Fetch a version into a hidden folder, then put it into place."""
        hidden = final.parent.parent / f".{uuid4().hex}"
        work = hidden / final.parent.name / final.name
        try:
            work.mkdir(parents=True)
            (work / MANIFEST_NAME).write_bytes(manifest)
            self._fetch_files(key, work)
            self._fetch_report(key, work)
            _put(work, final, hidden / "replaced")
        finally:
            shutil.rmtree(hidden, ignore_errors=True)

    def _fetch_files(self, key: tuple[str, int], work: Path) -> None:
        """Fetch the files of a manifest."""
        files = _named_files(work)
        paths = tuple(_path(key, name) for name in (MANIFEST_NAME, *files))
        validator = self._source.validator(paths)
        try:
            _check_room(work, files)
            for name, expected in files.items():
                self._fetch(_path(key, name), work / name, expected)
        except InvalidVersion as error:
            self._refused[key] = _Refusal(paths, validator, str(error))
            raise
        self._refused.pop(key, None)

    def _fetch_report(self, key: tuple[str, int], work: Path) -> None:
        """Fetch what people read of a version, which is served without it where that fails."""
        for path, expected in bundle.read_manifest(work).report.items():
            target = work / path
            try:
                target.parent.mkdir(exist_ok=True)
                self._fetch(_path(key, path), target, expected)
            except InvalidVersion:
                target.unlink(missing_ok=True)
            except (SourceUnreachable, OSError):
                target.unlink(missing_ok=True)
                return  # every further file would take as long to fail

    def _fetch(self, path: str, target: Path, expected: File) -> None:
        digest = hashlib.sha256()
        with target.open("wb") as file:

            def write(piece: bytes) -> None:
                digest.update(piece)
                file.write(piece)

            self._download(path, expected.size_bytes, write)
            size = file.tell()
        if size != expected.size_bytes:
            raise InvalidVersion(
                f"{target.name} has {size} bytes; {expected.size_bytes} bytes were published."
            )
        if digest.hexdigest() != expected.sha256:
            raise InvalidVersion(f"{target.name} does not have the bytes that were published.")

    def _download(self, path: str, limit: int, write: Callable[[bytes], object]) -> None:
        """Hand on one file of the source piece by piece, and never more bytes than the limit."""
        size = 0
        with closing(self._source.open(path)) as stream:
            while piece := self._read(stream, min(_PIECE_BYTES, limit + 1 - size)):
                size += len(piece)
                if size > limit:
                    name = path.rpartition("/")[2]
                    raise InvalidVersion(f"{name} has more than {limit} bytes.")
                write(piece)

    def _read(self, stream: ClosableStream, size: int) -> bytes:
        try:
            return stream.read(size)
        except (OSError, ValueError, HTTPException) as error:
            raise self._source.failure(error) from error


def _path(key: tuple[str, int], name: str) -> str:
    return f"{key[0]}/{key[1]}/{name}"


def _read_cached(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):  # another process is replacing it
        return path.read_bytes()
    return None


def _named_files(work: Path) -> Mapping[str, File]:
    try:
        files = bundle.read_manifest(work).files
    except InvalidBundle as error:
        # The path of the hidden folder would mislead: the folder is removed at once.
        raise InvalidVersion(str(error).removeprefix(f"{work}: ")) from error
    for name, file in files.items():
        _check_file(name, file)
    return files


def _check_file(name: str, file: File) -> None:
    leaves_folder = re.fullmatch(r"\.{0,2}|.*[/\\\0].*", name, re.DOTALL)
    if leaves_folder or len(name.encode()) > _MAX_NAME_BYTES:
        raise InvalidVersion(f"File name {shown(name)} leaves the folder.")
    if name == MANIFEST_NAME or file.size_bytes < 0:
        raise InvalidVersion(f"{MANIFEST_NAME} cannot be right about {shown(name)}.")


def _check_room(work: Path, files: Mapping[str, File]) -> None:
    needed, free = sum(file.size_bytes for file in files.values()), shutil.disk_usage(work).free
    if needed > free:
        raise InvalidVersion(
            f"The version has {needed} bytes; the cache folder has room for {free}."
        )


def _put(work: Path, final: Path, replaced: Path) -> None:
    final.parent.mkdir(exist_ok=True)
    _hide(final, replaced)
    # Where another process has put the version meanwhile, it has put the same bytes.
    with suppress(OSError):
        work.rename(final)


def _hide(version: Path, hidden: Path) -> None:
    with suppress(FileNotFoundError):
        version.rename(hidden)


def _cached(folder: Path) -> set[tuple[str, int]]:
    listing = bundle.list_versions(folder) if folder.is_dir() else {}
    return {(name, version) for name, versions in listing.items() for version in versions}


def _remove(folder: Path, versions: Iterable[tuple[str, int]]) -> None:
    for name, version in versions:
        hidden = folder / f".{uuid4().hex}"
        _hide(folder / name / str(version), hidden)
        shutil.rmtree(hidden, ignore_errors=True)
        with suppress(OSError):  # the model has other versions
            (folder / name).rmdir()


def _remove_leftovers(folder: Path) -> None:
    oldest = time.time() - _LEFTOVER_SECONDS
    for path in folder.glob(".*"):
        with suppress(FileNotFoundError):
            if re.fullmatch(r"\.[0-9a-f]{32}", path.name) and path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)
