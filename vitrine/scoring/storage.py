"""Where input is read and output is written: a folder of this machine, or a prefix of a bucket."""

import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import uuid4

from vitrine import s3
from vitrine.scoring.job import CannotScore, FileUnreadable, InputFile

_S3 = "s3://"
_TIMEOUT_SECONDS = 30.0
_ATTEMPTS = 5
# S3 answers a request in tens of milliseconds, whatever its size.
_READ_BYTES = 2**22


class Storage(Protocol):
    """Files by their paths, which have "/" between their parts.

    Each method raises `CannotScore` where a file or the place itself cannot be read or written.

    Attributes:
        url: Absolute path, or URL, of the place.
    """

    url: str

    def files(self) -> list[InputFile]:
        """List all files at any depth, sorted by their paths."""

    def describe(self, path: str) -> InputFile | None:
        """Describe a file; None where there is none."""

    def open(self, path: str) -> AbstractContextManager["InputStream"]:
        """Open a file to be read."""

    def writing(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Open a file to be written, which appears under its name when this `with` ends well."""

    def remove(self, path: str) -> None:
        """Remove a file."""


class InputStream:
    """A file that is read from its start, or from where `seek` goes.

    An error of reading becomes a sentence here: it often happens while an output is written, whose
    own errors are others.

    Args:
        raw: The file.
        failed: Turns an error of it into a sentence.

    Attributes:
        closed: Whether nothing can be read; PyArrow asks for it.
    """

    closed = False

    def __init__(self, raw: BinaryIO, failed: Callable[[OSError], CannotScore]) -> None:
        self._raw = raw
        self._failed = failed

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        try:
            return self._raw.read(size)
        except OSError as error:
            raise self._failed(error) from error

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a byte."""
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        """Return the index of the byte that comes next."""
        return self._raw.tell()


def is_bucket(place: str) -> bool:
    """Tell the URL of a prefix of a bucket from a path."""
    return place.startswith(_S3)


def absolute(place: str) -> str:
    """Return a path, or a URL, that means the same in another process.

    Raises:
        CannotScore: The URL names no bucket.
    """
    if not is_bucket(place):
        return os.path.abspath(place)  # noqa: PTH100 - keeps links
    if not place.removeprefix(_S3).strip("/"):
        raise CannotScore(f"A place in S3 must be s3://bucket/prefix. Received: {place}.")
    return place.rstrip("/")


def resolved(place: str) -> str:
    """Return an absolute path without links; a URL as it is."""
    return place if is_bucket(place) else os.path.realpath(place)


def open_storage(url: str) -> "Storage":
    """Return the folder, or the prefix of a bucket, of an absolute path or a URL."""
    return Bucket(url) if is_bucket(url) else Folder(url)


def shown_path(path: str) -> str:
    r"""Return a path as text; its bytes that are no UTF-8 become escapes such as `\xe9`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class Folder:
    """A folder of this machine.

    Args:
        url: Absolute path of the folder.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._root = Path(url)

    def files(self) -> list[InputFile]:
        """List all regular files, and links to such, at any depth; folders may be links, too."""
        found = [self._described(path) for path in _walk(self._root, frozenset())]
        return sorted((file for file in found if file), key=lambda file: os.fsencode(file.path))

    def describe(self, path: str) -> InputFile | None:
        """Describe a regular file; None where there is none."""
        return self._described(self._root / path)

    def _described(self, path: Path) -> InputFile | None:
        try:
            if not path.is_file():
                return None
            found = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(path, "read", error) from error
        return InputFile(path.relative_to(self._root).as_posix(), found.st_size, found.st_mtime_ns)

    @contextmanager
    def open(self, path: str) -> Iterator[InputStream]:
        """Open a file to be read."""
        whole = self._root / path
        failed = partial(_failed, whole, "read")
        try:
            stream = whole.open("rb")
        except OSError as error:
            raise failed(error) from error
        with stream:
            yield InputStream(stream, failed)

    @contextmanager
    def writing(self, path: str) -> Iterator[BinaryIO]:
        """Open a file to be written."""
        whole = self._root / path
        # A worker of another node may have the number of this process.
        unfinished = whole.with_name(f".{whole.name}.{uuid4().int}")
        try:
            whole.parent.mkdir(parents=True, exist_ok=True)
            try:
                with unfinished.open("wb") as stream:
                    yield stream
                unfinished.replace(whole)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise _failed(whole, "written", error) from error

    def remove(self, path: str) -> None:
        """Remove a file."""
        try:
            (self._root / path).unlink(missing_ok=True)
        except OSError as error:
            raise _failed(self._root / path, "removed", error) from error


def _walk(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    """Yield the paths of all entries but folders; a link to a folder above is not followed."""
    try:
        found = folder.stat()
        here = above | {(found.st_dev, found.st_ino)}
        if len(here) == len(above):
            return
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise _failed(folder, "read", error) from error
    for entry in entries:
        if _is_folder(entry):
            yield from _walk(folder / entry.name, here)
        else:
            yield folder / entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # of a link that leads back to itself
        return False


def _failed(path: Path, done: str, error: OSError) -> CannotScore:
    is_of_file = done == "read" and isinstance(error, FileNotFoundError | PermissionError)
    kind = FileUnreadable if is_of_file else CannotScore
    return kind(f"{shown_path(str(path))} cannot be {done}: {error.strerror}.")


class Bucket:
    """A prefix of a bucket.

    Args:
        url: `s3://bucket/prefix`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._root = url.removeprefix(_S3)

    @cached_property
    def _client(self) -> Any:
        try:
            return s3.connect(timeout_seconds=_TIMEOUT_SECONDS, attempts=_ATTEMPTS)
        except ImportError as error:
            raise CannotScore("PyArrow was installed without S3.") from error

    def files(self) -> list[InputFile]:
        """List all objects below the prefix; nothing where there is none."""
        with self._requesting("", "read"):
            try:
                found = s3.list_files(self._client, self._root)
            except FileNotFoundError:
                return []
        described = [self._described(info) for info in found if info.is_file]
        return sorted(described, key=lambda file: file.path.encode())

    def describe(self, path: str) -> InputFile | None:
        """Describe an object; None where there is none."""
        with self._requesting(path, "read"):
            (found,) = self._client.get_file_info([self._path(path)])
        return self._described(found) if found.is_file else None

    def _described(self, info: Any) -> InputFile:
        return InputFile(info.path.removeprefix(f"{self._root}/"), info.size, info.mtime_ns)

    @contextmanager
    def open(self, path: str) -> Iterator[InputStream]:
        """Open an object to be read."""
        with self._requesting(path, "read"):
            raw = self._client.open_input_file(self._path(path))
        with raw:
            yield InputStream(
                io.BufferedReader(raw, _READ_BYTES), partial(self._failed, path, "read")
            )

    @contextmanager
    def writing(self, path: str) -> Iterator[BinaryIO]:
        """Write an object, which is uploaded when it is whole: no error leaves half of one."""
        with self._requesting(path, "written"), tempfile.TemporaryFile() as stream:
            yield stream
            stream.seek(0)
            with self._client.open_output_stream(self._path(path)) as target:
                shutil.copyfileobj(stream, target, _READ_BYTES)

    def remove(self, path: str) -> None:
        """Remove an object."""
        with self._requesting(path, "removed"):
            self._client.delete_file(self._path(path))

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _requesting(self, path: str, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failed(path, done, error) from error

    def _failed(self, path: str, done: str, error: OSError) -> CannotScore:
        code = s3.error_code(error)
        reason = f"AWS error {code}" if code else error.strerror or "nothing is there"
        place = f"{self.url}/{path}" if path else self.url
        # S3 also denies access where credentials have expired, which is no fault of one file.
        is_of_file = done == "read" and isinstance(error, FileNotFoundError)
        kind = FileUnreadable if is_of_file else CannotScore
        return kind(f"{place} cannot be {done}: {reason}.")
