"""A prefix of an S3 bucket, and one object of it."""

import atexit
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from service.rollout.sources.source import (
    ClosableStream,
    InvalidVersion,
    NotWritable,
    SourceUnreachable,
    is_version,
)
from vitrine import s3
from vitrine.bundle import MANIFEST_NAME

_VERSION_DEPTH = 3  # name, version, manifest.json
_DENIED = "ACCESS_DENIED"


class _Prefix:
    """A prefix of a bucket, as `vitrine.s3` reaches it.

    Args:
        bucket: Name of the bucket.
        prefix: Path within the bucket, without slashes around it.
        timeout_seconds: Longest wait for a connection, and longest silence on it.
        attempts: How often a request is made, before it fails.

    Raises:
        SourceUnreachable: PyArrow was installed without S3.
    """

    def __init__(
        self, bucket: str, prefix: str, timeout_seconds: float, *, attempts: int = 2
    ) -> None:
        self.root = f"{bucket}/{prefix}".rstrip("/")
        try:
            self._fs = s3.connect(timeout_seconds=timeout_seconds, attempts=attempts)
        except ImportError as error:
            raise SourceUnreachable("PyArrow was installed without S3.") from error
        # Runs before PyArrow's own handler, which waits for ever for a file system in use.
        atexit.register(self._close)

    def _close(self) -> None:
        self._fs = None

    @contextmanager
    def requesting(self) -> Iterator[Any]:
        """Lend PyArrow's file system, and put into words what fails."""
        files = self._fs
        if files is None:
            raise self._ending()
        try:
            yield files
        # PyArrow raises a ValueError while it ends with the process.
        except (OSError, ValueError) as error:
            raise self.failure(error) from error

    def _ending(self) -> SourceUnreachable:
        return SourceUnreachable(f"s3://{self.root} cannot be read: the process is ending.")

    def failure(self, error: Exception) -> SourceUnreachable:
        """Keep the error's code."""
        if self._fs is None:
            return self._ending()
        code = s3.error_code(error)
        reason = f"AWS error {code}" if code else "nothing is there"
        return SourceUnreachable(f"s3://{self.root} cannot be read: {reason}.")


class S3Source:
    """The models below a prefix of a bucket.

    Args:
        bucket: Name of the bucket.
        prefix: Path within the bucket, without slashes around it.
        timeout_seconds: Longest wait for a connection, and longest silence on it.

    Raises:
        SourceUnreachable: PyArrow was installed without S3.
    """

    def __init__(self, bucket: str, prefix: str, timeout_seconds: float) -> None:
        self._prefix = _Prefix(bucket, prefix, timeout_seconds)
        # Sizes and times of change, by path, as they were listed last.
        self._listed: dict[str, Hashable] = {}

    def versions(self, *, anew: bool) -> set[tuple[str, int]]:  # noqa: ARG002 - all is always new
        """List the versions that have a manifest; whatever cannot be a version is left out."""
        with self._prefix.requesting() as files:
            found = s3.list_files(files, self._prefix.root)
        start = len(self._prefix.root) + 1
        self._listed = {info.path[start:]: (info.size, info.mtime_ns) for info in found}
        paths = (path.split("/") for path in self._listed)
        versions = {
            (path[0], int(path[1]))
            for path in paths
            if len(path) == _VERSION_DEPTH and path[2] == MANIFEST_NAME and is_version(*path[:2])
        }
        if not versions:  # more often a mistake than an order to serve nothing
            raise self._prefix.failure(FileNotFoundError())
        return versions

    def validator(self, paths: Iterable[str]) -> Hashable | None:
        """Return the sizes and the times of change of these files, which the listing has told."""
        return tuple(self._listed.get(path) for path in paths)

    def open(self, path: str) -> ClosableStream:
        """Begin to read one file.

        Raises:
            InvalidVersion: The file is missing, or may not be read.
        """
        name = path.rpartition("/")[2]
        with self._prefix.requesting() as files:
            try:
                stream: ClosableStream = files.open_input_stream(f"{self._prefix.root}/{path}")
            except FileNotFoundError as error:
                raise InvalidVersion(f"{name} is missing.") from error
            except OSError as error:
                if _DENIED in str(error):
                    raise InvalidVersion(f"{name} may not be read.") from error
                raise
        return stream

    def failure(self, error: Exception) -> SourceUnreachable:
        """Keep the error's code."""
        return self._prefix.failure(error)


class S3File:
    """One object below a prefix of a bucket; nothing is requested before it is used.

    Args:
        bucket: Name of the bucket.
        path: Path of the object within the bucket.
        timeout_seconds: Longest wait for a connection, and longest silence on it.
    """

    def __init__(self, bucket: str, path: str, timeout_seconds: float) -> None:
        self.address = f"s3://{bucket}/{path}"
        self._arguments = (bucket, path, timeout_seconds)
        self._object: _Prefix | None = None
        # What was read last, and its entity tag: times of change have whole seconds.
        self._last: tuple[bytes, bytes] | None = None

    def _open(self) -> _Prefix:
        if self._object is None:
            # A second attempt to write could come after what another writer has written since.
            self._object = _Prefix(*self._arguments, attempts=1)
        return self._object

    def read(self, limit: int) -> bytes | None:
        """Return its bytes; None where it is missing. One that has not changed costs one request.

        Raises:
            SourceUnreachable: The store cannot be read.
        """
        place = self._open()
        with place.requesting() as files:
            try:
                stream = files.open_input_stream(place.root)
            except FileNotFoundError:
                return None
            with stream:
                tag = stream.metadata().get(b"ETag", b"")
                if self._last is None or not tag or self._last[0] != tag:
                    self._last = tag, stream.read(limit + 1)
        return self._last[1]

    def write(self, body: bytes, /) -> None:
        """Replace the object.

        Raises:
            NotWritable: The credentials allow only to read.
            SourceUnreachable: The store does not answer.
        """
        place = self._open()
        kind = {"Content-Type": "application/json"}
        with place.requesting() as files:
            try:
                with files.open_output_stream(place.root, metadata=kind) as stream:
                    stream.write(body)
            except OSError as error:
                if _DENIED in str(error):
                    raise NotWritable(f"the credentials may not write {self.address}") from error
                raise

    @contextmanager
    def exclusively(self) -> Iterator[bool]:
        """Yield False: S3 has no locks."""
        yield False
