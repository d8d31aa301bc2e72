"""A whole CSV file of unknown dialect -> columns of text, as training reads it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vitrine.errors import EmptyBody, InvalidInstances
from vitrine.signature import Dialect
from vitrine.tables.header import DELIMITERS
from vitrine.tables.numbers import fit_notation
from vitrine.tables.parsed import BLANKS
from vitrine.tables.reader import CsvReader
from vitrine.tables.records import split_fields, split_records

SAMPLE_BYTES = 2**20
_MAX_ROW_BYTES = 2**24
_MAX_RECORDS = 1000


@dataclass(frozen=True, slots=True)
class Table:
    """A whole CSV file.

    Attributes:
        dialect: Dialect of the file.
        columns: Name of each column -> its cells, without the spaces around them; a blank is None.
    """

    dialect: Dialect
    columns: dict[str, list[str | None]]


def read_table(path: Path, dialect: Dialect | None = None) -> Table:
    """Read a whole file.

    Args:
        path: Path of the file.
        dialect: Dialect of the file; None to find it out from the first `SAMPLE_BYTES`.

    Raises:
        InvalidInstances: A column comes twice, or a row is ragged or not UTF-8.
        EmptyBody: There is no header.
    """
    with path.open("rb") as stream:
        if dialect is None:
            dialect = find_dialect(stream.read(SAMPLE_BYTES))
            stream.seek(0)
        reader = CsvReader(
            stream,
            (),
            training_dialect=dialect,
            delimiter=dialect.delimiter,
            max_row_bytes=_MAX_ROW_BYTES,
            max_rows=sys.maxsize,
            echo=True,
        )
        columns: dict[str, list[str | None]] = {name: [] for name in reader.names}
        spellings: dict[str, str] = {}
        for block in reader:
            if block.faults:
                raise InvalidInstances(block.faults, count=block.fault_count)
            for name, texts in block.echo.items():
                columns[name] += [_cell(text, spellings) for text in texts]
    return Table(dialect, columns)


def find_dialect(sample: bytes) -> Dialect:
    """Find out the dialect of a file from its first bytes, which may end within a record.

    The delimiter is the one under which the most records have as many fields as the header, and
    more than one field if possible. The marks of the numbers are those that read the most cells.

    Raises:
        EmptyBody: There is no header.
    """
    rows = {mark: _rows(sample, mark) for mark in DELIMITERS}
    best = max(DELIMITERS, key=lambda mark: _evenness(rows[mark]))
    if not rows[best]:
        raise EmptyBody("a CSV file, its first line naming the columns")
    texts = (text for row in rows[best][1:] for text in row)
    return fit_notation(texts, Dialect(delimiter=best))


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
    text = text.strip()
    return None if text in BLANKS else spellings.setdefault(text, text)
