"""Predict on tables or pictures of any size, in parts: the terminal's side of `vitrine.scoring`."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from service.settings import Settings
from vitrine.block_stream import FileKind
from vitrine.bundle import manifest_digest
from vitrine.errors import MAX_FAULTS, shown
from vitrine.model import Model
from vitrine.options import Options
from vitrine.scoring.job import PART_BYTES, CannotScore, Job
from vitrine.scoring.local import score_here
from vitrine.scoring.run import Outcome, Progress, score_in_parts
from vitrine.scoring.splitting import TABLE_SUFFIXES
from vitrine.scoring.storage import absolute, is_bucket

FORMATS = {kind.name.lower(): kind for kind in FileKind}
_STEP_SECONDS = 0.1


def is_folder(output: str) -> bool:
    """Tell whether an output is a folder of parts; anything else is one file."""
    path = Path(output)
    if is_bucket(output) or output.endswith("/") or path.is_dir():
        return True
    is_file = output == "-" or path.suffix.lower() in TABLE_SUFFIXES or path.exists()
    return not is_file


def score(
    options: argparse.Namespace, model: Model, folder: Path, asked_for: Options, settings: Settings
) -> None:
    """Score what the command line asks for.

    Raises:
        CannotScore: The input or a part cannot be scored, or the output belongs to something else.
        InvalidParameter: The model does not support the options.
    """
    model.trust_options(  # refuses what no part could be scored with
        coverage=asked_for.coverage,
        default=settings.coverage,
        abstain_below=asked_for.abstain_below,
    )
    place, file = _input(options.file)
    job = Job(
        model=model.name,
        version=model.version,
        manifest_sha256=manifest_digest(folder),
        input=place,
        file=file,
        output=absolute(options.output),
        options=asked_for,
        coverage=settings.coverage,
        part_bytes=options.part_bytes or PART_BYTES,
        max_row_bytes=settings.max_row_bytes,
        max_pixels=settings.max_pixels,
    )
    address = getattr(options, "ray", None)
    executor = score_here if address is None else options.on_cluster(address)
    kind = None if options.format is None else FORMATS[options.format]
    told = Told(sys.stderr)
    try:
        outcome = score_in_parts(job, folder, model.manifest, executor, kind=kind, watch=told.show)
        told.finish(outcome)
    except SystemExit:
        told.stopped()
        raise
    finally:
        told.clear()


def _input(given: str) -> tuple[str, str | None]:
    """Return the folder, or the prefix, of an input, and the file in it that is the only one."""
    place = absolute(given)
    if is_bucket(place):
        folder, _, name = place.rpartition("/")
        is_file = Path(name).suffix.lower() in TABLE_SUFFIXES and not given.endswith("/")
        return (folder, name) if is_file else (place, None)
    path = Path(place)
    if path.is_dir():
        return place, None
    if path.exists() and not path.is_file():
        raise CannotScore(
            f"{given} is a pipe or a device, which cannot be divided into parts. Name one file for "
            "the predictions, such as -o scores.csv."
        )
    return str(path.parent), path.name


class Told:
    """What is told beside the output: one line, rewritten on a terminal, and a last one.

    Args:
        output: Stream for the lines.
        clock: Returns seconds since some moment.
    """

    def __init__(self, output: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._clock = clock
        self._began = self._shown = clock()
        self._progress = Progress()

    def show(self, progress: Progress) -> None:
        """Rewrite the line where it is older than a moment."""
        self._progress = progress
        if self._output.isatty() and self._clock() - self._shown >= _STEP_SECONDS:
            self._shown = self._clock()
            self.clear()
            self._output.write(self._line())
            self._output.flush()

    def finish(self, outcome: Outcome) -> None:
        """Write the last line."""
        self.clear()
        totals, now = outcome.totals, outcome.progress
        seconds = f"{self._seconds():.1f} s"
        told = [f"{_counted(now.parts, 'part')}, {now.rows} rows in {seconds}, {self._rate()}"]
        if not now.parts:
            told = [f"Nothing to do: the folder is finished, with {totals.rows} rows"]
        if now.parts_before:
            told.append(f"{_counted(now.parts_before, 'part')} finished before")
        if totals.faulty_rows:
            told.append(f"rows with an error: {totals.faulty_rows} of {totals.rows}, see _errors")
        if outcome.left_out:
            names = ", ".join(map(shown, outcome.left_out[:MAX_FAULTS]))
            told.append(f"{_counted(len(outcome.left_out), 'file')} left out: {names}")
        self._output.write("; ".join(told) + ".\n")

    def stopped(self) -> None:
        """Say that the command was stopped, and that nothing is lost."""
        self.clear()
        done = self._progress.parts + self._progress.parts_before
        finished = _counted(done, "part")
        self._output.write(f"Stopped with {finished} finished. The same command goes on.\n")

    def clear(self) -> None:
        """Remove the line."""
        if self._output.isatty():
            self._output.write("\r\x1b[K")
            self._output.flush()

    def _line(self) -> str:
        now = self._progress
        share = now.bytes_done / max(now.bytes_in_all, 1)
        return f"{share:.0%}, {_counted(now.parts, 'part')}, {now.rows} rows, {self._rate()}"

    def _rate(self) -> str:
        return f"{self._progress.rows / max(self._seconds(), 1e-9):.0f} rows/s"

    def _seconds(self) -> float:
        return self._clock() - self._began


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
