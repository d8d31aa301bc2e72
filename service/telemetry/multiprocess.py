"""The folder in which several worker processes keep their numbers.

Each worker writes files of its own, and whichever worker is scraped adds them all up. The numbers
of workers that ended are kept in one file. It names the files that it was made of: if the process
that makes it is killed before it has removed these, they are not counted twice.
"""

import contextlib
import fcntl
import mmap
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from service.telemetry import marks
from service.telemetry.numbers import SUFFIX, Area, Key, Values, encode, read_series
from service.telemetry.totals import combined

# The first worker that cannot start leaves this file beside the numbers, and says why.
REFUSED = "refused"
# The numbers of all workers that ended.
ENDED = f"ended{SUFFIX}"
_LOCK = "lock"
# What holds the lock takes milliseconds.
_LOCK_TRIES = 100
_LOCK_PAUSE_SECONDS = 0.01
# Each worker begins with about so many bytes.
_WORKER_BYTES = 2**17
# Key of a series without cells: its label is the name of a file that was added.
_ADDED = "added"
_Ended = tuple[str, bytes]
# What still counts of a process that ended.
_LASTING = frozenset(("sum", "latest"))


def clear(folder: Path, *, workers: int = 1) -> None:
    """Make the folder, remove what an earlier server left in it, and check that there is room.

    Args:
        folder: The folder.
        workers: Number of workers that are to write there.

    Raises:
        OSError: The folder cannot be made or written, or there is no room for the numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*folder.glob(f"*{SUFFIX}"), *folder.glob("*.new"), folder / REFUSED]:
        path.unlink(missing_ok=True)
    (folder / _LOCK).touch()
    probe = folder / "room.new"
    try:
        with probe.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, workers * _WORKER_BYTES)
    finally:
        probe.unlink(missing_ok=True)


class Files:
    """The files of all workers, which stay mapped from one look to the next.

    Nothing is locked: a worker that stands still, or is killed in the middle of something, keeps
    nobody from reading.

    Args:
        folder: Folder of the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mapped: dict[str, Area] = {}

    def areas(self) -> dict[str, Area]:
        """Return the areas of all workers that run or have ended, by names that are used once.

        Raises:
            OSError: The folder cannot be read.
        """
        while True:
            before = self._ended_name()
            self._map()
            ended = self._read_ended()
            # Else a worker has ended meanwhile: its numbers were missed, or counted twice.
            if before == (ended[0] if ended else None):
                break
        if ended is None:
            return dict(self._mapped)
        added = set(_added(ended[1]))
        areas = {name: area for name, area in self._mapped.items() if name not in added}
        return {**areas, ended[0]: ended[1]}

    def _map(self) -> None:
        """Map the files that are new, and let go of those that are not there any more."""
        paths = {path.name: path for path in self._folder.iterdir() if path.suffix == SUFFIX}
        paths.pop(ENDED, None)
        for name in self._mapped.keys() - paths.keys():
            del self._mapped[name]
        for name in paths.keys() - self._mapped.keys():
            with contextlib.suppress(FileNotFoundError):
                self._mapped[name] = _map_file(paths[name])

    def _ended_name(self) -> str | None:
        try:
            return _name((self._folder / ENDED).stat())
        except FileNotFoundError:
            return None

    def _read_ended(self) -> _Ended | None:
        try:
            with (self._folder / ENDED).open("rb") as stream:
                return _name(os.fstat(stream.fileno())), stream.read()
        except FileNotFoundError:
            return None


def _name(status: os.stat_result) -> str:
    """Name a state of a file that is replaced whole."""
    return f"{ENDED} {status.st_ino} {status.st_mtime_ns}"


def _map_file(path: Path) -> Area:
    with path.open("rb") as stream:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _added(ended: Area) -> Iterator[str]:
    return (key.labels[0] for key, _, _ in read_series(ended) if key.name == _ADDED)


def is_running(process: int) -> bool:
    """Tell whether a process of this number runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def retire(
    folder: Path,
    *,
    is_running: Callable[[int], bool] = is_running,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Add the numbers of all workers that ended since the last call to those that ended before.

    Without this, every worker that ever ran would leave files, and every scrape would read them
    all. Without the numbers, the counters would fall. What could not be added before, for lack of
    room, is added now.

    Args:
        folder: Folder of the files.
        is_running: Tells whether a process runs.
        clock: Tells the time of the marks.

    Raises:
        OSError: The folder cannot be written. The files of the workers stay and are still counted.
        BlockingIOError: As `locked` does.
    """
    with locked(folder):
        files = [path for path in _worker_files(folder) if not is_running(_process(path))]
        if files:
            _replace_ended(folder, files, clock())
        for path in files:
            path.unlink()


def _worker_files(folder: Path) -> list[Path]:
    """Find the files of workers; a worker that was killed may leave an unfinished one."""
    return [*folder.glob(f"*-*{SUFFIX}"), *folder.glob("*-*.new")]


def _process(path: Path) -> int:
    return int(path.name.partition("-")[0])


def _replace_ended(folder: Path, files: list[Path], now: float) -> None:
    """Write the file of all workers that ended, with the numbers in the files of others."""
    areas = Files(folder).areas()
    latest = {key.owner: values[0] for key, values in combined(areas) if marks.is_mark(key)}
    shown = marks.shown(latest, now)
    names = {path.name for path in files}
    ended = {name: area for name, area in areas.items() if name in names or name.startswith(ENDED)}
    series: dict[Key, Values] = {Key("max", _ADDED, (name,)): np.zeros(0) for name in names}
    for key, values in combined(ended):
        if marks.is_mark(key) and key.owner in shown:
            series[key] = np.array([marks.ended(values[0], now)])
        elif key.combining in _LASTING and (not key.owner or key.owner in shown):
            series[key] = values
    # Not under its name until it is whole: a scrape reads every such file.
    unfinished = (folder / ENDED).with_suffix(".new")
    try:
        unfinished.write_bytes(encode(series))
        unfinished.replace(folder / ENDED)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder inside `with`: of all processes, one at a time removes numbers.

    Raises:
        BlockingIOError: Another process has held the lock for a second; it may have been stopped.
    """
    with (folder / _LOCK).open("a") as stream:
        for _ in range(_LOCK_TRIES):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(_LOCK_PAUSE_SECONDS)
        else:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
