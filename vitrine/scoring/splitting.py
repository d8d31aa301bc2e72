"""The files of an input -> the parts of a job."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from vitrine.block_stream import FileKind, open_csv, refuse_marks
from vitrine.bundle import Manifest
from vitrine.errors import InvalidParameter, VitrineError
from vitrine.scoring.job import (
    PART_PICTURES,
    CannotScore,
    CsvSlice,
    InputFile,
    Job,
    Part,
    PictureRun,
    RowGroups,
    Slice,
    WholeFile,
)
from vitrine.scoring.part_scorer import open_table, opened
from vitrine.scoring.storage import InputStream, open_storage, shown_path
from vitrine.signature import Dialect
from vitrine.tables.header import read_header
from vitrine.tables.records import BLOCK_BYTES, RecordStream
from vitrine.tables.spelling import nfc

_CSV_SUFFIXES = frozenset((".csv", ".tsv", ".tab", ".psv", ".txt", ".dat"))
# Names that say that a file is a table.
TABLE_SUFFIXES = _CSV_SUFFIXES | FileKind.ARROW.value | FileKind.PARQUET.value
# A packed table is refused by its first bytes, and not left out.
_PACKED_SUFFIXES = frozenset((".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip"))
# What people and programs keep beside pictures. Everything else is taken for a picture, and none is
# left out because of its name.
_BESIDE_PICTURES = TABLE_SUFFIXES | frozenset(
    (".json", ".jsonl", ".xml", ".html", ".htm", ".md", ".yaml", ".yml", ".ini", ".db", ".log")
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What shows that an input has changed.

    Attributes:
        files: Number of its files.
        size_bytes: Number of their bytes.
        sha256: Hash of the paths, the sizes and the times of change.
    """

    files: int
    size_bytes: int
    sha256: str


class Input:
    """What a job scores.

    Args:
        job: The job.
        manifest: Description of the version.

    Attributes:
        files: The files that are scored, in order.
        left_out: Paths of the other files in the folder, without hidden ones.

    Raises:
        CannotScore: There is nothing to score, or it cannot be listed.
    """

    def __init__(self, job: Job, manifest: Manifest) -> None:
        self._job = job
        self._manifest = manifest
        self._takes_pictures = manifest.signature.picture is not None
        self._storage = open_storage(job.input)
        self._dialects: dict[str, Dialect] = {}
        self.left_out: list[str] = []
        self.files = self._list() if job.file is None else [self._find(job.file)]

    def _find(self, path: str) -> InputFile:
        found = self._storage.describe(path)
        if found is None:
            place = f"{self._storage.url}/{shown_path(path)}"
            raise CannotScore(f"{place} cannot be read: No such file or directory.")
        return found

    def _list(self) -> list[InputFile]:
        taken: list[InputFile] = []
        for file in self._storage.files():
            if self._is_hidden(file.path):
                continue
            if self._is_taken(file):
                taken.append(file)
            else:
                self.left_out.append(shown_path(file.path))
        if not taken:
            kind = "picture" if self._takes_pictures else "CSV, Arrow or Parquet file with rows"
            raise CannotScore(f"There is no {kind} in {self._storage.url}.")
        return taken

    def _is_hidden(self, path: str) -> bool:
        """Tell names that begin with a point; of tables, also those with "_", as Spark does."""
        marks = (".",) if self._takes_pictures else (".", "_")
        return any(name.startswith(marks) for name in PurePosixPath(path).parts)

    def _is_taken(self, file: InputFile) -> bool:
        suffix = PurePosixPath(file.path).suffix.lower()
        if self._takes_pictures:
            return suffix not in _BESIDE_PICTURES
        is_table = suffix in TABLE_SUFFIXES or suffix in _PACKED_SUFFIXES or not suffix
        return is_table and file.size_bytes > 0

    def summary(self) -> Summary:
        """Return what shows a change of the files."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(os.fsencode(f"{file.path}\0{file.size_bytes}\0{file.changed_ns}\n"))
        size = sum(file.size_bytes for file in self.files)
        return Summary(len(self.files), size, digest.hexdigest())

    def kind(self) -> FileKind:
        """Return the format of the input; CSV for pictures, and where there are several formats."""
        kinds = {_kind(file) for file in self.files}
        return FileKind.CSV if self._takes_pictures or len(kinds) > 1 else kinds.pop()

    def check(self) -> None:
        """Read the beginning of each table, so that a wrong one is found before any is scored.

        Raises:
            CannotScore: A table does not fit the model, or cannot be read.
        """
        for file in () if self._takes_pictures else self.files:
            with self._reading(file) as stream:
                self._check(file, stream)

    def _check(self, file: InputFile, stream: InputStream) -> None:
        options, limit = self._job.options, self._job.max_row_bytes
        if _kind(file) is not FileKind.CSV:
            refuse_marks(options)
            open_table(self._manifest, stream, file, options, limit)
            return
        table = open_csv(self._manifest, stream, options, max_row_bytes=limit, max_rows=sys.maxsize)
        next(iter(table.blocks), None)  # settles the marks of the numbers
        if table.table is not None:
            self._dialects[file.path] = table.table.dialect

    def parts(self) -> Iterator[Part]:
        """Cut the input into parts, in its order, after `check`.

        Raises:
            CannotScore: A file cannot be read or cut.
        """
        if self._takes_pictures:
            yield from _parts(0, self._runs())
            return
        for index, file in enumerate(self.files):
            yield from _parts(index, self._pieces(file))

    def _runs(self) -> Iterator[tuple[Slice, int]]:
        """Cut the list of pictures where so many, or so many bytes, are together."""
        run: list[InputFile] = []
        size = 0
        for file in self.files:
            run.append(file)
            size += file.size_bytes
            if len(run) == PART_PICTURES or size >= self._job.part_bytes:
                yield PictureRun(tuple(run)), size
                run, size = [], 0
        if run:
            yield PictureRun(tuple(run)), size

    def _pieces(self, file: InputFile) -> Iterator[tuple[Slice, int]]:
        """Cut a table; each has one piece at least, so that each has its columns in the output."""
        with self._reading(file) as stream:
            match _kind(file):
                case FileKind.CSV:
                    yield from self._records(file, stream)
                case FileKind.ARROW:
                    yield WholeFile(file), file.size_bytes
                case FileKind.PARQUET:
                    yield from self._row_groups(file, stream)

    def _records(self, file: InputFile, stream: InputStream) -> Iterator[tuple[Slice, int]]:
        """Cut a CSV file at ends of records, without reading their fields."""
        dialect = self._dialects[file.path]
        records = RecordStream(stream, max_row_bytes=self._job.max_row_bytes)
        names = [nfc(spec.name) for spec in self._manifest.signature.columns]
        header = read_header(records, names, (dialect.delimiter,)).record
        if records.is_recoded:  # its bytes are others than those that were cut
            yield WholeFile(file), file.size_bytes
            return
        size, after_header = self._job.part_bytes, records.position
        piece = _begin(file, header, dialect, records)
        for _ in records.blocks(dialect.delimiter, largest=min(size, BLOCK_BYTES)):
            if records.position - piece.start >= size:
                yield _ended(piece, records)
                piece = _begin(file, header, dialect, records)
        if piece.start == after_header or piece.start < records.position:
            yield _ended(piece, records)

    def _row_groups(self, file: InputFile, stream: InputStream) -> Iterator[tuple[Slice, int]]:
        """Cut a Parquet file where row groups of so many bytes, unpacked, are together."""
        from vitrine.tables.parquet_file import read_groups  # noqa: PLC0415 - an extra

        start = before = rows = size = 0
        groups = read_groups(stream)
        unpacked = sum(group_bytes for _, group_bytes in groups)
        for index, (group_rows, group_bytes) in enumerate(groups):
            rows, size = rows + group_rows, size + group_bytes
            if size >= self._job.part_bytes or index + 1 == len(groups):
                share = size * file.size_bytes // max(unpacked, 1)
                yield RowGroups(file, start, index + 1, before), share
                start, before, rows, size = index + 1, before + rows, 0, 0
        if not groups:
            yield RowGroups(file, 0, 0, 0), file.size_bytes

    @contextmanager
    def _reading(self, file: InputFile) -> Iterator[InputStream]:
        """Open a file, and say of which one it is that something is wrong."""
        try:
            with opened(self._storage, file) as stream:
                yield stream
        except InvalidParameter as error:
            raise CannotScore(error.detail) from None
        except VitrineError as error:
            place = f"{self._storage.url}/{shown_path(file.path)}"
            raise CannotScore(f"{place}: {error.detail}") from None


def _kind(file: InputFile) -> FileKind:
    return FileKind.of(PurePosixPath(file.path))


def _parts(index: int, pieces: Iterator[tuple[Slice, int]]) -> Iterator[Part]:
    for number, (piece, size) in enumerate(pieces):
        yield Part(f"{index:05}-{number:06}", piece, size)


def _begin(file: InputFile, header: bytes, dialect: Dialect, records: RecordStream) -> CsvSlice:
    """Begin a slice, still empty, with the next record."""
    start, line, block = records.position, records.line, records.block_bytes
    return CsvSlice(file, header, dialect, start, start, line, block)


def _ended(piece: CsvSlice, records: RecordStream) -> tuple[CsvSlice, int]:
    """End a slice before the next record; return it with the number of its bytes."""
    return replace(piece, stop=records.position), records.position - piece.start
