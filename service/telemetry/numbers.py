"""Numbers that a process counts in memory, where other processes and later ones can read them.

Several workers answer for one server. Each writes to files of its own, which are mapped into its
memory: an increment costs no system call, and nothing is lost when a worker is killed. Whoever is
scraped adds up the files of all.

A file begins with the number of its bytes in use. Series follow, each with the length of its key,
the number of its cells, its key and its cells. All of them are aligned to eight bytes.
"""

import itertools
import logging
import mmap
import os
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

# The last is a sum too, but what a process that ended has set counts no more.
Combining = Literal["sum", "min", "max", "livesum"]
# How to combine the cells of several processes, the name of a metric, and the values of its labels.
Key = tuple[str, ...]
Cells: TypeAlias = "memoryview[float]"
Values = NDArray[np.float64]

SUFFIX = ".numbers"

# Enough for a thousand series with one cell each; more files follow where they are needed.
_AREA_BYTES = 2**17
_WORD_BYTES = 8
_HEADER = struct.Struct("=II")
_COMBINE: dict[str, np.ufunc] = {
    "sum": np.add,
    "min": np.minimum,
    "max": np.maximum,
    "livesum": np.add,
}

_log = logging.getLogger(__name__)


class Numbers:
    """The numbers of this process.

    Args:
        folder: Folder of the files of all processes; None to keep the numbers in memory alone.

    Attributes:
        adding: Lock to hold while cells are changed: adding to a cell is more than one step.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """

    def __init__(self, folder: Path | None) -> None:
        self.adding = threading.Lock()
        self._folder = folder
        self._opening = threading.Lock()
        self._cells: dict[Key, Cells] = {}
        self._area = _Area(self._reserve(_AREA_BYTES))
        self._areas = [self._area]

    def cells(self, key: Key, count: int) -> Cells:
        """Return the cells of a series, which are 0 at first.

        Args:
            key: Key of the series.
            count: Number of its cells, always the same for the same key.
        """
        with self._opening:
            cells = self._cells.get(key)
            if cells is None:
                cells = self._cells[key] = self._add(key, count)
            return cells

    def _add(self, key: Key, count: int) -> Cells:
        text = msgspec.json.encode(key)
        text += b" " * (-len(text) % _WORD_BYTES)
        cells = self._area.add(text, count)
        if cells is None:
            size = max(_AREA_BYTES, 2 * _WORD_BYTES + len(text) + count * _WORD_BYTES)
            try:
                memory = self._reserve(size)
            except OSError as error:  # a version is served even if the disk is full
                fields = {"error": error.strerror}
                _log.error("numbers are kept in memory", extra={"fields": fields})
                memory = memoryview(bytearray(size))
            self._area = _Area(memory)
            self._areas.append(self._area)
            cells = self._area.add(text, count)
        assert cells is not None  # noqa: S101 - the area was made for it
        return cells

    def _reserve(self, size: int) -> memoryview:
        if self._folder is None:
            return memoryview(bytearray(size))
        return memoryview(_map_new_file(self._folder, size))

    def read(self) -> dict[Key, Values]:
        """Return the values of all series of this process."""
        return combine(area.memory for area in self._areas)


class _Area:
    """Series, one after the other, in a piece of memory that is 0 everywhere at first."""

    def __init__(self, memory: memoryview) -> None:
        self.memory = memory
        self._used = memory[:_WORD_BYTES].cast("Q")
        self._used[0] = _WORD_BYTES

    def add(self, key: bytes, count: int) -> "Cells | None":
        """Return the cells of a new series, or None where they do not fit."""
        start = self._used[0]
        first = start + _HEADER.size + len(key)
        end = first + count * _WORD_BYTES
        if end > len(self.memory):
            return None
        self.memory[start:first] = _HEADER.pack(len(key), count) + key
        # Other processes see the series from now on.
        self._used[0] = end
        return self.memory[first:end].cast("d")


def _map_new_file(folder: Path, size: int) -> mmap.mmap:
    for number in itertools.count():
        path = folder / f"{os.getpid()}-{number}{SUFFIX}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        try:
            # Reserve the space now. If the disk were full when a number is written through mapped
            # memory, the kernel would kill the process.
            os.posix_fallocate(descriptor, 0, size)
            return mmap.mmap(descriptor, size)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
    raise AssertionError  # the numbers do not end


def combine(areas: Iterable[bytes | memoryview]) -> dict[Key, Values]:
    """Combine the series of several areas by their keys."""
    combined: dict[Key, Values] = {}
    for area in areas:
        for key, values in _series(area):
            before = combined.get(key)
            combined[key] = values if before is None else _COMBINE[key[0]](before, values)
    return combined


def _series(area: bytes | memoryview) -> Iterator[tuple[Key, Values]]:
    # A worker that was killed at its very start leaves an empty file.
    end = int.from_bytes(area[:_WORD_BYTES], "little") if len(area) else 0
    start = _WORD_BYTES
    while start < end:
        length, count = _HEADER.unpack_from(area, start)
        first = start + _HEADER.size + length
        key = msgspec.json.decode(area[start + _HEADER.size : first], type=Key)
        yield key, np.frombuffer(area, np.float64, count, first)
        start = first + count * _WORD_BYTES


def encode(series: Mapping[Key, Values]) -> bytes:
    """Return the content of a file that holds these series."""
    area = bytearray(_WORD_BYTES)
    for key, values in series.items():
        text = msgspec.json.encode(key)
        text += b" " * (-len(text) % _WORD_BYTES)
        area += _HEADER.pack(len(text), len(values)) + text + values.tobytes()
    area[:_WORD_BYTES] = len(area).to_bytes(_WORD_BYTES, "little")
    return bytes(area)
