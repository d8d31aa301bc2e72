"""A file in a folder that several servers share: a volume, perhaps over the network."""

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.rollout.sources.source import NotWritable, SourceUnreachable

_LOCK_SECONDS = 10.0
_POLL_SECONDS = 0.02
# What file systems without locks answer.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


class FolderFile:
    """A file that all servers see at the same path.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.address = f"{path.name} in the models folder"

    def read(self, limit: int) -> bytes | None:
        """Return its bytes; None where it is missing.

        It is opened each time: that is when a network file system asks whether it has changed.

        Raises:
            SourceUnreachable: It cannot be read.
        """
        try:
            with open(self._path, "rb", opener=_open_at_once) as stream:
                return stream.read(limit + 1) or b""  # None of a pipe that is open and empty
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceUnreachable(f"{self.address} cannot be read: {error.strerror}.") from error

    def write(self, body: bytes, /) -> None:
        """Replace the file as a whole.

        Raises:
            NotWritable: The folder is empty, as one is whose disk is lost.
            OSError: The folder cannot be written.
        """
        if all(name.startswith(".") for name in os.listdir(self._path.parent)):  # noqa: PTH208
            raise NotWritable("the models folder is empty; perhaps its disk is lost")
        write_whole(self._path, body)

    @contextmanager
    def exclusively(self) -> Iterator[bool]:
        """Lock a hidden file beside it; yields False where the file system has no locks.

        Raises:
            SourceUnreachable: Another server keeps it locked for too long.
            OSError: The folder cannot be written.
        """
        with (self._path.parent / f".{self._path.name}.lock").open("ab") as stream:
            yield self._lock(stream.fileno())

    def _lock(self, descriptor: int) -> bool:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SourceUnreachable(
                        f"{self.address} is being changed by another server for more than "
                        f"{_LOCK_SECONDS:g} seconds."
                    ) from None
                time.sleep(_POLL_SECONDS)
            except OSError as error:
                if error.errno in _NO_LOCKS:
                    return False
                raise
            else:
                return True


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; whoever puts a pipe in its place must not stop the reader."""
    return os.open(path, flags | os.O_NONBLOCK)


def write_whole(path: Path, body: bytes) -> None:
    """Write a file so that nobody reads half of it, and no failing disk leaves half of it.

    Raises:
        OSError: The folder cannot be written.
    """
    unfinished = path.with_name(f".{secrets.token_hex(16)}")
    try:
        with unfinished.open("xb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
