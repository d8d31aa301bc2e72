"""The bytes of a CSV body -> whole records, and records -> fields.

The grammar is RFC 4180's, and what files do beside it: a quote opens a field only as the first
character of the field and is an ordinary character elsewhere, text may follow a closing quote, and
LF, CRLF and a lone CR all end a record. Nothing here knows columns or values.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache
from itertools import islice

import numpy as np

from vitrine.errors import EmptyBody, RowTooLarge
from vitrine.tables.formats import OTHER_FORMATS, refusal
from vitrine.tables.streams import UTF16_MARK, ByteStream, Utf16Stream, has_arrived

# The first block is small, so that the first predictions leave early. Later ones are large, so that
# the fixed cost of a block does not count.
FIRST_BLOCK_BYTES = 2**15
BLOCK_BYTES = 2**18

# Matches what decoding with "surrogateescape" made of a byte that is not UTF-8.
NOT_UTF8 = re.compile("[\udc80-\udcff]")

_BLANK_LINES = re.compile(rb"(?: *(?:\r\n|\r|\n))*+(?: *\Z)?")
_LINE_END = re.compile(r"\r\n|\r|\n")
_CR, _LF, _QUOTE = b'\r\n"'


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one record.

    Attributes:
        texts: Texts of the fields, without the quotes around them.
        unclosed_quote: Number of line ends before the quote that is not closed where it should be:
            either never, or on another line and before more text, so that it probably closes no
            field, but opens one; None where every quote is closed.
    """

    texts: list[str]
    unclosed_quote: int | None = None


@dataclass(frozen=True, slots=True)
class RecordBlock:
    """Consecutive records of a body, each of them whole.

    Attributes:
        body: Bytes of the records, with their line ends.
        line: Line of the body, from 1, on which the first record starts.
        is_regular: Whether every quote that opens a field is closed.
    """

    body: bytes
    line: int
    is_regular: bool


@dataclass(frozen=True, slots=True)
class _Grammar:
    record: re.Pattern[str]
    record_bytes: re.Pattern[bytes]
    field: re.Pattern[str]


@lru_cache(maxsize=32)
def _grammar(delimiter: str) -> _Grammar:
    mark = re.escape(delimiter)
    quoted = r'"(?:[^"]++|"")*+'
    cell = rf'(?:{quoted}(?:"[^{mark}\r\n]*+|\Z)|(?!")[^{mark}\r\n]*+)'
    record = rf"{cell}(?:{mark}{cell})*+(\r\n|\r|\n|\Z)"
    parts = rf'(?:\A|{mark})(?:"((?:[^"]++|"")*+)("|\Z)([^{mark}]*+)|((?!")[^{mark}]*+))'
    return _Grammar(re.compile(record), re.compile(record.encode()), re.compile(parts))


def printable(text: str) -> str:
    """Replace bytes that are not UTF-8 by the replacement character."""
    return text if text.isascii() else NOT_UTF8.sub("\ufffd", text)


def split_fields(record: str, delimiter: str) -> Fields:
    """Split one record, given without its line end."""
    if '"' not in record:
        return Fields(record.split(delimiter))
    texts: list[str] = []
    unclosed = None
    for match in _grammar(delimiter).field.finditer(record):
        quoted, closing, rest, plain = match.groups()
        texts.append(plain if quoted is None else quoted.replace('""', '"') + rest)
        if quoted is None or unclosed is not None:
            continue
        if closing == "" or (rest.strip() and _LINE_END.search(quoted)):
            unclosed = _count_line_ends(record[: match.start()])
    return Fields(texts, unclosed)


def split_records(text: str, delimiter: str) -> Iterator[tuple[int, str]]:
    """Split text into records, blank lines too.

    Yields:
        The number of lines before each record, and the record without its line end.
    """
    if '"' not in text:
        yield from enumerate(_LINE_END.split(text))
        return
    line = 0
    for match in _grammar(delimiter).record.finditer(text):
        yield line, text[match.start() : match.start(1)]
        line += _count_line_ends(match[0])


@dataclass(slots=True)
class RecordStream:
    """A body that is read once, in blocks of whole records.

    The memory that it takes does not grow with the body.

    Attributes:
        stream: Body to read.
        max_row_bytes: Most bytes that a record may have without its line end.
        line: Line of the body, from 1, on which the next record starts.
        position: Number of bytes before that record; of a body in UTF-16, as UTF-8.
        block_bytes: Size of the next block.
    """

    stream: ByteStream
    _: KW_ONLY
    max_row_bytes: int
    line: int = 1
    position: int = field(default=0, init=False)
    block_bytes: int = FIRST_BLOCK_BYTES
    _buffer: bytes = field(default=b"", init=False, repr=False)
    _has_begun: bool = field(default=False, init=False)
    _has_ended: bool = field(default=False, init=False)

    @property
    def _capacity(self) -> int:
        return self.max_row_bytes + len("\r\n")

    def start(self, size: int = FIRST_BLOCK_BYTES) -> bytes:
        """Return what comes next, without going on.

        A body in UTF-16 is read as UTF-8 from here on, and a byte order mark is left out.

        Args:
            size: Number of bytes to wait for, unless the body ends before.

        Raises:
            MalformedBody: The body is no CSV.
        """
        self._fill(size)
        if not self._has_begun:
            self._has_begun = True
            if UTF16_MARK.match(self._buffer):
                self.stream = Utf16Stream(self._buffer, self.stream)
                self._buffer, self._has_ended = b"", False
                self._fill(size)
            if self._buffer.startswith(BOM_UTF8):
                self._buffer = self._buffer[len(BOM_UTF8) :]
                self.position = len(BOM_UTF8)
            if found := OTHER_FORMATS.match(self._buffer):
                raise refusal(found)
        return self._buffer

    @property
    def is_recoded(self) -> bool:
        """Whether the body, which has begun, is in UTF-16."""
        return isinstance(self.stream, Utf16Stream)

    def head(self, delimiters: Sequence[str]) -> dict[str, bytes]:
        """Return the first record that is not a blank line, as each of the delimiters cuts it.

        Raises:
            MalformedBody: The body is no CSV.
            EmptyBody: All lines are blank.
            RowTooLarge: The record is longer than `max_row_bytes`.
        """
        self.start()
        while (blank := _BLANK_LINES.match(self._buffer)) and blank[0]:
            self.skip(blank[0])
            self._fill(FIRST_BLOCK_BYTES)
        if not self._buffer:
            raise EmptyBody("a CSV file, its first line naming the columns")
        while not (heads := self._first_records(delimiters)):
            self._grow(delimiters[0])
        return heads

    def upcoming(self, delimiter: str, *, most: int) -> list[bytes]:
        """Return the first whole records of what was read, blank lines too, without going on."""
        start = self._buffer[:FIRST_BLOCK_BYTES]
        is_all = self._has_ended and len(start) == len(self._buffer)
        matches = islice(_grammar(delimiter).record_bytes.finditer(start), most)
        return [match[0] for match in matches if is_all or (match[1] and match.end() < len(start))]

    def skip(self, record: bytes) -> None:
        """Go on behind the bytes that come next."""
        self._buffer = self._buffer[len(record) :]
        self.position += len(record)
        # NumPy counts frequent bytes far faster than `bytes` does.
        self.line += int(np.count_nonzero(np.frombuffer(record, np.uint8) == _LF))
        if b"\r" in record:
            self.line += record.count(b"\r") - record.count(b"\r\n")

    def blocks(self, delimiter: str, *, largest: int = BLOCK_BYTES) -> Iterator[RecordBlock]:
        """Yield the rest of the body, cut at ends of records.

        Args:
            delimiter: Mark between columns.
            largest: Most bytes of a block, unless a single record has more.

        Raises:
            RowTooLarge: A record is longer than `max_row_bytes`. The records before it were
                yielded.
        """
        self.block_bytes = min(self.block_bytes, largest)
        while True:
            self._fill(self.block_bytes)
            end = self._block_end(delimiter)
            if end:
                block = self._cut(end, delimiter)
                self.block_bytes = min(4 * self.block_bytes, largest)
                yield block
            elif self._has_ended:
                return
            else:
                self._grow(delimiter)

    def is_ready(self) -> bool:
        """Tell whether the next block can be read without waiting for its bytes."""
        return self._has_ended or has_arrived(self.stream, self._missing(self.block_bytes))

    def _block_end(self, delimiter: str) -> int:
        """Return how much of the buffer makes a block; 0 where no record ends in it."""
        size = self.block_bytes
        if len(self._buffer) > size and (end := _last_record_end(self._buffer[:size], delimiter)):
            return end
        return len(self._buffer) if self._has_ended else _last_record_end(self._buffer, delimiter)

    def _cut(self, end: int, delimiter: str) -> RecordBlock:
        body, line = self._buffer[:end], self.line
        self.skip(body)
        # Only the last block may end within quotes.
        is_closed = not self._has_ended or _is_closed(body, delimiter)
        return RecordBlock(body, line, is_regular=is_closed)

    def _first_records(self, delimiters: Sequence[str]) -> dict[str, bytes]:
        matches = {mark: _grammar(mark).record_bytes.match(self._buffer) for mark in delimiters}
        return {
            mark: match[0]
            for mark, match in matches.items()
            if match and (self._has_ended or (match[1] and match.end() < len(self._buffer)))
        }

    def _fill(self, size: int) -> None:
        """Read until the buffer has `size` bytes, at most its capacity, or the body has ended."""
        pieces = [self._buffer]
        missing = self._missing(size)
        while missing > 0 and not self._has_ended:
            piece = self.stream.read(missing)
            self._has_ended = not piece
            pieces.append(piece)
            missing -= len(piece)
        self._buffer = b"".join(pieces)

    def _missing(self, size: int) -> int:
        return min(size, self._capacity) - len(self._buffer)

    def _grow(self, delimiter: str) -> None:
        """Read on in a record whose end the buffer does not hold."""
        if len(self._buffer) >= self._capacity:
            raise RowTooLarge(self.line, self.max_row_bytes, self._unclosed_quote_line(delimiter))
        self._fill(2 * len(self._buffer))

    def _unclosed_quote_line(self, delimiter: str) -> int | None:
        fields = split_fields(self._buffer.decode("latin-1"), delimiter)
        return None if fields.unclosed_quote is None else self.line + fields.unclosed_quote


def _last_record_end(buffer: bytes, delimiter: str) -> int:
    """Return the end of the last whole record in a buffer, more bytes to come; 0 if none ends."""
    # A CR in the last position may be half of a CRLF.
    limit = len(buffer) - buffer.endswith(b"\r")
    if b'"' not in buffer:
        return max(buffer.rfind(b"\n"), buffer.rfind(b"\r", 0, limit)) + 1
    # 1. Find the byte before every other quote, the ones that open a field if all is regular.
    octets = np.frombuffer(buffer, np.uint8)
    quotes = np.flatnonzero(octets == _QUOTE)
    before = octets[quotes[::2] - 1]
    if quotes[0] == 0:
        before[0] = _LF
    # 2. Where each of them stands at the start of a field, or behind the quote that it doubles,
    #    counting quotes tells inside from outside. A stray quote needs reading from the front.
    if not np.isin(before, (ord(delimiter), _LF, _CR, _QUOTE)).all():
        return _last_record_end_by_reading(buffer, delimiter)
    # 3. The last record ends at the last line end with an even number of quotes before it.
    ends = np.flatnonzero((octets[:limit] == _LF) | (octets[:limit] == _CR))
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(outside[-1]) + 1 if outside.size else 0


def _last_record_end_by_reading(buffer: bytes, delimiter: str) -> int:
    end = 0
    for match in _grammar(delimiter).record_bytes.finditer(buffer):
        if match[1] and not (match[1] == b"\r" and match.end() == len(buffer)):
            end = match.end()
    return end


def _is_closed(body: bytes, delimiter: str) -> bool:
    """Tell whether every quote that opens a field in whole records is closed."""
    return b'"' not in body or _last_record_end(body + b"\n", delimiter) > len(body)


def _count_line_ends(text: str) -> int:
    return len(_LINE_END.findall(text))
