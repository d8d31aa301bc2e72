"""How long this worker keeps the series of a model or of a version that is not served any more."""

import contextlib
import time
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from service.telemetry import marks, multiprocess
from service.telemetry.numbers import Numbers, Owner, Values
from service.telemetry.totals import Layout, Totals


class Retention:
    """Marks what is served, and removes what no worker shows any more.

    Args:
        numbers: The numbers of this worker.
        totals: The numbers of all workers.
        forget: Removes the series of a model or of a version from this worker.
        folder: Folder of the numbers of all workers; None for one process.
        clock: Tells the time of the marks, which is the same in all processes.
    """

    def __init__(
        self,
        numbers: Numbers,
        totals: Totals,
        forget: Callable[[Owner], None],
        *,
        folder: Path | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._numbers = numbers
        self._totals = totals
        self._forget = forget
        self._folder = folder
        self._clock = clock
        self._layout: Layout | None = None
        self._marks: dict[Owner, int] = {}

    def serve(self, served: Set[Owner]) -> None:
        """Mark what is served from now on, and remove what is not shown any more."""
        with self._alone():
            self._mark(served)
            # If the folder is gone, nothing is removed from it.
            with contextlib.suppress(OSError):
                shown = self.shown(*self._totals.read())
                for owner in self._numbers.owners():
                    if owner not in shown:
                        self._forget(owner)

    def _mark(self, served: Set[Owner]) -> None:
        for owner in {*self._numbers.owners(), *served}:
            series = self._numbers.series(marks.mark_of(owner), 1)
            with self._numbers.adding:
                if owner in served:
                    series.cells[0] = marks.SERVED
                elif series.cells[0] == marks.SERVED:
                    series.cells[0] = self._clock()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no worker begin to serve what another one is removing."""
        with contextlib.ExitStack() as stack:
            if self._folder is not None:
                # A worker that stands still and holds the lock keeps no other from serving.
                with contextlib.suppress(OSError):
                    stack.enter_context(multiprocess.locked(self._folder))
            yield

    def shown(self, layout: Layout, values: Values) -> frozenset[Owner]:
        """Return the models and versions whose series are shown now."""
        if layout is not self._layout:
            self._layout = layout
            self._marks = {
                key.owner: cells.start for key, cells in layout.cells.items() if marks.is_mark(key)
            }
        latest = {owner: float(values[cell]) for owner, cell in self._marks.items()}
        return marks.shown(latest, self._clock())
