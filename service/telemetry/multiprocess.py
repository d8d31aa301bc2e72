"""The folder in which several worker processes keep their numbers.

Each worker writes files of its own, and whichever worker is scraped adds them all up.
"""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from service.telemetry.numbers import SUFFIX, Key, Values, combine, encode

# The first worker that cannot start leaves this file beside the numbers, and says why.
REFUSED = "refused"
# The numbers of all workers that ended.
ENDED = f"ended{SUFFIX}"
_LOCK = "lock"
# Scrapes and merges take milliseconds.
_LOCK_TRIES = 100
_LOCK_PAUSE_SECONDS = 0.01


def clear(folder: Path) -> None:
    """Make the folder, or remove what an earlier server left in it.

    Raises:
        OSError: The folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*folder.glob(f"*{SUFFIX}"), folder / REFUSED]:
        path.unlink(missing_ok=True)
    (folder / _LOCK).touch()


def read(folder: Path) -> dict[Key, Values]:
    """Return the numbers of all workers that run or have ended, combined.

    Raises:
        BlockingIOError: As `locked` does.
    """
    with locked(folder, fcntl.LOCK_SH):
        return combine(path.read_bytes() for path in folder.glob(f"*{SUFFIX}"))


def retire(folder: Path, process: int) -> None:
    """Add the numbers of a worker that ended to those of all workers that ended before.

    Without this, every worker that ever ran would leave files, and every scrape would read them
    all. Without the numbers, the counters would fall.

    Raises:
        OSError: The folder cannot be written. The files of the worker stay and are still counted.
    """
    with locked(folder, fcntl.LOCK_EX):
        files = [*folder.glob(f"{process}-*{SUFFIX}")]
        if not files:
            return
        ended = folder / ENDED
        before = [ended] if ended.exists() else []
        combined = combine(path.read_bytes() for path in [*before, *files])
        # What a worker serves ends with it; what it has counted does not.
        counted = {key: values for key, values in combined.items() if key[0] == "sum"}
        # Not under its name until it is whole: a scrape reads every such file.
        unfinished = ended.with_suffix(".new")
        unfinished.write_bytes(encode(counted))
        unfinished.replace(ended)
        for path in files:
            path.unlink()


@contextlib.contextmanager
def locked(folder: Path, operation: int) -> Iterator[None]:
    """Hold the lock of the folder inside `with`.

    Args:
        folder: Folder of the numbers.
        operation: `fcntl.LOCK_SH` to read, `fcntl.LOCK_EX` to merge.

    Raises:
        BlockingIOError: Another process has held the lock for a second; it may have been stopped.
    """
    with (folder / _LOCK).open("a") as stream:
        for _ in range(_LOCK_TRIES):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(stream, operation | fcntl.LOCK_NB)
                break
            time.sleep(_LOCK_PAUSE_SECONDS)
        else:
            fcntl.flock(stream, operation | fcntl.LOCK_NB)
        yield
