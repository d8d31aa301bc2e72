"""Numbers that a process counts in memory, where other processes and later ones can read them.

Several workers answer for one server. Each writes to files of its own, which are mapped into its
memory: an increment costs no system call, and nothing is lost when a worker is killed. Whoever is
scraped adds up the files of all.

The series of a model and those of each of its versions have files of their own: when a version is
gone, its files are removed. Each file is an area. It begins with the number of its bytes in use.
Series follow, each with the length of its key, the number of its cells, its key and its cells. All
of them are aligned to eight bytes. A series stays where it is, so that other processes read while
this one writes.
"""

import itertools
import logging
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from vitrine.json_types import read_from_json

# How the cells of several processes are combined. "livesum" is a sum too, but what a process that
# ended has set counts no more; "latest" is the largest, of processes that ended as well.
Combining = Literal["sum", "min", "max", "livesum", "latest"]
# What a series belongs to: the name of a model, or name and version; nothing for most series.
Owner: TypeAlias = tuple[str, ...]
Cells: TypeAlias = "memoryview[float]"
Values = NDArray[np.float64]
Area: TypeAlias = bytes | memoryview

SUFFIX = ".numbers"
WORD_BYTES = 8

# Enough for a few hundred series that belong to nothing, and for a version of ten labels; more
# areas follow where they are needed.
_AREA_BYTES = 2**16
_OWNED_AREA_BYTES = 2**12
_HEADER = struct.Struct("=II")
_RETRY_SECONDS = 5.0

_log = logging.getLogger(__name__)


@read_from_json
class Key(NamedTuple):
    """What a series is called.

    Attributes:
        combining: How its cells are combined with those of other processes.
        name: Name of the metric.
        labels: Values of its labels.
        owner: What it belongs to.
    """

    combining: Combining
    name: str
    labels: tuple[str, ...] = ()
    owner: Owner = ()


class Series:
    """The cells of one series, which may move to other memory.

    Attributes:
        cells: The cells. They may be changed only inside the lock `Numbers.adding`.
    """

    __slots__ = ("cells",)

    def __init__(self, cells: Cells) -> None:
        self.cells = cells


class Numbers:
    """The numbers of this process.

    Where there is no room for a file, numbers are kept in memory, unseen by other processes, and
    move to a file as soon as there is.

    Args:
        folder: Folder of the files of all processes; None to keep the numbers in memory alone.

    Attributes:
        adding: Lock to hold while cells are changed: adding to a cell is more than one step.
    """

    def __init__(self, folder: Path | None) -> None:
        self.adding = threading.Lock()
        self._folder = folder
        self._opening = threading.Lock()
        self._series: dict[Key, Series] = {}
        self._areas: dict[Owner, list[_Area]] = {}
        # A later process may have the same number.
        self._names = (
            f"{os.getpid()}-{time.time_ns()}-{number}{SUFFIX}" for number in itertools.count()
        )
        self._is_moving = False

    def series(self, key: Key, count: int) -> Series:
        """Return a series, whose cells are 0 at first.

        Args:
            key: Key of the series.
            count: Number of its cells, always the same for the same key.
        """
        with self._opening:
            series = self._series.get(key)
            if series is None:
                series = self._series[key] = self._add(key, count)
            return series

    def forget(self, owner: Owner) -> None:
        """Remove the series that belong to a model or a version, and their files.

        Whoever still has one of these series may add to it, but nobody will read it.
        """
        with self._opening:
            for area in self._areas.pop(owner, ()):
                area.remove()
            for key in [key for key in self._series if key.owner == owner]:
                del self._series[key]

    def owners(self) -> list[Owner]:
        """Return the models and versions that have series here."""
        with self._opening:
            return [owner for owner in self._areas if owner]

    def areas(self) -> dict[str, Area]:
        """Return the memory of all series, by names that never mean something else."""
        with self._opening:
            areas = itertools.chain.from_iterable(self._areas.values())
            return {area.name: area.memory for area in areas}

    def _add(self, key: Key, count: int) -> Series:
        text = _text(key)
        areas = self._areas.setdefault(key.owner, [])
        series = areas[-1].add(text, count) if areas else None
        if series is None:
            usual = _OWNED_AREA_BYTES if key.owner else _AREA_BYTES
            size = max(usual, 2 * WORD_BYTES + len(text) + count * WORD_BYTES)
            areas.append(self._open_area(size))
            series = areas[-1].add(text, count)
        assert series is not None  # noqa: S101 - the area was made for it
        return series

    def _open_area(self, size: int) -> "_Area":
        area = _Area(next(self._names), memoryview(bytearray(size)))
        if self._folder is not None:
            try:
                area.move(self._folder)
            except OSError as error:  # the service goes on even if the disk is full
                self._move_later(error)
        return area

    # What was kept in memory moves to files.

    def _move_later(self, error: OSError) -> None:
        if not self._is_moving:
            self._is_moving = True
            fields = {"error": error.strerror}
            _log.error("numbers are kept in memory", extra={"fields": fields})
            threading.Thread(target=self._move_all, name="numbers", daemon=True).start()

    def _move_all(self) -> None:
        while not self.move():
            time.sleep(_RETRY_SECONDS)

    def move(self) -> bool:
        """Move what is kept in memory to files; return whether there was room for all of it."""
        with self._opening:
            for area in itertools.chain.from_iterable(self._areas.values()):
                if self._folder is None or area.path is not None:
                    continue
                try:
                    with self.adding:
                        area.move(self._folder)
                except OSError:
                    return False
            if self._is_moving:
                self._is_moving = False
                _log.warning("numbers are in files again")
            return True


class _Area:
    """Series, one after the other, in a piece of memory that is 0 everywhere at first.

    Args:
        name: A name that no other area has.
        memory: The memory.

    Attributes:
        name: The name.
        memory: The memory.
        path: The file that the memory is mapped from, if any.
    """

    def __init__(self, name: str, memory: memoryview) -> None:
        self.name = name
        self.memory = memory
        self.path: Path | None = None
        self._used = memory[:WORD_BYTES].cast("Q")
        self._used[0] = WORD_BYTES
        self._series: list[tuple[Series, slice]] = []

    def add(self, key: bytes, count: int) -> Series | None:
        """Return a new series, or None where it does not fit."""
        start = self._used[0]
        first = start + _HEADER.size + len(key)
        end = first + count * WORD_BYTES
        if end > len(self.memory):
            return None
        self.memory[start:first] = _HEADER.pack(len(key), count) + key
        # Other processes see the series from now on.
        self._used[0] = end
        cells = slice(first, end)
        series = Series(self.memory[cells].cast("d"))
        self._series.append((series, cells))
        return series

    def move(self, folder: Path) -> None:
        """Move the series to a file, while nobody changes them.

        Raises:
            OSError: The folder cannot be written, or the disk is full.
        """
        path = folder / self.name
        self.memory = _map_new_file(path, self.memory)
        self.path = path
        self._used = self.memory[:WORD_BYTES].cast("Q")
        for series, cells in self._series:
            series.cells = self.memory[cells].cast("d")

    def remove(self) -> None:
        """Remove the file; the memory stays until nobody uses it."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _map_new_file(path: Path, content: memoryview) -> memoryview:
    # Not under its name until it is whole: other processes map every such file.
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        # Reserve the space now. If the disk were full when a number is written through mapped
        # memory, the kernel would kill the process.
        os.posix_fallocate(descriptor, 0, len(content))
        memory = memoryview(mmap.mmap(descriptor, len(content)))
        memory[:] = content
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return memory


def read_series(area: Area, start: int = WORD_BYTES) -> Iterator[tuple[Key, int, int]]:
    """Yield the key of each series of an area, the byte where its cells begin, and their number.

    Args:
        area: The area.
        start: The byte after those that were read before.
    """
    end = used_bytes(area)
    while start < end:
        length, count = _HEADER.unpack_from(area, start)
        first = start + _HEADER.size + length
        key = msgspec.json.decode(area[start + _HEADER.size : first], type=Key)
        yield key, first, count
        start = first + count * WORD_BYTES


def used_bytes(area: Area) -> int:
    """Return the number of bytes of an area that are in use."""
    return int.from_bytes(area[:WORD_BYTES], "little")


def encode(series: Mapping[Key, Values]) -> bytes:
    """Return an area that holds these series."""
    area = bytearray(WORD_BYTES)
    for key, values in series.items():
        text = _text(key)
        area += _HEADER.pack(len(text), len(values)) + text + values.tobytes()
    area[:WORD_BYTES] = len(area).to_bytes(WORD_BYTES, "little")
    return bytes(area)


def _text(key: Key) -> bytes:
    text = msgspec.json.encode(key)
    return text + b" " * (-len(text) % WORD_BYTES)
