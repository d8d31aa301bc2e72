"""Counts of what came in, bin by bin, kept by each worker and summed over all.

The metrics' own library keeps a label for as long as a process lives, in every worker; bins are
many and versions come and go. So here each version that is served has one array of counts, in
memory that a file backs where there are several workers.
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

_log = logging.getLogger("service.telemetry.counters")


class FeatureCounters:
    """Counts of the versions that are served.

    Args:
        folder: Of the numbers of all worker processes; None where there is one.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder / FOLDER
        self._counts: dict[tuple[str, int], Counts] = {}
        self._adding = threading.Lock()

    def open(self, models: Iterable[Model]) -> None:
        """Count for these versions from now on, and for no others."""
        served = {(model.name, model.version): model for model in models}
        self._counts = {
            key: self._counts[key] if key in self._counts else self._array(model)
            for key, model in served.items()
        }

    def _array(self, model: Model) -> Counts:
        empty: Counts = np.zeros(len(model.bins), dtype=np.int64)
        if self._folder is None or not empty.size:
            return empty
        path = self._folder / f"{_key(model)}-{os.getpid()}"
        try:
            return _map(path, len(empty))
        except OSError as error:  # a full disk must not keep a version from being served
            _log.error("counts are kept in memory", extra={"fields": {"error": error.strerror}})
            return empty

    def add(self, model: Model, counts: Counts) -> None:
        """Add to the counts of a version, if it is still served."""
        kept = self._counts.get((model.name, model.version))
        if kept is not None:
            with self._adding:
                kept += counts

    def total(self, model: Model) -> Counts:
        """Return the counts of all workers.

        Shapes:
            (bins,).
        """
        if self._folder is None:
            kept = self._counts.get((model.name, model.version))
            return np.zeros(len(model.bins), dtype=np.int64) if kept is None else kept.copy()
        total: Counts = np.zeros(len(model.bins), dtype=np.int64)
        for path in self._folder.glob(f"{_key(model)}-*"):
            counts = np.fromfile(path, dtype=np.int64)
            if len(counts) == len(total):
                total += counts
        return total


def _key(model: Model) -> str:
    return f"{model.name}@{model.version}"


def _map(path: Path, length: int) -> Counts:
    """Map the counts in a file, which is made or has its size."""
    size = length * np.dtype(np.int64).itemsize
    with path.open("a+b") as stream:
        if os.fstat(stream.fileno()).st_size != size:
            stream.truncate(0)
            try:
                # Written through mapped memory: were the disk full then, the process would be
                # killed.
                os.posix_fallocate(stream.fileno(), 0, size)
            except OSError:
                path.unlink()
                raise
    return np.memmap(path, dtype=np.int64, mode="r+", shape=(length,))


def clear(folder: Path) -> None:
    """Make the folder of counts, without those of an earlier server.

    Raises:
        OSError: It cannot be made or written.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    for path in (folder / FOLDER).iterdir():
        path.unlink(missing_ok=True)


def retire(folder: Path, process: int) -> None:
    """Add the counts of a worker that ended to those of all ended before it.

    Raises:
        OSError: The folder cannot be written; the counts stay where they are, and count.
    """
    for path in (folder / FOLDER).glob("*"):
        named = _FILE.fullmatch(path.name)
        if named is None or int(named["process"]) != process:
            continue
        counts = np.fromfile(path, dtype=np.int64)
        if not counts.size:  # of a worker that was killed before its file had its size
            path.unlink()
            continue
        kept = path.with_name(f"{named['version']}-{_RETIRED}")
        if kept.exists():
            before = np.fromfile(kept, dtype=np.int64)
            counts = counts + before if len(before) == len(counts) else counts
        # Not under its name until it is whole: readers take every such file.
        unfinished = folder / f".{kept.name}"
        # NumPy's own `tofile` says nothing where the disk is full.
        unfinished.write_bytes(counts.tobytes())
        unfinished.replace(kept)
        path.unlink()
