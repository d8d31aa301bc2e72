"""What is scored: a job, its parts, and what is known of a finished part.

All of them are small values that travel to other processes and other machines.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vitrine.block_stream import FileKind
from vitrine.options import DEFAULT_MAX_PIXELS, Options
from vitrine.signature import Dialect

# A part takes a core a fraction of a second to some seconds: little is lost with it, and a file of
# a gigabyte keeps sixty cores busy.
PART_BYTES = 2**24
# A picture costs more time than its bytes say.
PART_PICTURES = 512


class CannotScore(Exception):
    """What stops the command, in one sentence."""


class FileUnreadable(CannotScore):
    """One file cannot be read, while others can: it is gone, or not for this user."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file as it was found when the input was listed.

    Attributes:
        path: Path within the input, with "/" between its parts.
        size_bytes: Number of its bytes.
        changed_ns: Time of its last change, in nanoseconds since 1970.
    """

    path: str
    size_bytes: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class WholeFile:
    """All rows of a table that cannot be divided.

    Attributes:
        file: The file.
    """

    file: InputFile


@dataclass(frozen=True, slots=True)
class CsvSlice:
    """Some records of a CSV file.

    Attributes:
        file: The file.
        header: Bytes of the record that names the columns.
        dialect: Marks of the whole file, settled at its beginning.
        start, stop: Bytes of the file that the records take, from the one up to the other.
        line: Line of the file, from 1, on which the first record starts.
        block_bytes: Size of the first block. The blocks of a part are those of the whole file, so
            that the network, which is asked the same, answers the same to the last digit.
    """

    file: InputFile
    header: bytes
    dialect: Dialect
    start: int
    stop: int
    line: int
    block_bytes: int


@dataclass(frozen=True, slots=True)
class RowGroups:
    """Consecutive row groups of a Parquet file.

    Attributes:
        file: The file.
        start, stop: Indices of the row groups, from the one up to the other.
        rows_before: Number of rows of the file before them.
    """

    file: InputFile
    start: int
    stop: int
    rows_before: int


@dataclass(frozen=True, slots=True)
class PictureRun:
    """Consecutive pictures of a folder.

    Attributes:
        files: Their files.
    """

    files: tuple[InputFile, ...]


Slice = WholeFile | CsvSlice | RowGroups | PictureRun


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the input that is scored into one file.

    Attributes:
        name: Index of the file and index within the file, such as "00003-000017": the names of
            parts sort as the input does.
        slice: What of the input it holds.
        size_bytes: Number of bytes of that.
    """

    name: str
    slice: Slice
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What is known of a part that is finished.

    Attributes:
        name: Name of the part.
        rows: Number of its rows, with and without faults.
        faulty_rows: Number of its rows without a prediction.
        size_bytes: Number of bytes of its file.
    """

    name: str
    rows: int
    faulty_rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is scored by which version, with which options, into what.

    Two jobs that are equal but for their outputs write the same bytes for the same input.

    Attributes:
        model, version: Name and number of the version.
        manifest_sha256: Hash of its manifest, which names the hashes of all its files.
        input: Absolute path of the folder in which the input is; or `s3://bucket/prefix`.
        file: Path in it of the only file that is scored; None for all files.
        output: Absolute path of the folder of parts; or `s3://bucket/prefix`.
        options: Options of the prediction, the same as over HTTP.
        kind: Format of the parts.
        coverage: Coverage of sets and intervals where the options name none.
        part_bytes: About as many bytes of the input make a part.
        max_row_bytes: Size of the longest row of CSV.
        max_pixels: Number of pixels that one picture may have.
    """

    model: str
    version: int
    manifest_sha256: str
    input: str
    file: str | None
    output: str
    options: Options
    kind: FileKind = FileKind.CSV
    coverage: float
    part_bytes: int = PART_BYTES
    max_row_bytes: int
    max_pixels: int = DEFAULT_MAX_PIXELS


# Scores parts somewhere: takes the job, the folder of the version on this machine, and the parts as
# they are asked for; yields a record of each part that is finished, in any order. It raises
# `CannotScore` where a part cannot be scored, after the parts before it are finished.
Executor = Callable[[Job, Path, Iterable[Part]], Iterator[PartRecord]]
