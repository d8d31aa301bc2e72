"""A prefix of an S3 bucket."""

import atexit
import os
import re
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from service.rollout.sources.source import (
    ClosableStream,
    InvalidVersion,
    SourceUnreachable,
    is_version,
)
from vitrine.bundle import MANIFEST_NAME

_VERSION_DEPTH = 3  # name, version, manifest.json


class S3Source:
    """A prefix of a bucket.

    The AWS SDK finds the endpoint, the region and the credentials: in its variables, its profiles
    and the roles of the instance. Requests are unsigned only where `AWS_NO_SIGN_REQUEST` says so.

    Args:
        bucket: Name of the bucket.
        prefix: Path within the bucket, without slashes around it.
        timeout_seconds: Longest wait for a connection, and longest silence on it.

    Raises:
        SourceUnreachable: PyArrow was installed without S3.
    """

    def __init__(self, bucket: str, prefix: str, timeout_seconds: float) -> None:
        try:
            # Here, because it costs 20 MiB and two threads, also where the models are in a folder.
            from pyarrow import fs  # noqa: PLC0415
        except ImportError as error:
            raise SourceUnreachable("PyArrow was installed without S3.") from error
        self._root = f"{bucket}/{prefix}".rstrip("/")
        self._selector = fs.FileSelector(self._root, recursive=True)
        self._fs = fs.S3FileSystem(
            connect_timeout=timeout_seconds,
            request_timeout=timeout_seconds,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2),
            **_options_from_environment(),
        )
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
            found = files.get_file_info(self._selector)
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
        """Keep the error's code; the whole message is a page long and could hold a secret."""
        if self._fs is None:
            return self._ending()
        code = re.search(r"AWS Error (\w+(?: \(HTTP status \d+\))?)", str(error))
        reason = f"AWS error {code[1]}" if code else "nothing is there"
        return SourceUnreachable(f"s3://{self._root} cannot be read: {reason}.")


def _options_from_environment() -> dict[str, Any]:
    """Read those of the AWS tools' variables that PyArrow does not read itself."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    unsigned = os.environ.get("AWS_NO_SIGN_REQUEST", "").upper() in {"1", "YES", "TRUE"}
    options: dict[str, Any] = {"region": region, "anonymous": unsigned}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        options |= {"scheme": parts.scheme, "endpoint_override": parts.netloc + parts.path}
    return options
