"""A CSV body -> blocks of instances.

Every block is read by `arrow` if it can be, else by `text`, which finds all faults and keeps the
rows without one. Both ways give the same values.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from io import BytesIO

from msgspec.structs import replace

from vitrine.errors import TooManyInstances
from vitrine.signature import ColumnSpec, Dialect, NumberInput
from vitrine.tables.arrow import ArrowReader
from vitrine.tables.blocks import Block, summarise_faults
from vitrine.tables.cells import parse
from vitrine.tables.header import DELIMITERS, imply_header, parse_delimiter, read_header
from vitrine.tables.notation import fit_notation, parse_decimal, parse_thousands
from vitrine.tables.records import (
    BLOCK_BYTES,
    FIRST_BLOCK_BYTES,
    RecordBlock,
    RecordStream,
)
from vitrine.tables.spelling import nfc
from vitrine.tables.streams import ByteStream
from vitrine.tables.text import TextRows

# Most cells of one block with its echo. The limit bounds the memory of many short rows under a wide
# header.
MAX_FILLED_CELLS = 2**21


class CsvReader:
    """A CSV body that is read block by block, in memory that does not grow with the body.

    The first line that is not blank names the columns, in any order; titles and comments may stand
    above it, and so may a line such as "sep=;". Spaces around names and cells
    do not count, quotes around a cell change nothing about its meaning, and blank lines are
    skipped. A record of delimiters alone is a row like any other, with blank cells: every record is
    answered.

    What the caller does not give is found out. The delimiter is the one under which the header has
    the most of the model's columns. The decimal mark and the thousands mark are those of the
    training file, unless the numbers of the first block can be read in exactly one other way. A
    number that leaves the marks open, such as "1,234", is read as in the training file, or is a
    fault.

    Args:
        stream: Body to read.
        columns: Columns that the model needs.
        training_dialect: Dialect of the file that the model was trained on.
        delimiter: One character of ASCII, or its name: tab, comma, semicolon or pipe.
        decimal: Decimal mark, "." or ",".
        thousands: Thousands mark: "" for none, ".", ",", "'", or " " for every kind of space.
        max_row_bytes: Most bytes of a row, the header included.
        max_rows: Most rows of the body.
        echo: Whether blocks carry the text of all cells.
        may_lack_header: Whether the first line may be a row: where it names none of the columns,
            and has as many fields as there are.
        landmarks: Names that show which line is the header, where the model has no columns.
        ignored: Names of the columns that may hold anything; None for all that the model does not
            have.
        first_line: Line of the file on which the body starts, where it is a part of one.
        first_block_bytes: Size of the first block; of a part, that which it has in the file.

    Attributes:
        names: Names of the columns in the body's order, as `Header` has them.
        ignored_columns: Names of those columns that may hold anything.
        has_header: Whether there is a line that names the columns.
        header_line: Line of the header, from 1.
        dialect: Dialect of the body. The first block settles the marks of its numbers.
        schema: None: all cells are texts.

    Raises:
        EmptyBody: There is no header.
        InvalidInstances: Columns are missing or come twice, or the header is not UTF-8.
        MalformedBody: The body is no CSV.
        InvalidParameter: `delimiter`, `decimal` or `thousands` has a value that is not allowed.
        RowTooLarge: The header is longer than `max_row_bytes`.
    """

    schema: None = None

    def __init__(  # noqa: PLR0913 - one option for each thing that can be said about a CSV body
        self,
        stream: ByteStream,
        columns: Sequence[ColumnSpec],
        *,
        training_dialect: Dialect,
        delimiter: str | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        max_row_bytes: int,
        max_rows: int,
        echo: bool = False,
        may_lack_header: bool = False,
        landmarks: Sequence[str] = (),
        ignored: Collection[str] | None = None,
        first_line: int = 1,
        first_block_bytes: int = FIRST_BLOCK_BYTES,
    ) -> None:
        self._marks = {
            "decimal": parse_decimal(decimal),
            "thousands": parse_thousands(thousands, decimal),
        }
        self._records = RecordStream(
            stream, max_row_bytes=max_row_bytes, line=first_line, block_bytes=first_block_bytes
        )
        delimiters = _candidate_delimiters(delimiter, training_dialect)
        names = [nfc(spec.name) for spec in columns]
        implied = imply_header(self._records, names, delimiters) if may_lack_header else None
        header = implied or read_header(
            self._records, names, delimiters, landmarks=landmarks, ignored=ignored
        )
        self.has_header = not header.is_implied
        self.names, self.ignored_columns = header.names, header.ignored
        self.header_line = header.line
        self._checked = [i for i, name in enumerate(self.names) if name not in {*header.ignored}]
        self._columns = dict(zip(map(self.names.index, names), columns, strict=True))
        self._arrow = ArrowReader(
            self._columns,
            width=len(header.names),
            delimiter=header.delimiter,
            max_block_bytes=max(max_row_bytes, BLOCK_BYTES) + 2,
        )
        preferred = replace(training_dialect, delimiter=header.delimiter)
        self.dialect = fit_notation((), preferred, **self._marks)
        self._is_settled = False
        self._max_rows, self._echo = max_rows, echo
        self._piece_bytes = _first_piece_bytes(len(self.names), echo=echo)

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, each of at least one row.

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
                self._is_settled = True
                yield block

    def is_ready(self) -> bool:
        """Tell whether the next block can be read without waiting for its bytes."""
        return self._records.is_ready()

    def _blocks(self) -> Iterator[Block]:
        for records in self._records.blocks(self.dialect.delimiter):
            block = self._read_fast(records)
            if block:
                yield block
            else:
                yield from self._read_in_pieces(records)

    def _read_in_pieces(self, records: RecordBlock) -> Iterator[Block]:
        """Read as little as possible as text, which is slow and takes memory for each fault."""
        body = records.body
        stream = RecordStream(BytesIO(body), max_row_bytes=len(body), line=records.line)
        for piece in stream.blocks(self.dialect.delimiter, largest=self._piece_bytes):
            is_part = len(piece.body) < len(body)
            block = self._read_fast(piece) if is_part else None
            yield block or self._read_text(piece)

    def _read_fast(self, records: RecordBlock) -> Block | None:
        if not records.is_regular:
            return None
        instances = self._arrow.instances(records.body, self.dialect) if self._columns else {}
        texts = self._arrow.texts(records.body) if self._echo else []
        if instances is None or texts is None:
            return None
        return Block(
            instances=instances,
            rows=len(texts[0]) if texts else len(next(iter(instances.values()))),
            echo=dict(zip(self.names, texts, strict=False)),
            ignored_columns=self.ignored_columns,
            line_of=partial(self._line_of, records),
        )

    def _line_of(self, records: RecordBlock, row: int) -> int:
        """Return the line of a row that was read fast, which few ask for."""
        return self._rows(records).line_of(row)

    def _read_text(self, records: RecordBlock) -> Block:
        # 1. Split the records into rows of text.
        rows = self._rows(records)
        # 2. The numbers of the first block settle the dialect.
        if not self._is_settled:
            texts = self._number_texts(rows)
            self.dialect = fit_notation(texts, self.dialect, **self._marks)
        # 3. Parse each column of the model.
        values = {}
        for index, spec in self._columns.items():
            parsed = parse(spec, rows.column(index), self.dialect)
            rows.add_faults(index, parsed.faults)
            values[spec.name] = parsed.values
        # 4. Keep the rows without a fault, and say what is wrong with the others.
        is_good = rows.is_good()
        faults, fault_count, errors = summarise_faults(rows.faults, rows.locate)
        return Block(
            instances={name: column[is_good] for name, column in values.items()},
            rows=len(rows),
            faults=faults,
            fault_count=fault_count,
            errors=errors,
            echo=rows.echo() if self._echo else {},
            ignored_columns=self.ignored_columns,
            line_of=rows.line_of,
        )

    def _rows(self, records: RecordBlock) -> TextRows:
        return TextRows(
            records, self.names, delimiter=self.dialect.delimiter, checked=self._checked
        )

    def _number_texts(self, rows: TextRows) -> list[str]:
        numbers = [index for index, spec in self._columns.items() if isinstance(spec, NumberInput)]
        return [text for index in numbers for text in rows.column(index)]


def _candidate_delimiters(given: str | None, training: Dialect) -> tuple[str, ...]:
    candidates = (training.delimiter, *DELIMITERS) if given is None else (given,)
    return tuple(dict.fromkeys(map(parse_delimiter, candidates)))


def _first_piece_bytes(columns: int, *, echo: bool) -> int:
    # With an echo, a row that lacks its fields takes two bytes, and is filled up.
    return min(FIRST_BLOCK_BYTES, 2 * MAX_FILLED_CELLS // columns) if echo else FIRST_BLOCK_BYTES
