"""What all processes have counted, added up.

Series keep their place in an area. Where each of them is, and where its cells go in the sum, is
found once; from then on, adding up is a few calls of NumPy for each area.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.telemetry.numbers import (
    WORD_BYTES,
    Area,
    Combining,
    Key,
    Values,
    read_series,
    used_bytes,
)

_Indices = NDArray[np.intp]
_COMBINE: dict[Combining, np.ufunc] = {
    "sum": np.add,
    "livesum": np.add,
    "min": np.minimum,
    "max": np.maximum,
    "latest": np.maximum,
}
_FIRST: dict[Combining, float] = {"min": np.inf, "max": -np.inf}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which series there are.

    Attributes:
        cells: Key of each series -> the indices of its cells.
        count: Number of all cells.
    """

    cells: Mapping[Key, slice]
    count: int


class _Part:
    """One area: what is in it so far.

    Args:
        area: The area.
    """

    def __init__(self, area: Area) -> None:
        self.area = area
        self.read_bytes = WORD_BYTES
        self.series: list[tuple[Key, int, int]] = []
        self.moves: list[tuple[Combining, _Indices, _Indices]] = []
        self._cells = np.frombuffer(area, np.float64, len(area) // WORD_BYTES)

    @property
    def has_more(self) -> bool:
        """Whether series were added since they were read."""
        return used_bytes(self.area) != self.read_bytes

    def read(self) -> None:
        """Read the series that were added."""
        for key, first, count in read_series(self.area, self.read_bytes):
            self.series.append((key, first // WORD_BYTES, count))
            self.read_bytes = first + count * WORD_BYTES

    def place(self, cells: Mapping[Key, slice]) -> None:
        """Find where the cells go in the sum."""
        sources: dict[Combining, list[_Indices]] = defaultdict(list)
        targets: dict[Combining, list[_Indices]] = defaultdict(list)
        for key, first, count in self.series:
            sources[key.combining].append(np.arange(first, first + count))
            targets[key.combining].append(np.arange(cells[key].start, cells[key].stop))
        self.moves = [
            (combining, np.concatenate(sources[combining]), np.concatenate(targets[combining]))
            for combining in sources
        ]

    def add_to(self, values: Values) -> None:
        """Combine the cells with those of other areas."""
        for combining, sources, targets in self.moves:
            values[targets] = _COMBINE[combining](values[targets], self._cells[sources])


class Totals:
    """The sums over all areas.

    Args:
        areas: Returns all areas, by names that never mean something else.
    """

    def __init__(self, areas: Callable[[], Mapping[str, Area]]) -> None:
        self._areas = areas
        self._reading = threading.Lock()
        self._parts: dict[str, _Part] = {}
        self._layout = Layout({}, 0)
        self._first = np.zeros(0)

    def read(self) -> tuple[Layout, Values]:
        """Return which series there are, and their values; the layout is the same while it holds.

        Shapes:
            (cells,).
        """
        with self._reading:
            if self._look():
                self._lay_out()
            values = self._first.copy()
            for part in self._parts.values():
                part.add_to(values)
            return self._layout, values

    def _look(self) -> bool:
        """Look for areas and series that came or went; return whether there are any."""
        areas = self._areas()
        kept = {name: part for name, part in self._parts.items() if name in areas}
        new = {name: _Part(area) for name, area in areas.items() if name not in kept}
        is_changed = bool(new) or len(kept) < len(self._parts)
        self._parts = kept | new
        for part in self._parts.values():
            if part.has_more:
                part.read()
                is_changed = True
        return is_changed

    def _lay_out(self) -> None:
        cells: dict[Key, slice] = {}
        end = 0
        for part in self._parts.values():
            for key, _, count in part.series:
                if key not in cells:
                    cells[key] = slice(end, end + count)
                    end += count
        self._layout = Layout(cells, end)
        self._first = np.zeros(end)
        for key, indices in cells.items():
            self._first[indices] = _FIRST.get(key.combining, 0.0)
        for part in self._parts.values():
            part.place(cells)


def combined(areas: Mapping[str, Area]) -> Iterator[tuple[Key, Values]]:
    """Yield each series of several areas with its values."""
    layout, values = Totals(lambda: areas).read()
    for key, indices in layout.cells.items():
        yield key, values[indices]
