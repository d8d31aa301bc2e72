"""Scores parts with one version: what each process of a machine, or of a cluster, holds."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from vitrine import bundle
from vitrine.block_stream import (
    BlockStream,
    FileKind,
    of_table,
    open_csv,
    open_file,
    open_row_groups,
)
from vitrine.errors import InvalidParameter, VitrineError
from vitrine.loading import load_version
from vitrine.observer import Observer, OneThread
from vitrine.options import Options
from vitrine.pipeline import FILE_ENCODERS, Pipeline
from vitrine.predictions import PredictedBlock
from vitrine.scoring.job import (
    CannotScore,
    CsvSlice,
    InputFile,
    Job,
    Part,
    PartRecord,
    PictureRun,
    RowGroups,
)
from vitrine.scoring.picture_files import FILE_COLUMN, PictureFiles
from vitrine.scoring.storage import InputStream, Storage, open_storage, shown_path
from vitrine.tables.writer import write_csv

# Folders of the output. Programs that read a folder of tables leave such names out.
RECORDS = "_parts"
FAULTY_ROWS = "_errors"


def part_path(part: str, kind: FileKind) -> str:
    """Return the path of a part's file in the output."""
    # By its own convention, an Arrow stream is called other than an Arrow file.
    suffix = "arrows" if kind is FileKind.ARROW else kind.name.lower()
    return f"part-{part}.{suffix}"


def record_path(part: str) -> str:
    """Return the path of the record of a part."""
    return f"{RECORDS}/part-{part}.json"


class PartScorer:
    """Scores parts, one after the other. It may live for many of them.

    A part that is scored twice, by any two of these, is the same bytes twice.

    Args:
        job: What is scored.
        folder: Folder of the version; it may lie anywhere.

    Raises:
        InvalidBundle: The version cannot be loaded.
        CannotScore: It is another version than the job's.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        if bundle.manifest_digest(folder) != job.manifest_sha256:
            raise CannotScore(f"{folder} is not version {job.version} of {job.model!r}.")
        self._model = load_version(folder, threads=1, is_moved=True)
        self._job = job
        self._input = open_storage(job.input)
        self._output = open_storage(job.output)

    def score(self, part: Part) -> PartRecord:
        """Predict on every row of a part, and write its file, and then its record.

        Raises:
            CannotScore: A file cannot be read or written, has changed, or holds a row that has no
                prediction and may not be left out.
        """
        job, faulty = self._job, _FaultyRows(part, self._output)
        is_picture = isinstance(part.slice, PictureRun)
        options = replace(job.options, echo=True) if is_picture else job.options
        with self._sentences(part), self._opened(part, options) as stream, faulty:
            pipeline = Pipeline(
                self._model,
                options,
                default_coverage=job.coverage,
                slot=OneThread(),
                observer=faulty,
            )
            pieces = pipeline.answer(stream, FILE_ENCODERS[job.kind])
            with self._output.writing(part_path(part.name, job.kind)) as file:
                file.writelines(pieces)
                size = file.tell()
        record = PartRecord(part.name, faulty.rows, faulty.count, size)
        with self._output.writing(record_path(part.name)) as file:
            file.write(msgspec.json.encode(record))
        return record

    @contextmanager
    def _opened(self, part: Part, options: Options) -> Iterator[BlockStream]:
        """Begin to read the instances of a part."""
        manifest, job = self._model.manifest, self._job
        if isinstance(part.slice, PictureRun):
            paths = [file.path for file in part.slice.files]
            name = manifest.signature.inputs[0].name
            yield of_table(PictureFiles(self._input, paths, name, max_pixels=job.max_pixels))
            return
        with opened(self._input, part.slice.file) as stream:
            if isinstance(part.slice, RowGroups):
                groups = range(part.slice.start, part.slice.stop)
                yield open_row_groups(manifest, stream, options, groups)
            elif isinstance(part.slice, CsvSlice):
                yield _open_slice(manifest, stream, part.slice, options, job.max_row_bytes)
            else:
                yield open_table(manifest, stream, part.slice.file, options, job.max_row_bytes)

    @contextmanager
    def _sentences(self, part: Part) -> Iterator[None]:
        """Turn what is wrong with a part into one sentence that says where it is."""
        try:
            yield
        except InvalidParameter as error:
            raise CannotScore(error.detail) from None
        except VitrineError as error:
            raise CannotScore(f"{self._input.url}/{_sentence(error, part)}") from None


@contextmanager
def opened(storage: Storage, file: InputFile) -> Iterator[InputStream]:
    """Open a file of the input.

    Raises:
        CannotScore: It cannot be read, or has changed since it was listed.
    """
    found = storage.describe(file.path)
    if found != file:
        now = "is gone" if found is None else "was changed while it was scored"
        raise CannotScore(f"{storage.url}/{shown_path(file.path)} {now}.")
    with storage.open(file.path) as stream:
        yield stream


def open_table(
    manifest: bundle.Manifest,
    stream: InputStream,
    file: InputFile,
    options: Options,
    max_row_bytes: int,
) -> BlockStream:
    """Begin to read a whole table, in the format that its name says.

    Raises:
        VitrineError: The table does not fit the model, or cannot be read.
    """
    path = Path(file.path)
    if FileKind.of(path) is FileKind.PARQUET:  # the stream can be moved in
        return open_row_groups(manifest, stream, options)
    return open_file(manifest, path, stream, options, max_row_bytes=max_row_bytes)


def _open_slice(
    manifest: bundle.Manifest,
    stream: InputStream,
    piece: CsvSlice,
    options: Options,
    max_row_bytes: int,
) -> BlockStream:
    """Begin to read some records as a file of their own, in the dialect of the whole one."""
    stream.seek(piece.start)
    return open_csv(
        manifest,
        _Headed(piece.header, stream, piece.stop - piece.start),
        replace(
            options,
            delimiter=piece.dialect.delimiter,
            decimal=piece.dialect.decimal,
            thousands=piece.dialect.thousands,
        ),
        max_row_bytes=max_row_bytes,
        max_rows=sys.maxsize,
        first_line=piece.line - _count_line_ends(piece.header),
        first_block_bytes=piece.block_bytes,
    )


def _count_line_ends(record: bytes) -> int:
    return len(record.splitlines())


class _Headed:
    """A header, and the next bytes of a stream."""

    def __init__(self, header: bytes, stream: InputStream, size: int) -> None:
        self._header = BytesIO(header)
        self._stream = stream
        self._left = size

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        if header := self._header.read(size):
            return header
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data


class _FaultyRows(Observer):
    """Counts the rows of a part, and writes those without a prediction into a file of their own.

    Args:
        part: The part.
        output: Where its files are written.

    Attributes:
        rows: Number of rows, with and without faults.
        count: Number of those without a prediction.
    """

    def __init__(self, part: Part, output: Storage) -> None:
        self.rows = self.count = 0
        self._slice = part.slice
        self._path = f"{FAULTY_ROWS}/part-{part.name}.csv"
        self._output = output
        self._files = ExitStack()
        self._file: BinaryIO | None = None

    def __enter__(self) -> None:
        self._files.__enter__()

    def __exit__(self, *error: object) -> None:
        self._files.__exit__(*error)  # type: ignore[arg-type]

    def predicted(self, predicted: PredictedBlock) -> None:
        """Take note of a block that was predicted."""
        if predicted.errors:
            if self._file is None:
                self._file = self._files.enter_context(self._output.writing(self._path))
                self._file.write(write_csv(dict.fromkeys(_FAULT_COLUMNS, ()), header=True))
            columns = zip(*self._records(predicted), strict=True)
            named = dict(zip(_FAULT_COLUMNS, columns, strict=True))
            self._file.write(write_csv(named, header=False))
        self.rows += predicted.block.rows
        self.count += len(predicted.errors)

    def _records(self, predicted: PredictedBlock) -> Iterator[tuple[str, str, str, str]]:
        block, place = predicted.block, self._slice
        for row, error in sorted(predicted.errors.items()):
            if isinstance(place, PictureRun):
                yield str(block.echo[FILE_COLUMN][row]), "", "", error
            elif block.line_of is not None:
                yield shown_path(place.file.path), str(block.line_of(row)), "", error
            else:
                index = _rows_before(place) + self.rows + row
                yield shown_path(place.file.path), "", str(index), error


_FAULT_COLUMNS = ("source", "line", "instance", "error")


def _rows_before(place: object) -> int:
    return place.rows_before if isinstance(place, RowGroups) else 0


def _sentence(error: VitrineError, part: Part) -> str:
    """Say what is wrong, after the path of the file in which it is."""
    first = next(iter(error.faults), None)
    detail = error.detail if first is None else first.detail
    # Only the rows and the pictures that the network refuses have no place in their sentences.
    index = 0
    if first is not None and first.pointer is not None and first.column is None:
        index = int(first.pointer.rpartition("/")[2])
    place = part.slice
    if isinstance(place, PictureRun):
        return f"{shown_path(place.files[index].path)}: {detail}"
    path = shown_path(place.file.path)
    if first is None or first.pointer is None or detail.startswith("Instance "):
        return f"{path}: {detail}"
    if isinstance(place, CsvSlice):
        return f"{path}: Row {index + 1} from line {place.line} on: {detail}"
    return f"{path}: Instance {_rows_before(place) + index}: {detail}"
