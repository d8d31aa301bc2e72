"""Predict on files without a server: one table into one file here, all others by `parts`.

The same blocks, predictions and columns as over HTTP, read and written as a stream.
"""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Self, TextIO
from urllib.parse import urlencode

from service.cli import parts
from service.errors import VersionRefused
from service.http.query import read_options
from service.rollout.model_store import open_model_store
from service.rollout.sources.source import SourceUnreachable
from service.settings import InvalidSetting, Settings
from vitrine.block_stream import FileKind, open_file
from vitrine.bundle import InvalidBundle, default_version
from vitrine.engines import available_cpus
from vitrine.errors import MAX_FAULTS, InvalidParameter, VitrineError, nearest, shown
from vitrine.loading import load_versions
from vitrine.model import Model
from vitrine.observer import Observer
from vitrine.options import Options
from vitrine.pipeline import FILE_ENCODERS, Pipeline
from vitrine.predictions import PredictedBlock
from vitrine.scoring.job import CannotScore
from vitrine.scoring.storage import is_bucket

# The options of a prediction over HTTP that mean something here.
OPTIONS = ("errors", "echo", "coverage", "abstain_below", "delimiter", "decimal", "thousands")
_STEP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A version that may predict.

    Attributes:
        model: The model.
        folder: Folder of the version.
    """

    model: Model
    folder: Path


def run(options: argparse.Namespace) -> None:
    """Do what the command line asks; end with a sentence and 1 where that cannot be."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):  # whatever the shell left them at
            signal.signal(number, _stop)
        settings = Settings.from_environment(os.environ)
        if options.models:
            settings = replace(settings, models=options.models)
        if parts.is_folder(options.output):
            loaded = load(settings, options.name, options.version)
            asked_for = _read_options(options, loaded.model, errors="report")
            parts.score(options, loaded.model, loaded.folder, asked_for, settings)
        else:
            _score_file(options, settings)
    except (CannotScore, InvalidBundle, InvalidSetting, SourceUnreachable) as error:
        sys.exit(str(error))
    except VitrineError as error:
        sys.exit(error.detail)


def _read_options(options: argparse.Namespace, model: Model, *, errors: str) -> Options:
    given = {name: getattr(options, name) for name in OPTIONS}
    given["errors"] = given["errors"] or errors
    query = urlencode({name: text for name, text in given.items() if text is not None})
    is_table = model.manifest.signature.picture is None
    return read_options(query, csv_body=is_table, table_body=is_table, table_answer=True)


def _score_file(options: argparse.Namespace, settings: Settings) -> None:
    """Score one table into one file, or to standard output."""
    for name in ("format", "part_bytes", "ray"):
        if getattr(options, name, None) is not None:
            raise CannotScore(
                f"--{name.replace('_', '-')} is for folders of parts: give one a name such as -o "
                f"scores/. Received: {shown(options.output)}."
            )
    model = load(settings, options.name, options.version).model
    if model.manifest.signature.picture is not None:
        raise CannotScore(
            f"Model {shown(options.name)} takes pictures, which are scored into a folder of parts: "
            f"give it a name such as -o scores/. Received: {shown(options.output)}."
        )
    source = options.file
    if is_bucket(source) or Path(source).is_dir():
        raise CannotScore(
            f"{source} is scored into a folder of parts: give it a name such as -o scores/. "
            f"Received: {shown(options.output)}."
        )
    asked_for = _read_options(options, model, errors="fail")
    target = None if options.output == "-" else Path(options.output)
    if target is None:  # the program that reads it may stop early, as `head` does
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    score(model, Path(source), target, asked_for, settings)


def _stop(number: int, _frame: object) -> None:
    """End in order, so that no unfinished file is left."""
    sys.exit(128 + number)


def load(settings: Settings, name: str, version: int | None) -> LoadedVersion:
    """Load the default version of a model, or the one that is asked for, as the service does.

    Raises:
        CannotScore: There is none.
        VersionRefused: It cannot be served.
        InvalidBundle: The models folder cannot be read.
        SourceUnreachable: The source of a mirrored model store cannot be read.
    """
    store = open_model_store(
        settings.models, cache=settings.cache, watch_seconds=settings.watch_seconds
    )
    store.refresh(wait=True)
    found = store.list_versions()
    if name not in found:
        raise CannotScore(
            f"There is no model {shown(name)} in {settings.models}.{nearest(name, found)}"
        )
    if version is not None and version not in found[name]:
        published = ", ".join(map(str, found[name]))
        raise CannotScore(f"Model {shown(name)} has no version {version}; published: {published}.")
    wanted = (name, version or default_version(store.folder, name) or found[name][-1])
    loaded, refused = load_versions(store.folder, [wanted], threads=available_cpus())
    if refused:
        raise VersionRefused(*wanted, refused[wanted])
    return LoadedVersion(loaded[wanted], store.folder / name / str(wanted[1]))


def score(
    model: Model,
    source: Path,
    target: Path | None,
    options: Options,
    settings: Settings,
    *,
    errors: TextIO | None = None,
) -> None:
    """Predict on every row of a file.

    Args:
        model: The model that predicts.
        source: The file; its name says whether it is Arrow or Parquet.
        target: File for the predictions, written whole or not at all, in the format that its name
            says; None for CSV to standard output.
        options: Options of the prediction, the same as over HTTP.
        settings: The default coverage and the longest row.
        errors: Stream for the progress; standard error by default.

    Raises:
        CannotScore: A file cannot be read or written, or holds a row without a prediction.
        InvalidParameter: The model does not support the options.
    """
    errors = errors or sys.stderr
    # On a terminal that shows the predictions a line of progress would stand among them.
    is_live = errors.isatty() and (target is not None or not sys.stdout.isatty())
    with _opened(source) as stream, Progress(errors, stream, is_live=is_live) as progress:
        pipeline = Pipeline(model, options, default_coverage=settings.coverage, observer=progress)
        try:
            table = open_file(
                model.manifest, source, stream, options, max_row_bytes=settings.max_row_bytes
            )
            kind = FileKind.CSV if target is None else FileKind.of(target)
            _write(target, pipeline.answer(table, FILE_ENCODERS[kind]))
        except InvalidParameter:
            raise
        except VitrineError as error:
            raise CannotScore(f"{source}: {_sentence(error)}") from None
        progress.close(table.ignored_columns)


def _sentence(error: VitrineError) -> str:
    """Say what is wrong; where a row is not named yet, by its number below the header."""
    first = next(iter(error.faults), None)
    if first is None or first.pointer is None or first.column is not None:
        return error.detail
    return f"Row {int(first.pointer.rpartition('/')[2]) + 1}: {first.detail}"


class InputFile:
    """A file that is read once.

    Attributes:
        size_bytes: Of the file; 0 where that is not known.
        read_bytes: How much has been read.
    """

    def __init__(self, path: Path, stream: FileIO) -> None:
        self._path = path
        self._stream = stream
        self.size_bytes = os.fstat(stream.fileno()).st_size
        self.read_bytes = 0

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        try:
            data = self._stream.read(size)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        self.read_bytes += len(data)
        return data


@contextmanager
def _opened(path: Path) -> Iterator[InputFile]:
    try:
        # Without a buffer: its reading loop would sleep through a Ctrl-C at a pipe that has dried.
        stream = path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(path, error) from error
    with stream:
        yield InputFile(path, stream)


def _unreadable(path: Path, error: OSError) -> CannotScore:
    return CannotScore(f"{path} cannot be read: {error.strerror}.")


def _write(target: Path | None, pieces: Iterable[bytes]) -> None:
    try:
        with _output(target) as stream:
            stream.writelines(pieces)
    except OSError as error:
        written = target or "Standard output"
        raise CannotScore(f"{written} cannot be written: {error.strerror}.") from error


@contextmanager
def _output(target: Path | None) -> Iterator[BinaryIO]:
    """Open what is written to; a file appears under its name when it is whole."""
    if target is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif target.exists() and not target.is_file():  # a pipe or a device takes what comes
        with target.open("wb") as stream:
            yield stream
    else:
        whole = target.resolve()  # what a link points to is replaced, not the link
        unfinished = whole.with_name(f".{whole.name}.{os.getpid()}")
        try:
            with unfinished.open("wb") as stream:
                yield stream
            if whole.exists():
                shutil.copymode(whole, unfinished)
            unfinished.replace(whole)
        finally:
            unfinished.unlink(missing_ok=True)


class Progress(Observer):
    """How far a file has been scored: one line, rewritten in place, and a last one.

    Args:
        output: Stream for the lines.
        source: File that is read.
        is_live: Whether to write more than the last line.
        clock: Returns seconds since some moment.
    """

    def __init__(
        self,
        output: TextIO,
        source: InputFile,
        *,
        is_live: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output = output
        self._source = source
        self._is_live = is_live
        self._clock = clock
        self._began = self._shown = clock()
        self._rows = self._faulty = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def predicted(self, predicted: PredictedBlock) -> None:
        """Count a block's rows, and rewrite the line where it is older than a moment."""
        self._rows += predicted.block.rows
        self._faulty += len(predicted.errors)
        if self._is_live and self._clock() - self._shown >= _STEP_SECONDS:
            self._shown = self._clock()
            self._clear()
            self._output.write(self._line())
            self._output.flush()

    def close(self, ignored_columns: Sequence[str]) -> None:
        """Write the last line."""
        self._clear()
        seconds = self._clock() - self._began
        parts = [f"{self._rows} rows in {seconds:.1f} s, {self._rate():.0f} rows/s"]
        if self._faulty:
            parts.append(f"{self._faulty} of them with an error")
        if ignored_columns:
            parts.append(f"no inputs: {', '.join(ignored_columns[:MAX_FAULTS])}")
        self._output.write("; ".join(parts) + ".\n")

    def _line(self) -> str:
        size = f" of {self._source.size_bytes / 1e6:.1f}" if self._source.size_bytes else ""
        read = f"{self._source.read_bytes / 1e6:.1f}{size} MB read"
        return f"{read}, {self._rows} rows, {self._rate():.0f} rows/s"

    def _rate(self) -> float:
        return self._rows / max(self._clock() - self._began, 1e-9)

    def _clear(self) -> None:
        if self._is_live:
            self._output.write("\r\x1b[K")
