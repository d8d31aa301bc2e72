"""A CSV body -> blocks of instances.

Every block is read by `arrow` if that can be, else as text, which finds all faults and keeps the
good rows. Both ways give the same values.
"""

import re
from collections.abc import Iterator, Sequence
from io import BytesIO

from vitrine.errors import InvalidParameter, TooManyInstances
from vitrine.signature import ColumnSpec, Dialect, NumberInput
from vitrine.tables.arrow import ArrowReader
from vitrine.tables.blocks import Block, summarise
from vitrine.tables.cells import DECIMALS, THOUSANDS, fit_notation, parse
from vitrine.tables.header import DELIMITERS, parse_delimiter, read_header
from vitrine.tables.records import (
    BLOCK_BYTES,
    FIRST_BLOCK_BYTES,
    RecordStream,
    Stream,
    is_closed,
    is_utf8,
)
from vitrine.tables.text import TextRows

# Of one block with its echo; a bound on what many short rows under a wide header can cost.
MAX_FILLED_CELLS = 2**21


class CsvReader:
    """A CSV body, read as a stream of blocks in memory that its length does not change.

    The first line that is not blank names the columns, in any order. Spaces around names and cells
    do not count, quotes around a cell change nothing about its meaning, blank lines are skipped. A
    record of delimiters alone is a row like any other, all of it blank: every record is answered.

    What is not given is found. The delimiter is the one under which the header has the most of
    the model's columns. The decimal mark and the thousands are the training file's, unless the
    numbers of the first block can be read in one other way only; what that leaves open, such as
    "1,234", is read in the training file's way or is a fault.

    Attributes:
        names: The columns in the body's order. One without a name is called by its place, such
            as "column 1".
        ignored_columns: Those that the model does not have.
        dialect: How the body is written; what it says of numbers is settled by the first block.
    """

    def __init__(  # noqa: PLR0913 - one option for each thing that can be said about a CSV body
        self,
        stream: Stream,
        columns: Sequence[ColumnSpec],
        *,
        trained: Dialect,
        delimiter: str | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        max_row_bytes: int,
        max_rows: int,
        echo: bool = False,
    ) -> None:
        """Read the header.

        Args:
            stream: The body.
            columns: What the model needs.
            trained: How the training file was written.
            delimiter: One character of ASCII, or its name: tab, comma, semicolon, pipe.
            decimal: "." or ",".
            thousands: "" for none, ".", ",", "'", or " " for every kind of space.
            max_row_bytes: Longest row, the header included.
            max_rows: Most rows.
            echo: Whether blocks carry the text of all cells.

        Raises:
            EmptyBody: There is no header.
            InvalidInstances: Columns are missing or come twice, or the header is not UTF-8.
            InvalidParameter: `delimiter`, `decimal` or `thousands` cannot be what was given.
            RowTooLarge: The header is longer than `max_row_bytes`.
        """
        self._given = {
            "decimal": _parse_decimal(decimal),
            "thousands": _parse_thousands(thousands, decimal),
        }
        candidates = (trained.delimiter, *DELIMITERS) if delimiter is None else (delimiter,)
        self._records = RecordStream(stream, max_row_bytes=max_row_bytes)
        header = read_header(
            self._records,
            [spec.name for spec in columns],
            tuple(dict.fromkeys(map(parse_delimiter, candidates))),
        )
        self.names = header.names
        self.ignored_columns = header.without({spec.name for spec in columns})
        self._columns = {header.names.index(spec.name): spec for spec in columns}
        self._arrow = ArrowReader(
            self._columns,
            width=len(header.names),
            delimiter=header.delimiter,
            max_block_bytes=max(max_row_bytes, BLOCK_BYTES) + 2,
        )
        preferred = Dialect(
            delimiter=header.delimiter, decimal=trained.decimal, thousands=trained.thousands
        )
        self.dialect = fit_notation((), preferred, **self._given)
        self._settled = False
        self._max_rows = max_rows
        self._echo = echo
        self._piece_bytes = FIRST_BLOCK_BYTES
        if echo:  # a row that lacks its fields takes two bytes, and is filled up
            self._piece_bytes = min(FIRST_BLOCK_BYTES, 2 * MAX_FILLED_CELLS // len(self.names))

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, each of one row at least.

        Raises:
            RowTooLarge: A row is longer than `max_row_bytes`.
            TooManyInstances: There are more than `max_rows` rows.
        """
        rows = 0
        for block in self._blocks():
            rows += block.rows
            if rows > self._max_rows:
                raise TooManyInstances("rows", self._max_rows)
            if block.rows:
                self._settled = True
                yield block

    def _blocks(self) -> Iterator[Block]:
        for body in self._records.blocks(self.dialect.delimiter):
            block = self._read_fast(body, last=self._records.ended)
            if block:
                yield block
            else:
                yield from self._read_in_pieces(body)

    def _read_in_pieces(self, body: bytes) -> Iterator[Block]:
        """Read as text as little as can be: it is slow, and takes memory for each fault."""
        pieces = RecordStream(BytesIO(body), max_row_bytes=len(body), line=self._records.line)
        for piece in pieces.blocks(self.dialect.delimiter, largest=self._piece_bytes):
            is_part = len(piece) < len(body)
            block = self._read_fast(piece, last=pieces.ended) if is_part else None
            yield block or self._read_text(piece, pieces.line)

    def _read_fast(self, body: bytes, *, last: bool) -> Block | None:
        if not is_utf8(body) or (last and not is_closed(body, self.dialect.delimiter)):
            return None
        instances = self._arrow.instances(body, self.dialect) if self._columns else {}
        texts = self._arrow.texts(body) if self._echo else []
        if instances is None or texts is None:
            return None
        return Block(
            instances=instances,
            rows=len(texts[0]) if texts else len(next(iter(instances.values()))),
            echo=dict(zip(self.names, texts, strict=False)),
            ignored_columns=self.ignored_columns,
        )

    def _read_text(self, body: bytes, line: int) -> Block:
        rows = TextRows(body, self.names, delimiter=self.dialect.delimiter, line=line)
        if not self._settled:
            texts = self._number_texts(rows)
            self.dialect = fit_notation(texts, self.dialect, **self._given)
        values = {}
        for place, spec in self._columns.items():
            parsed = parse(spec, rows.column(place), self.dialect)
            rows.find(place, parsed.faults)
            values[spec.name] = parsed.values
        good = rows.good()
        faults, fault_count, errors = summarise(rows.findings, rows.locate)
        return Block(
            instances={name: column[good] for name, column in values.items()},
            rows=len(rows),
            faults=faults,
            fault_count=fault_count,
            errors=errors,
            echo=rows.echo() if self._echo else {},
            ignored_columns=self.ignored_columns,
        )

    def _number_texts(self, rows: TextRows) -> list[str]:
        places = [place for place, spec in self._columns.items() if isinstance(spec, NumberInput)]
        return [text for place in places for text in rows.column(place)]


def _parse_decimal(text: str | None) -> str | None:
    if text not in (None, *DECIMALS):
        raise InvalidParameter("decimal", str(text), 'must be "." or ","')
    return text


def _parse_thousands(text: str | None, decimal: str | None) -> str | None:
    thousands = next(
        (mark for mark in THOUSANDS if text and re.fullmatch(THOUSANDS[mark], text)), text
    )
    if thousands not in (None, *THOUSANDS):
        raise InvalidParameter("thousands", str(text), "must be one of . , ' a space, or nothing")
    if thousands and thousands == decimal:
        raise InvalidParameter("thousands", thousands, "must differ from decimal")
    return thousands
