"""Models published elsewhere -> a cache folder: `s3://bucket/prefix`, `https://host/path`.

What is fetched is checked on the way: exactly the files that a manifest names, of the sizes and
with the hashes it names, put into place by one rename. What does not fit is refused, and nothing
else suffers for it.
"""

import atexit
import base64
import hashlib
import os
import re
import shutil
import time
import urllib.request
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

import msgspec

from vitrine import bundle
from vitrine.bundle import MANIFEST_NAME, File, InvalidBundle
from vitrine.errors import shown

INDEX_NAME = "index.json"
MAX_MANIFEST_BYTES = 16 * 2**20
# Each read of S3 is a request of its own; larger pieces would only take more memory.
_PIECE_BYTES = 8 * 2**20
# No version takes longer to fetch: an older hidden folder was left by a process that was killed.
_LEFTOVER_SECONDS = 3600
_SCHEMES = ("s3", "https", "http")

Refused = Mapping[str, Mapping[int, str]]


class SourceUnreachable(Exception):
    """The place cannot be read; the message names it and says why, in one sentence."""


class Source(Protocol):
    """A place where models are published."""

    def mirror(self, folder: Path) -> Refused:
        """Bring a cache folder up to what is published; safe beside others that do the same.

        Returns:
            The versions that were not put into place: name -> version -> why, one sentence.

        Raises:
            SourceUnreachable: The place cannot be read; the folder's versions are as they were,
                but for new ones that were fetched before it failed.
        """


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class _Place(Protocol):
    """Files by their path; raises `SourceUnreachable`, and `_Unfit` for one file's fault."""

    def versions(self) -> set[tuple[str, int]]: ...

    def stamp(self, paths: Iterable[str]) -> Hashable | None:
        """Return what changes when one of the files does; None where nothing tells."""

    def open(self, path: str) -> _Stream: ...

    def failure(self, error: Exception) -> SourceUnreachable: ...


class _Unfit(Exception):
    """A version that is not put into place; the message says why."""


class _Index(msgspec.Struct):
    models: dict[str, list[Any]]


def is_remote(models: str) -> bool:
    """Tell a place to fetch from by its scheme; anything else is a folder."""
    return models.partition("://")[0] in _SCHEMES and "://" in models


def index(models: Path) -> bytes:
    """Write the `index.json` of a folder that a web server is to publish."""
    listing = {name: bundle.versions(models, name) for name in bundle.names(models)}
    return msgspec.json.encode({"models": listing}) + b"\n"


def open_source(url: str, *, timeout_seconds: float) -> Source:
    """Open a place to fetch from; nothing is asked of it yet.

    For `s3://` this starts threads of the AWS SDK, which do not survive a fork: call it in the
    worker that will use it.

    Args:
        url: `s3://bucket/prefix`, `https://[user:password@]host/path`, or the same with `http`.
        timeout_seconds: Longest wait for a connection, and longest silence on it. S3 is tried
            twice, and a process that ends in the middle of that waits for it.

    Raises:
        SourceUnreachable: The URL cannot be one of a place, or PyArrow was built without S3.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.query or parts.fragment:
        raise SourceUnreachable(
            "A place of models must be s3://bucket/prefix or https://host/path, without a query."
        )
    if parts.scheme == "s3":
        return _Mirror(_S3(parts.netloc, parts.path.strip("/"), timeout_seconds))
    return _Mirror(_Web(url, timeout_seconds))


class _Mirror:
    """Fetches what a place has and the cache has not."""

    def __init__(self, place: _Place) -> None:
        self._place = place
        # Stamps of what was looked at before, so that it is not fetched to be looked at again.
        self._unchanged: dict[tuple[str, int], Hashable] = {}
        self._refused: dict[tuple[str, int], tuple[Hashable, str]] = {}

    def mirror(self, folder: Path) -> Refused:
        """Bring a cache folder up to what is published."""
        # Not what another process fetches meanwhile, which may know of more.
        before = _cached(folder)
        published = self._place.versions()
        refused: dict[str, dict[int, str]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, version in sorted(published):
                reason = self._update(folder, name, version)
                if reason is not None:
                    refused.setdefault(name, {})[version] = reason
            # Last, so that a version goes only when the one that follows it is there.
            _remove(folder, before - published)
            _remove_leftovers(folder)
        except OSError as error:
            raise SourceUnreachable(
                f"The cache folder {folder} cannot be written: {error.strerror}."
            ) from error
        return refused

    def _update(self, folder: Path, name: str, version: int) -> str | None:
        key, final = (name, version), folder / name / str(version)
        manifest = f"{name}/{version}/{MANIFEST_NAME}"
        stamp = self._place.stamp([manifest])
        cached = (final / MANIFEST_NAME).is_file()
        if cached and stamp is not None and self._unchanged.get(key) == stamp:
            return None
        work = folder / f".{uuid4().hex}" / name / str(version)
        try:
            work.mkdir(parents=True)
            self._fetch(manifest, work / MANIFEST_NAME)
            if cached and _same_bytes(work, final):
                self._refused.pop(key, None)
            else:
                self._replace(key, work, final)
        except _Unfit as error:
            return str(error)
        finally:
            shutil.rmtree(work.parent.parent, ignore_errors=True)
        self._unchanged[key] = stamp
        return None

    def _replace(self, key: tuple[str, int], work: Path, final: Path) -> None:
        """Fetch the files a manifest names, unless they were refused and have not changed."""
        files = _named_files(work)
        stamp = self._place.stamp([f"{key[0]}/{key[1]}/{n}" for n in (MANIFEST_NAME, *files)])
        known = self._refused.get(key)
        if known is not None and stamp is not None and known[0] == stamp:
            raise _Unfit(known[1])
        try:
            _check_room(work, files)
            for name, expected in files.items():
                self._fetch(f"{key[0]}/{key[1]}/{name}", work / name, expected)
        except _Unfit as error:
            self._refused[key] = (stamp, str(error))
            raise
        self._refused.pop(key, None)
        _put(work, final)

    def _fetch(self, source: str, target: Path, expected: File | None = None) -> None:
        """Write one file of the place, never more than it may have."""
        limit = MAX_MANIFEST_BYTES if expected is None else expected.size_bytes
        digest, size = hashlib.sha256(), 0
        with closing(self._place.open(source)) as stream, target.open("wb") as file:
            while piece := self._read(stream, min(_PIECE_BYTES, limit + 1 - size)):
                size += len(piece)
                if size > limit:
                    raise _Unfit(f"{target.name} has more than {limit} bytes.")
                digest.update(piece)
                file.write(piece)
        if expected is None:
            return
        if size != expected.size_bytes:
            raise _Unfit(
                f"{target.name} has {size} bytes; {expected.size_bytes} bytes were published."
            )
        if digest.hexdigest() != expected.sha256:
            raise _Unfit(f"{target.name} does not have the bytes that were published.")

    def _read(self, stream: _Stream, size: int) -> bytes:
        try:
            return stream.read(size)
        except (OSError, HTTPException) as error:
            raise self._place.failure(error) from error


def _same_bytes(one: Path, other: Path) -> bool:
    with suppress(FileNotFoundError):  # another process may be replacing it
        return (one / MANIFEST_NAME).read_bytes() == (other / MANIFEST_NAME).read_bytes()
    return False


def _named_files(work: Path) -> Mapping[str, File]:
    try:
        files = bundle.read_manifest(work).files
    except InvalidBundle as error:
        # The folder's path says nothing to anyone: it is gone when the sentence is read.
        raise _Unfit(str(error).removeprefix(f"{work}: ")) from error
    for name, file in files.items():
        if re.fullmatch(r"\.{0,2}|.*[/\\\0].*", name, re.DOTALL) or len(name.encode()) > 255:
            raise _Unfit(f"File name {shown(name)} leaves the folder.")
        if name == MANIFEST_NAME or file.size_bytes < 0:
            raise _Unfit(f"{MANIFEST_NAME} cannot be right about {shown(name)}.")
    return files


def _check_room(work: Path, files: Mapping[str, File]) -> None:
    needed, free = sum(file.size_bytes for file in files.values()), shutil.disk_usage(work).free
    if needed > free:
        raise _Unfit(f"It needs {needed} bytes; the cache folder has {free} left.")


def _put(work: Path, final: Path) -> None:
    final.parent.mkdir(exist_ok=True)
    _hide(final, work.parent.parent / "replaced")
    # Whoever else put it there meanwhile has put the same bytes.
    with suppress(OSError):
        work.rename(final)


def _hide(version: Path, hidden: Path) -> None:
    with suppress(FileNotFoundError):
        version.rename(hidden)


def _cached(folder: Path) -> set[tuple[str, int]]:
    names = bundle.names(folder) if folder.is_dir() else []
    return {(name, version) for name in names for version in bundle.versions(folder, name)}


def _remove(folder: Path, versions: Iterable[tuple[str, int]]) -> None:
    for name, version in versions:
        hidden = folder / f".{uuid4().hex}"
        _hide(folder / name / str(version), hidden)
        shutil.rmtree(hidden, ignore_errors=True)
        with suppress(OSError):  # it still holds something
            (folder / name).rmdir()


def _remove_leftovers(folder: Path) -> None:
    oldest = time.time() - _LEFTOVER_SECONDS
    for path in folder.glob(".*"):
        with suppress(FileNotFoundError):
            if re.fullmatch(r"\.[0-9a-f]{32}", path.name) and path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)


def _is_version(name: str, version: str) -> bool:
    return bool(bundle.NAME_PATTERN.fullmatch(name) and re.fullmatch(r"[1-9][0-9]{0,17}", version))


class _Web:
    """A folder that a web server publishes, listed by its `index.json`."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._base = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._timeout_seconds = timeout_seconds
        headers = {"User-Agent": "vitrine"}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        self._headers = headers
        # Built by hand: urllib's own opener would also open file: and ftp:.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Redirects(),
        ):
            self._opener.add_handler(handler)

    def versions(self) -> set[tuple[str, int]]:
        """Read the index; names and numbers that can be no model's are passed over."""
        try:
            with closing(self.open(INDEX_NAME)) as stream:
                body = stream.read(MAX_MANIFEST_BYTES + 1)
            if len(body) > MAX_MANIFEST_BYTES:
                raise self._unreachable(f"{INDEX_NAME} has more than {MAX_MANIFEST_BYTES} bytes")
            models = msgspec.json.decode(body, type=_Index).models
        except _Unfit as error:
            raise SourceUnreachable(f"{self._base}: {error}") from error
        except (OSError, HTTPException) as error:
            raise self.failure(error) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._unreachable(f"{INDEX_NAME} is malformed") from error
        return {
            (name, version)
            for name, numbers in models.items()
            for version in numbers
            if type(version) is int and _is_version(name, str(version))
        }

    def stamp(self, paths: Iterable[str]) -> Hashable | None:
        """Return the validators of HTTP; None where the server sends none."""
        stamps = [self._stamp(path) for path in paths]
        return None if None in stamps else tuple(stamps)

    def _stamp(self, path: str) -> Hashable | None:
        try:
            with self._request("HEAD", path) as response:
                headers = response.headers
        except HTTPError as error:
            with closing(error):
                return error.code
        except (OSError, HTTPException) as error:
            raise self.failure(error) from error
        tag, changed = headers.get("ETag"), headers.get("Last-Modified")
        return (tag, changed, headers.get("Content-Length")) if tag or changed else None

    def open(self, path: str) -> IO[bytes]:
        """Begin to read one file."""
        try:
            answer: IO[bytes] = self._request("GET", path)
        except HTTPError as error:
            with closing(error):
                if HTTPStatus.BAD_REQUEST <= error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise _Unfit(
                        f"{path.rpartition('/')[2]} is answered with {error.code}."
                    ) from None
                raise self.failure(error) from None
        except (OSError, HTTPException) as error:
            raise self.failure(error) from error
        return answer

    def _request(self, method: str, path: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the opener has no other scheme
            f"{self._base}/{quote(path)}", headers=self._headers, method=method
        )
        return self._opener.open(request, timeout=self._timeout_seconds)

    def failure(self, error: Exception) -> SourceUnreachable:
        """Put into words what a library raised; its own could hold what is secret."""
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(error, HTTPError):
            return self._unreachable(f"it answers {error.code}")
        if isinstance(reason, TimeoutError):
            return self._unreachable(f"no byte arrived for {self._timeout_seconds:g} seconds")
        words = getattr(reason, "verify_message", None) or getattr(reason, "strerror", None)
        return self._unreachable(words or type(reason).__name__)

    def _unreachable(self, reason: str) -> SourceUnreachable:
        return SourceUnreachable(f"{self._base} cannot be read: {reason}.")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to HTTPS, to HTTP only from HTTP; the login goes to its own host only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in {"https", old.scheme}:
            raise HTTPError(req.full_url, code, msg, headers, fp)
        kept = dict(req.headers)
        if (new.scheme, new.netloc) != (old.scheme, old.netloc):
            kept.pop("Authorization", None)
        return urllib.request.Request(newurl, headers=kept, method=req.get_method())  # noqa: S310


class _S3:
    """A prefix of a bucket.

    The endpoint, the region and the credentials are the AWS SDK's: its variables, profiles and
    instance roles. Requests are unsigned only where `AWS_NO_SIGN_REQUEST` asks for it.
    """

    def __init__(self, bucket: str, prefix: str, timeout_seconds: float) -> None:
        try:
            # Here, for those whose models lie in a folder: it costs 20 MiB and two threads.
            from pyarrow import fs  # noqa: PLC0415
        except ImportError as error:
            raise SourceUnreachable("PyArrow was installed without S3.") from error
        self._root = f"{bucket}/{prefix}".rstrip("/")
        options: dict[str, Any] = {}
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            parts = urlsplit(endpoint)
            options |= {"scheme": parts.scheme, "endpoint_override": parts.netloc + parts.path}
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        unsigned = os.environ.get("AWS_NO_SIGN_REQUEST", "").upper() in {"1", "YES", "TRUE"}
        self._selector = fs.FileSelector(self._root, recursive=True)
        self._fs = fs.S3FileSystem(
            region=region,
            anonymous=unsigned,
            connect_timeout=timeout_seconds,
            request_timeout=timeout_seconds,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2),
            **options,
        )
        # Runs before PyArrow's own, which waits for ever for a file system that is still in use.
        atexit.register(self._close)

    def _close(self) -> None:
        self._fs = None

    def _open(self) -> Any:
        if self._fs is None:
            raise SourceUnreachable(f"s3://{self._root} cannot be read: the process is ending.")
        return self._fs

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        try:
            yield self._open()
        except OSError as error:
            raise self.failure(error) from error

    def versions(self) -> set[tuple[str, int]]:
        """List the manifests; names and numbers that can be no model's are passed over."""
        with self._asking() as files:
            found = files.get_file_info(self._selector)
        places = (info.path.removeprefix(self._root + "/").split("/") for info in found)
        return {
            (place[0], int(place[1]))
            for place in places
            if len(place) == 3 and place[2] == MANIFEST_NAME and _is_version(place[0], place[1])
        }

    def stamp(self, paths: Iterable[str]) -> Hashable | None:
        """Return sizes and times of change."""
        with self._asking() as files:
            found = files.get_file_info([f"{self._root}/{path}" for path in paths])
        return tuple((info.type.name, info.size, info.mtime_ns) for info in found)

    def open(self, path: str) -> _Stream:
        """Begin to read one file."""
        try:
            stream: _Stream = self._open().open_input_stream(f"{self._root}/{path}")
        except FileNotFoundError as error:
            raise _Unfit(f"{path.rpartition('/')[2]} is missing.") from error
        except OSError as error:
            if "ACCESS_DENIED" in str(error):
                raise _Unfit(f"{path.rpartition('/')[2]} may not be read.") from error
            raise self.failure(error) from error
        return stream

    def failure(self, error: Exception) -> SourceUnreachable:
        """Keep the error's code; the whole message is a page and could hold what is secret."""
        code = re.search(r"AWS Error (\w+(?: \(HTTP status \d+\))?)", str(error))
        reason = f"AWS error {code[1]}" if code else "nothing is there"
        return SourceUnreachable(f"s3://{self._root} cannot be read: {reason}.")
