"""A prefix of an S3 bucket."""

import atexit
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from service.rollout.sources.source import (
    ClosableStream,
    InvalidVersion,
    SourceUnreachable,
    is_version,
)
from vitrine import s3
from vitrine.bundle import MANIFEST_NAME

_VERSION_DEPTH = 3  # name, version, manifest.json


class S3Source:
    """A prefix of a bucket, as `vitrine.s3` reaches it.

    Args:
        bucket: Name of the bucket.
        prefix: Path within the bucket, without slashes around it.
        timeout_seconds: Longest wait for a connection, and longest silence on it.

    Raises:
        SourceUnreachable: PyArrow was installed without S3.
    """

    def __init__(self, bucket: str, prefix: str, timeout_seconds: float) -> None:
        self._root = f"{bucket}/{prefix}".rstrip("/")
        try:
            self._fs = s3.connect(timeout_seconds=timeout_seconds)
        except ImportError as error:
            raise SourceUnreachable("PyArrow was installed without S3.") from error
        # Runs before PyArrow's own handler, which waits for ever for a file system in use.
        atexit.register(self._close)

    def _close(self) -> None:
        self._fs = None

    @contextmanager
    def _requesting(self) -> Iterator[Any]:
        files = self._fs
        if files is None:
            raise self._ending()
        try:
            yield files
        # PyArrow raises a ValueError while it ends with the process.
        except (OSError, ValueError) as error:
            raise self.failure(error) from error

    def _ending(self) -> SourceUnreachable:
        return SourceUnreachable(f"s3://{self._root} cannot be read: the process is ending.")

    def versions(self) -> set[tuple[str, int]]:
        """List the versions that have a manifest; whatever cannot be a version is left out."""
        with self._requesting() as files:
            found = s3.list_files(files, self._root)
        paths = (info.path.removeprefix(self._root + "/").split("/") for info in found)
        return {
            (path[0], int(path[1]))
            for path in paths
            if len(path) == _VERSION_DEPTH and path[2] == MANIFEST_NAME and is_version(*path[:2])
        }

    def validator(self, paths: Iterable[str]) -> Hashable | None:
        """Return the sizes and the times of change of these files."""
        with self._requesting() as files:
            found = files.get_file_info([f"{self._root}/{path}" for path in paths])
        return tuple((info.type.name, info.size, info.mtime_ns) for info in found)

    def open(self, path: str) -> ClosableStream:
        """Begin to read one file.

        Raises:
            InvalidVersion: The file is missing, or may not be read.
        """
        name = path.rpartition("/")[2]
        with self._requesting() as files:
            try:
                stream: ClosableStream = files.open_input_stream(f"{self._root}/{path}")
            except FileNotFoundError as error:
                raise InvalidVersion(f"{name} is missing.") from error
            except OSError as error:
                if "ACCESS_DENIED" in str(error):
                    raise InvalidVersion(f"{name} may not be read.") from error
                raise
        return stream

    def failure(self, error: Exception) -> SourceUnreachable:
        """Keep the error's code."""
        if self._fs is None:
            return self._ending()
        code = s3.error_code(error)
        reason = f"AWS error {code}" if code else "nothing is there"
        return SourceUnreachable(f"s3://{self._root} cannot be read: {reason}.")
