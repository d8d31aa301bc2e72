"""The files in which several worker processes keep their numbers.

Each worker writes files of its own into one folder, and whichever worker is scraped adds them all
up. `PROMETHEUS_MULTIPROC_DIR` must name the folder before prometheus_client is first imported.
"""

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

from service.telemetry import feature_counters

# The first worker that cannot start leaves this file beside the numbers, and says why.
REFUSED = "refused"
_LOCK = "lock"
# Scrapes and merges take milliseconds.
_LOCK_TRIES = 100
_LOCK_PAUSE_SECONDS = 0.01
_RETIRED = "0"  # no process has this number
# Kinds of files that a worker has, and their size from the start: for more than a thousand numbers.
_KINDS = ("counter", "histogram", "gauge_livemin", "gauge_livemax")
_FILE_BYTES = 2**17


def clear(folder: Path) -> None:
    """Make the folder, or remove what an earlier server left in it.

    Raises:
        OSError: The folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*folder.glob("*.db"), folder / REFUSED]:
        path.unlink(missing_ok=True)
    feature_counters.clear(folder)
    (folder / _LOCK).touch()


def reserve(folder: Path, process: int) -> None:
    """Reserve the space for a worker's numbers on the disk.

    The numbers are written through mapped memory. If the disk were full by then, the kernel would
    kill the worker; here it can still say so.

    Raises:
        OSError: The disk is full.
    """
    for kind in _KINDS:
        _allocate(folder / f"{kind}_{process}.db", _FILE_BYTES)


def _allocate(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except OSError:
            path.unlink()
            raise


def retire(folder: Path, process: int) -> None:
    """Add the numbers of a worker that ended to those of all workers that ended before.

    Without this, every worker that ever ran would leave files, and every scrape would read them
    all. Without the numbers, the counters would fall.

    Raises:
        OSError: The folder cannot be written. The files of the worker stay and are still counted.
    """
    mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
    with locked(folder, fcntl.LOCK_EX):
        for path in sorted(folder.glob(f"*_{process}.db")):
            kind = path.name.removesuffix(f"_{process}.db")
            retired = folder / f"{kind}_{_RETIRED}.db"
            _merge([retired, path], retired)
            path.unlink()
        feature_counters.retire(folder, process)


def _merge(sources: Sequence[Path], target: Path) -> None:
    sums: dict[str, float] = {}
    for source in sources:
        for key, value in _read(source):
            sums[key] = sums.get(key, 0.0) + value
    # Not named *.db until it is whole: a scrape reads every such file.
    unfinished = target.with_suffix(".new")
    _allocate(unfinished, max(_FILE_BYTES, sum(_size(source) for source in sources)))
    numbers = MmapedDict(str(unfinished))  # type: ignore[no-untyped-call]
    for key, value in sums.items():
        numbers.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    numbers.close()  # type: ignore[no-untyped-call]
    unfinished.replace(target)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(path: Path) -> Iterator[tuple[str, float]]:
    # A worker that was killed at its very start leaves no file, or an empty one.
    with contextlib.suppress(FileNotFoundError, struct.error):
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            yield key, value


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
