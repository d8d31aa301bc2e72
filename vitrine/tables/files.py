"""A whole CSV file of unknown dialect -> columns of text, as training reads it."""

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vitrine.errors import EmptyBody, InvalidInstances
from vitrine.signature import Dialect
from vitrine.tables.header import DELIMITERS, MAX_ABOVE, SEPARATOR_LINE, named_delimiter
from vitrine.tables.header_faults import column_names
from vitrine.tables.notation import fit_file_notation
from vitrine.tables.parsed import BLANKS
from vitrine.tables.reader import CsvReader
from vitrine.tables.records import RecordStream, split_fields, split_records
from vitrine.tables.spelling import nfc

SAMPLE_BYTES = 2**20
_MAX_ROW_BYTES = 2**24


@dataclass(frozen=True, slots=True)
class Table:
    """A whole CSV file.

    Attributes:
        dialect: Dialect of the file.
        columns: Name of each column -> its cells, without the spaces around them; a blank is None.
        header_line: Line of the header, from 1.
    """

    dialect: Dialect
    columns: dict[str, list[str | None]]
    header_line: int = 1


class OpenTable:
    """A CSV file whose header was read.

    Args:
        reader: Reads the rows.
        ignored: Names of columns that may hold anything.

    Attributes:
        names: Names of the columns.
    """

    def __init__(self, reader: CsvReader, ignored: Collection[str]) -> None:
        self._reader = reader
        # Of the ignored columns with one name, the first stands for all.
        others = {*reader.ignored_columns} - {*ignored}
        self.names = tuple(name for name in reader.names if name not in others)

    def read(self) -> Table:
        """Read the rows.

        Raises:
            InvalidInstances: A row is ragged or not UTF-8.
        """
        columns: dict[str, list[str | None]] = {name: [] for name in self.names}
        spellings: dict[str, str] = {}
        for block in self._reader:
            if block.faults:
                raise InvalidInstances(block.faults, count=block.fault_count)
            for name, cells in columns.items():
                cells += [_cell(text or "", spellings) for text in block.echo[name]]
        return Table(self._reader.dialect, columns, self._reader.header_line)


def read_table(path: Path, dialect: Dialect | None = None) -> Table:
    """Read a whole file, as `open_table` does."""
    with open_table(path, dialect) as table:
        return table.read()


@contextmanager
def open_table(
    path: Path,
    dialect: Dialect | None = None,
    *,
    landmarks: Sequence[str] = (),
    ignored: Collection[str] = (),
    decimal: str | None = None,
    thousands: str | None = None,
) -> Iterator[OpenTable]:
    """Open a file, and read its header.

    Args:
        path: Path of the file.
        dialect: Dialect of the file; None to find it out from the first `SAMPLE_BYTES`.
        landmarks: Names of columns that show which line is the header, if titles or comments stand
            above it.
        ignored: Names of columns that may hold anything, and come twice.
        decimal: Decimal mark of the file whose dialect is not known, where the user gave it.
        thousands: Its thousands mark, where the user gave it; "" for none.

    Raises:
        InvalidInstances: Another column comes twice, or is not UTF-8.
        EmptyBody: There is no header.
        MalformedBody: The file is no CSV.
    """
    with path.open("rb") as stream:
        if dialect is None:
            records = RecordStream(stream, max_row_bytes=SAMPLE_BYTES)
            sample = records.start(SAMPLE_BYTES)
            dialect = find_dialect(sample, landmarks, decimal=decimal, thousands=thousands)
            stream.seek(0)
        reader = CsvReader(
            stream,
            (),
            training_dialect=dialect,
            delimiter=dialect.delimiter,
            max_row_bytes=_MAX_ROW_BYTES,
            max_rows=sys.maxsize,
            echo=True,
            landmarks=landmarks,
            ignored=ignored,
        )
        yield OpenTable(reader, ignored)


def find_dialect(
    sample: bytes,
    landmarks: Sequence[str] = (),
    *,
    decimal: str | None = None,
    thousands: str | None = None,
) -> Dialect:
    """Find out the dialect of a file from its first bytes, which may end within a record.

    The delimiter is the one that a line such as "sep=;" names, or else the one under which a line
    has all landmarks, and the most records have as many fields as the header, and more than one
    field if possible. The marks of the numbers are those of `fit_file_notation`.

    Args:
        sample: First bytes of the file, in UTF-8.
        landmarks: Names of columns that show which line is the header.
        decimal: Decimal mark that the user gave, if any.
        thousands: Thousands mark that the user gave, if any; "" for none.

    Raises:
        EmptyBody: There is no header.
    """
    separator = SEPARATOR_LINE.match(sample)
    delimiters = (named_delimiter(separator),) if separator else DELIMITERS
    if separator:
        sample = sample[separator.end() :]
    rows = {mark: _below_titles(_rows(sample, mark), landmarks) for mark in delimiters}
    best = max(
        delimiters, key=lambda mark: (_has(landmarks, rows[mark][:1]), _evenness(rows[mark]))
    )
    if not rows[best]:
        raise EmptyBody("a CSV file, its first line naming the columns")
    width = len(rows[best][0])
    columns = [[row[index] for row in rows[best][1:] if index < len(row)] for index in range(width)]
    return fit_file_notation(columns, best, decimal=decimal, thousands=thousands)


def _below_titles(rows: list[list[str]], landmarks: Sequence[str]) -> list[list[str]]:
    """Leave out the rows above the header, which is the first one with all of the names."""
    index = next((at for at in range(MAX_ABOVE) if _has(landmarks, rows[at : at + 1])), 0)
    return rows[index:]


def _has(landmarks: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether one of the rows has all of the names."""
    return any({*landmarks} <= {*column_names(row)} for row in rows)


def _rows(sample: bytes, delimiter: str) -> list[list[str]]:
    text = sample.decode("utf-8-sig", "surrogateescape")
    records = [record for _, record in split_records(text, delimiter) if record]
    return [split_fields(record, delimiter).texts for record in records]


def _evenness(rows: Sequence[Sequence[str]]) -> tuple[bool, float, int]:
    """Return how well a delimiter fits a file, to be compared with that of others."""
    width = len(rows[0]) if rows else 0
    same = sum(len(row) == width for row in rows)
    return width > 1, same / max(len(rows), 1), width


def _cell(text: str, spellings: dict[str, str]) -> str | None:
    """Strip a cell. Equal cells share one object, which saves memory: few texts are different."""
    text = nfc(text.strip())
    return None if text in BLANKS else spellings.setdefault(text, text)
