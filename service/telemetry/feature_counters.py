"""Counters of the bins of features, kept by each worker and summed over all workers.

The client library of Prometheus keeps every label as long as the process lives. Bins are many, and
versions come and go. So each served version has one array of counts here. If there are several
workers, the array is a memory-mapped file.
"""

import logging
import os
import re
import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vitrine.drift import Counts
from vitrine.model import Model

FOLDER = "features"

_RETIRED = 0  # no process has this number
_FILE = re.compile(r"(?P<version>.+)-(?P<process>\d+)")

_log = logging.getLogger(__name__)


class FeatureCounters:
    """Counters of the bins of the versions that are served.

    Args:
        folder: Folder in which all worker processes keep their numbers; None for one process.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder / FOLDER
        self._counts: dict[tuple[str, int], Counts] = {}
        self._adding = threading.Lock()

    def open(self, models: Iterable[Model]) -> None:
        """Count for these versions from now on, and for no other versions."""
        served = {(model.name, model.version): model for model in models}
        self._counts = {
            key: self._counts[key] if key in self._counts else self._empty(model)
            for key, model in served.items()
        }

    def _empty(self, model: Model) -> Counts:
        empty: Counts = np.zeros(len(model.bins), dtype=np.int64)
        if self._folder is None or not empty.size:
            return empty
        path = self._folder / f"{_key(model)}-{os.getpid()}"
        try:
            return _map(path, len(empty))
        except OSError as error:  # a version is served even if the disk is full
            _log.error("counts are kept in memory", extra={"fields": {"error": error.strerror}})
            return empty

    def add(self, model: Model, counts: Counts) -> None:
        """Add counts to those of a version, if it is still served."""
        total = self._counts.get((model.name, model.version))
        if total is not None:
            with self._adding:
                total += counts

    def total(self, model: Model) -> Counts:
        """Return the counts of a version, summed over all workers.

        Shapes:
            (bins,).
        """
        total: Counts = np.zeros(len(model.bins), dtype=np.int64)
        if self._folder is None:
            return total + self._counts.get((model.name, model.version), 0)
        for path in self._folder.glob(f"{_key(model)}-*"):
            counts = np.fromfile(path, dtype=np.int64)
            if len(counts) == len(total):
                total += counts
        return total


def _key(model: Model) -> str:
    return f"{model.name}@{model.version}"


def _map(path: Path, length: int) -> Counts:
    """Map a file of counts into memory; make the file if it does not have this length."""
    size = length * np.dtype(np.int64).itemsize
    with path.open("a+b") as stream:
        if os.fstat(stream.fileno()).st_size != size:
            stream.truncate(0)
            try:
                # Reserve the space now. If the disk were full when a count is written through
                # mapped memory, the kernel would kill the process.
                os.posix_fallocate(stream.fileno(), 0, size)
            except OSError:
                path.unlink()
                raise
    return np.memmap(path, dtype=np.int64, mode="r+", shape=(length,))


def clear(folder: Path) -> None:
    """Make the folder of the counts, or remove the counts of an earlier server.

    Raises:
        OSError: The folder cannot be made or written.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    for path in (folder / FOLDER).iterdir():
        path.unlink(missing_ok=True)


def retire(folder: Path, process: int) -> None:
    """Add the counts of a worker that ended to those of all workers that ended before.

    Raises:
        OSError: The folder cannot be written. The files of the worker stay and are still counted.
    """
    for path in (folder / FOLDER).glob("*"):
        name = _FILE.fullmatch(path.name)
        if name is not None and int(name["process"]) == process:
            counts = np.fromfile(path, dtype=np.int64)
            if counts.size:  # empty if the worker was killed before it reserved the space
                _merge(counts, path.with_name(f"{name['version']}-{_RETIRED}"))
            path.unlink()


def _merge(counts: Counts, retired: Path) -> None:
    if retired.exists():
        before = np.fromfile(retired, dtype=np.int64)
        # A version that was published again may have other bins; its last ones are asked for.
        counts = counts + before if len(before) == len(counts) else counts
    # Outside the folder until it is whole, because every file in the folder is read.
    unfinished = retired.parent.parent / f".{retired.name}"
    # NumPy's own `tofile` reports no error if the disk is full.
    unfinished.write_bytes(counts.tobytes())
    unfinished.replace(retired)
