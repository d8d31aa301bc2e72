"""Which source a URL names: `s3://bucket/prefix` or `https://host/path`."""

from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from service.rollout.sources.folder import FolderFile
from service.rollout.sources.mirror import Mirror
from service.rollout.sources.s3 import S3File, S3Source
from service.rollout.sources.source import SharedFile, SourceUnreachable
from service.rollout.sources.web import WebFile, WebSource

_SCHEMES = ("s3", "https", "http")


def is_remote(models: str) -> bool:
    """Tell the URL of a source by its scheme; anything else is a folder."""
    scheme, separator, _ = models.partition("://")
    return bool(separator) and scheme in _SCHEMES


def open_mirror(url: str, *, timeout_seconds: float) -> Mirror:
    """Make a mirror of the source that a URL names; nothing is requested yet.

    For `s3://` this starts threads of the AWS SDK, which do not survive a fork: call it in the
    worker that will use it.

    Args:
        url: `s3://bucket/prefix`, `https://[user:password@]host/path`, or the same with `http`.
        timeout_seconds: Longest wait for a connection, and longest silence on it. S3 is tried
            twice; a process that ends meanwhile waits for that.

    Raises:
        SourceUnreachable: The URL names no source, or PyArrow was installed without S3.
    """
    parts = _split(url)
    if parts.scheme == "s3":
        return Mirror(S3Source(parts.netloc, parts.path.strip("/"), timeout_seconds))
    return Mirror(WebSource(url, timeout_seconds))


def open_shared_file(models: str, name: str, *, timeout_seconds: float) -> SharedFile:
    """Find a file at the root of a model store; nothing is requested yet.

    Args:
        models: A folder, or the URL of a source.
        name: Name of the file.
        timeout_seconds: Longest wait for a connection, and longest silence on it.

    Raises:
        SourceUnreachable: The URL names no source.
    """
    if not is_remote(models):
        return FolderFile(Path(models) / name)
    parts = _split(models)
    if parts.scheme == "s3":
        path = f"{parts.path.strip('/')}/{name}".lstrip("/")
        return S3File(parts.netloc, path, timeout_seconds)
    return WebFile(models, name, timeout_seconds)


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.query or parts.fragment:
        raise SourceUnreachable(
            "The URL of a source must be s3://bucket/prefix or https://host/path, without a query."
        )
    return parts
