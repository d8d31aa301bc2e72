"""The files of a published picture set: found in a folder or downloaded once, and verified."""

import gzip
import hashlib
import os
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from training.errors import CannotTrain
from training.progress import stretch

Fetch = Callable[[str], bytes]

_TIMEOUT_SECONDS = 30
_PIECE_BYTES = 2**18


def download(url: str) -> bytes:
    """Fetch a file over HTTPS."""
    pieces = []
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - the URLs are https and come from a table of sets
        length = response.headers["Content-Length"]
        with stretch(f"Downloading {url}", total=int(length) if length else None) as advance:
            while piece := response.read(_PIECE_BYTES):
                pieces.append(piece)
                advance(len(piece))
    body = b"".join(pieces)
    if length and len(body) < int(length):
        raise OSError(f"{url} broke off")
    return body


@dataclass(frozen=True, slots=True)
class Location:
    """Where published files are found.

    Attributes:
        data: Folder that holds the folder of each set; None to download.
        cache: Folder that keeps downloads.
        fetch: Downloads a URL.
    """

    data: Path | None
    cache: Path
    fetch: Fetch = download


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The files of a published set.

    Attributes:
        name: Name of the set, and of the folder that holds its files.
        files: SHA-256 by file name. That of a .gz file is of its unpacked bytes, because the same
            data was packed in more than one way. That of a .tar.gz file is of its own bytes.
        mirrors: URLs that the files are published at, in the order to try them.
    """

    name: str
    files: Mapping[str, str]
    mirrors: tuple[str, ...]

    def read(self, location: Location) -> list[bytes]:
        """Return the unpacked contents of the files, in their order.

        Raises:
            CannotTrain: A file is missing and cannot be downloaded, or is not the published one.
        """
        return [self._read(name, location) for name in self.files]

    def _read(self, name: str, location: Location) -> bytes:
        if location.data is not None:
            path = location.data / self.name / name
            if not path.is_file():
                raise CannotTrain(
                    f"{path} is missing. The folder given by --data or VITRINE_DATA must contain "
                    f"{self.name}/ with {' and '.join(self.files)} as published."
                )
            return self._verified(name, path.read_bytes(), source=str(path))
        path = location.cache / self.name / name
        if path.is_file():
            return self._verified(name, path.read_bytes(), source=str(path))
        packed, source = self._download(name, location.fetch)
        unpacked = self._verified(name, packed, source=source)
        _keep(path, packed)
        return unpacked

    def _download(self, name: str, fetch: Fetch) -> tuple[bytes, str]:
        for mirror in self.mirrors:
            try:
                return fetch(mirror + name), mirror + name
            except (URLError, OSError):
                continue
        raise CannotTrain(
            f"{name} of {self.name} is not on this machine and cannot be downloaded. Connect to "
            f"the internet, or give a folder that contains {self.name}/{name} with --data DIR or "
            "VITRINE_DATA."
        )

    def _verified(self, name: str, packed: bytes, *, source: str) -> bytes:
        try:
            body = packed if name.endswith(".tar.gz") else gzip.decompress(packed)
        except (OSError, EOFError, zlib.error) as error:
            raise CannotTrain(f"{source} is not a complete gzip file.") from error
        if hashlib.sha256(body).hexdigest() != self.files[name]:
            raise CannotTrain(f"{source} differs from what was published as {self.name}/{name}.")
        return body


def _keep(path: Path, packed: bytes) -> None:
    """Write a file under another name first, so that no program reads a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(packed)
    partial.replace(path)
