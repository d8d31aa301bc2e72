"""Folders that last as long as the server that made them.

A server that is killed leaves its folders behind, in memory. A lock in each tells the next server
whether somebody still uses it: the kernel drops the lock with the last process of its server.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "vitrine-"
_LOCK = "server.lock"


class SharedFolder:
    """A folder for the processes of one server.

    Args:
        parent: Where it is made.

    Attributes:
        path: The folder.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, parent: Path) -> None:
        unnamed = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
        self.path = unnamed.with_name(unnamed.name.removeprefix("."))
        # Locked before it has its name: a named folder without a lock is taken for a dead server's.
        # Workers that are forked hold the lock, too.
        self._lock = os.open(unnamed / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unnamed.rename(self.path)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def remove_abandoned(parent: Path) -> None:
    """Remove the folders of servers none of whose processes lives."""
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # it is another user's, or another server removes it now
            if not lock.is_symlink() and not _is_held(lock):
                shutil.rmtree(lock.parent, ignore_errors=True)


def _is_held(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
