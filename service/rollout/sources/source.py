"""What every source of models can do, and how it fails."""

import re
from collections.abc import Hashable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from vitrine import bundle


class SourceUnreachable(Exception):
    """The source cannot be read; the message names it and says why, in one sentence."""


class InvalidVersion(Exception):
    """A version cannot be fetched as it was published; the message says why, in one sentence."""


class NotWritable(Exception):
    """A file of a store may only be read; the message says why, as the end of a sentence."""


class ClosableStream(Protocol):
    """The bytes of one file, as they arrive."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, and none at the end."""

    def close(self) -> None:
        """End the transfer."""


class Source(Protocol):
    """A place where models are published as `<name>/<version>/manifest.json`.

    Each method raises `SourceUnreachable` where the source does not answer.
    """

    def versions(self, *, anew: bool) -> set[tuple[str, int]]:
        """List names and versions; whatever cannot be a model's name or version is left out.

        Args:
            anew: Whether `validator` asks for every file again. Otherwise a source to which that is
                a request each may remember what it has said a short time ago.
        """

    def validator(self, paths: Iterable[str]) -> Hashable | None:
        """Return a value that changes with any of these files; None where the source has none."""

    def open(self, path: str) -> ClosableStream:
        """Begin to read one file.

        Raises:
            InvalidVersion: This file is missing, or may not be read.
        """

    def failure(self, error: Exception) -> SourceUnreachable:
        """Put into words why a stream broke; the library's own words could hold a secret."""


class SharedFile(Protocol):
    """One small file of a store, which many servers read and write.

    Attributes:
        address: What people call it.
    """

    address: str

    def read(self, limit: int) -> bytes | None:
        """Return its bytes, at most one more than the limit; None where it is missing.

        Raises:
            SourceUnreachable: The store cannot be read.
        """

    def write(self, body: bytes, /) -> None:
        """Replace the file as a whole.

        Raises:
            NotWritable: It may only be read.
            SourceUnreachable: The store does not answer; perhaps it has written the file.
            OSError: The file system refuses it.
        """

    def exclusively(self) -> AbstractContextManager[bool]:
        """Keep others from writing; yields False where the store cannot promise that.

        Raises:
            NotWritable: It may only be read.
            SourceUnreachable: Others write for too long.
            OSError: The file system refuses it.
        """


def is_version(name: str, version: str) -> bool:
    """Say whether two parts of a path can be the name and the version of a model."""
    return bool(bundle.NAME_PATTERN.fullmatch(name) and re.fullmatch(r"[1-9][0-9]{0,17}", version))
