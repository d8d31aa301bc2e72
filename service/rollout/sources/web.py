"""A folder that a web server publishes, listed by its `index.json`."""

import base64
import math
import time
import urllib.request
from collections.abc import Hashable, Iterable
from contextlib import AbstractContextManager, closing
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, quote, unquote, urlsplit

import msgspec

from service.rollout.sources.source import (
    InvalidVersion,
    NotWritable,
    SourceUnreachable,
    is_version,
)
from vitrine import bundle
from vitrine.json_types import read_from_json

INDEX_NAME = "index.json"
_VALIDATOR_SECONDS = 30.0
_MAX_INDEX_BYTES = 16 * 2**20


@read_from_json
class _Index(msgspec.Struct):
    models: dict[str, list[Any]]


def build_index(models: Path) -> bytes:
    """Return the `index.json` of a folder that a web server is to publish."""
    return msgspec.json.encode({"models": bundle.list_versions(models)}) + b"\n"


class WebSource:
    """A folder of a web server.

    Args:
        url: `https://[user:password@]host/path`, or the same with `http`.
        timeout_seconds: Longest wait for a connection, and longest silence on it.
    """

    def __init__(self, url: str, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._base = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._headers = {"User-Agent": "vitrine", **_login(parts)}
        # Each is a request, and the index is read every second.
        self._validators: dict[str, Hashable | None] = {}
        self._index: dict[str, list[Any]] = {}
        self._asked_at = -math.inf
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

    def versions(self, *, anew: bool) -> set[tuple[str, int]]:
        """List the versions in the index; whatever cannot be a version is left out.

        What the server has said of other files is forgotten with every change of the index.
        """
        index = self._read_index()
        is_old = time.monotonic() - self._asked_at >= _VALIDATOR_SECONDS
        if anew or is_old or index != self._index:
            self._asked_at, self._index = time.monotonic(), index
            self._validators.clear()
        return {
            (name, version)
            for name, versions in index.items()
            for version in versions
            if type(version) is int and is_version(name, str(version))
        }

    def address(self, path: str) -> str:
        """Return where a file is, without a login."""
        return f"{self._base}/{path}"

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a small file, at most one byte more than the limit; None where it is missing.

        Raises:
            SourceUnreachable: The server does not answer with it.
        """
        try:
            with self._request("GET", path) as response:
                body: bytes = response.read(limit + 1)
        except HTTPError as error:
            with closing(error):
                if error.code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                    return None
                raise self.failure(error) from None
        except (OSError, HTTPException) as error:
            raise self.failure(error) from error
        return body

    def _read_index(self) -> dict[str, list[Any]]:
        body = self.read(INDEX_NAME, _MAX_INDEX_BYTES)
        if body is None:
            raise self._unreachable(f"{INDEX_NAME} is missing")
        if len(body) > _MAX_INDEX_BYTES:
            raise self._unreachable(f"{INDEX_NAME} has more than {_MAX_INDEX_BYTES} bytes")
        try:
            return msgspec.json.decode(body, type=_Index).models
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._unreachable(f"{INDEX_NAME} is malformed") from error

    def validator(self, paths: Iterable[str]) -> Hashable | None:
        """Return the validators of HTTP for these files; None where the server sends none."""
        validators = [self._validator(path) for path in paths]
        return None if None in validators else tuple(validators)

    def _validator(self, path: str) -> Hashable | None:
        if path not in self._validators:
            self._validators[path] = self._ask_validator(path)
        return self._validators[path]

    def _ask_validator(self, path: str) -> Hashable | None:
        try:
            with self._request("HEAD", path) as response:
                headers = response.headers
        except HTTPError as error:
            with closing(error):
                return error.code
        except (OSError, HTTPException) as error:
            raise self.failure(error) from error
        tag, modified = headers.get("ETag"), headers.get("Last-Modified")
        return (tag, modified, headers.get("Content-Length")) if tag or modified else None

    def open(self, path: str) -> IO[bytes]:
        """Begin to read one file.

        Raises:
            InvalidVersion: The server refuses this file.
        """
        try:
            response: IO[bytes] = self._request("GET", path)
        except HTTPError as error:
            with closing(error):
                if HTTPStatus.BAD_REQUEST <= error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    name = path.rpartition("/")[2]
                    raise InvalidVersion(f"{name} is answered with {error.code}.") from None
                raise self.failure(error) from None
        except (OSError, HTTPException) as error:
            raise self.failure(error) from error
        return response

    def _request(self, method: str, path: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the opener has no other scheme
            f"{self._base}/{quote(path)}", headers=self._headers, method=method
        )
        return self._opener.open(request, timeout=self._timeout_seconds)

    def failure(self, error: Exception) -> SourceUnreachable:
        """Put into words what a library raised; the library's own words could hold a secret."""
        if isinstance(error, HTTPError):
            return self._unreachable(f"it answers {error.code}")
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            return self._unreachable(f"no byte arrived for {self._timeout_seconds:g} seconds")
        words = getattr(reason, "verify_message", None) or getattr(reason, "strerror", None)
        return self._unreachable(words or type(reason).__name__)

    def _unreachable(self, reason: str) -> SourceUnreachable:
        return SourceUnreachable(f"{self._base} cannot be read: {reason}.")


class WebFile:
    """One file of a folder that a web server publishes: it can only be read.

    Args:
        url: URL of the folder.
        name: Name of the file.
        timeout_seconds: Longest wait for a connection, and longest silence on it.
    """

    def __init__(self, url: str, name: str, timeout_seconds: float) -> None:
        self._source = WebSource(url, timeout_seconds)
        self._name = name
        self.address = self._source.address(name)

    def read(self, limit: int) -> bytes | None:
        """Return its bytes; None where it is missing.

        Raises:
            SourceUnreachable: The server does not answer with it.
        """
        return self._source.read(self._name, limit)

    def write(self, _body: bytes, /) -> None:
        """Refuse: nothing is written to a web server.

        Raises:
            NotWritable: Always.
        """
        raise self._refusal()

    def exclusively(self) -> AbstractContextManager[bool]:
        """Refuse: nothing is written to a web server.

        Raises:
            NotWritable: Always.
        """
        raise self._refusal()

    def _refusal(self) -> NotWritable:
        return NotWritable(
            f"a web server is only read. Upload {self.address} with a higher revision, or ask a "
            "server whose VITRINE_MODELS names the folder or bucket itself"
        )


def _login(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to HTTPS, and to HTTP only from HTTP; keeps the login to its own host."""

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
