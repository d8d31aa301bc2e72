"""A client of S3, which PyArrow brings, and what its errors mean."""

import os
import re
from typing import Any
from urllib.parse import urlsplit

from vitrine.extras import needs


def connect(*, timeout_seconds: float, attempts: int = 2) -> Any:
    """Return a file system of all buckets, whose paths are `bucket/key`.

    The AWS SDK finds the endpoint, the region and the credentials: in its variables, its profiles
    and the roles of the instance. Requests are unsigned only where `AWS_NO_SIGN_REQUEST` says so.
    It starts threads, which do not survive a fork.

    Args:
        timeout_seconds: Longest wait for a connection, and longest silence on it.
        attempts: How often a request is made, before it fails.

    Raises:
        ImportError: PyArrow is not installed, or was installed without S3.
    """
    with needs("tables"):
        # Here, because it costs 20 MiB and two threads, also where nothing is in a bucket.
        from pyarrow import fs  # noqa: PLC0415
    return fs.S3FileSystem(
        connect_timeout=timeout_seconds,
        request_timeout=timeout_seconds,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=attempts),
        allow_delayed_open=True,  # a small object is written with one request
        **_options_from_environment(),
    )


def list_files(client: Any, root: str) -> list[Any]:
    """Return what PyArrow says of each file and folder below `bucket/prefix`.

    Raises:
        OSError: S3 cannot be reached, or nothing is there.
    """
    from pyarrow import fs  # noqa: PLC0415 - whoever has a client has imported it

    found: list[Any] = client.get_file_info(fs.FileSelector(root, recursive=True))
    return found


def error_code(error: Exception) -> str | None:
    """Return the code of an error of S3; its message is a page long, and may hold a secret."""
    code = re.search(r"AWS Error (\w+(?: \(HTTP status \d+\))?)", str(error))
    return code[1] if code else None


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
