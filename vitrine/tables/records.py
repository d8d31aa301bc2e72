"""The bytes of a CSV body -> whole records, and records -> fields.

The grammar is RFC 4180's, with what files do beside it: a quote opens a field only as its first
character and means itself elsewhere, text may follow a closing quote, LF, CRLF and a lone CR all
end a record. Knows nothing of columns or values.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from vitrine.errors import EmptyBody, RowTooLarge

# The first block is small, so that the first answers leave early; in the later ones the fixed cost
# of a block is lost.
FIRST_BLOCK_BYTES = 2**15
BLOCK_BYTES = 2**18

# Finds what decoding with "surrogateescape" made of a byte that is not UTF-8.
NOT_UTF8 = re.compile("[\udc80-\udcff]")

BOM = b"\xef\xbb\xbf"
_BLANK_LINES = re.compile(rb"(?: *(?:\r\n|\r|\n))*+(?: *\Z)?")
_LINE_END = re.compile(r"\r\n|\r|\n")
_CR, _LF, _QUOTE = b'\r\n"'


class Stream(Protocol):
    """Where a body comes from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one record.

    Attributes:
        texts: Without the quotes around them.
        unclosed: Newlines of the record before the quote that opens the last field and is never
            closed; None where there is no such quote.
    """

    texts: list[str]
    unclosed: int | None = None


@dataclass(frozen=True, slots=True)
class _Grammar:
    record: re.Pattern[str]
    record_bytes: re.Pattern[bytes]
    field: re.Pattern[str]


@lru_cache(maxsize=32)
def _grammar(delimiter: str) -> _Grammar:
    mark = re.escape(delimiter)
    quoted = r'"(?:[^"]++|"")*+'
    field = rf'(?:{quoted}(?:"[^{mark}\r\n]*+|\Z)|(?!")[^{mark}\r\n]*+)'
    record = rf"{field}(?:{mark}{field})*+(\r\n|\r|\n|\Z)"
    parts = rf'(?:\A|{mark})(?:"((?:[^"]++|"")*+)("|\Z)([^{mark}]*+)|((?!")[^{mark}]*+))'
    return _Grammar(re.compile(record), re.compile(record.encode()), re.compile(parts))


def split_fields(record: str, delimiter: str) -> Fields:
    """Split one record, given without its line end."""
    if '"' not in record:
        return Fields(record.split(delimiter))
    texts: list[str] = []
    for match in _grammar(delimiter).field.finditer(record):
        quoted, closing, rest, plain = match.groups()
        texts.append(plain if quoted is None else quoted.replace('""', '"') + rest)
        if closing == "":
            return Fields(texts, _count_line_ends(record[: match.start()]))
    return Fields(texts)


def split_records(text: str, delimiter: str) -> Iterator[tuple[int, str]]:
    """Split text into its records, blank lines too, each with the number of lines before it."""
    if '"' not in text:
        yield from enumerate(_LINE_END.split(text))
        return
    line = 0
    for match in _grammar(delimiter).record.finditer(text):
        yield line, text[match.start() : match.start(1)]
        line += _count_line_ends(match[0])


def last_record_end(buffer: bytes, delimiter: str) -> int:
    """Find where the last whole record of a buffer ends, more bytes to come; 0 if none does."""
    # A CR in the last place may be half of a CRLF.
    limit = len(buffer) - buffer.endswith(b"\r")
    if b'"' not in buffer:
        return max(buffer.rfind(b"\n"), buffer.rfind(b"\r", 0, limit)) + 1
    octets = np.frombuffer(buffer, np.uint8)
    quotes = np.flatnonzero(octets == _QUOTE)
    before = octets[quotes[::2] - 1]
    if quotes[0] == 0:
        before[0] = _LF
    # Where every other quote stands at the start of a field or behind the quote that it doubles,
    # counting quotes tells inside from outside. A stray quote needs reading from the front.
    if not np.isin(before, (ord(delimiter), _LF, _CR, _QUOTE)).all():
        return _last_record_end_by_reading(buffer, delimiter)
    ends = np.flatnonzero((octets[:limit] == _LF) | (octets[:limit] == _CR))
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(outside[-1]) + 1 if outside.size else 0


def is_closed(body: bytes, delimiter: str) -> bool:
    """Tell whether every quote that opens a field in whole records has its closing one."""
    return b'"' not in body or last_record_end(body + b"\n", delimiter) > len(body)


def _last_record_end_by_reading(buffer: bytes, delimiter: str) -> int:
    end = 0
    for match in _grammar(delimiter).record_bytes.finditer(buffer):
        if match[1] and not (match[1] == b"\r" and match.end() == len(buffer)):
            end = match.end()
    return end


class RecordStream:
    """A body read once, in blocks of whole records, in memory that its length does not change.

    Attributes:
        line: The line, from 1, on which the block yielded last, or else the next record, starts.
        ended: Whether the body was read to its end; if so, the block yielded last is the last.
    """

    def __init__(self, stream: Stream, *, max_row_bytes: int, line: int = 1) -> None:
        self.line = line
        self._stream = stream
        self._max_row_bytes = max_row_bytes
        self._capacity = max_row_bytes + len("\r\n")
        self._buffer = b""
        self.ended = False

    def head(self, delimiters: Sequence[str]) -> dict[str, bytes]:
        """Return the first record that is not a blank line, as each of the delimiters cuts it.

        Raises:
            EmptyBody: There is none.
            RowTooLarge: It is longer than `max_row_bytes`.
        """
        self._fill(FIRST_BLOCK_BYTES)
        self._buffer = self._buffer.removeprefix(BOM)
        while (blank := _BLANK_LINES.match(self._buffer)) and blank[0]:
            self.skip(blank[0])
            self._fill(FIRST_BLOCK_BYTES)
        if not self._buffer:
            raise EmptyBody("a CSV file, its first line naming the columns")
        while not (found := self._first_records(delimiters)):
            self._grow(delimiters[0])
        return found

    def skip(self, record: bytes) -> None:
        """Leave behind what stands at the front."""
        self._buffer = self._buffer[len(record) :]
        self.line += _count_line_ends_in_bytes(record)

    def blocks(self, delimiter: str, *, largest: int = BLOCK_BYTES) -> Iterator[bytes]:
        """Yield the rest of the body, cut at ends of records.

        Args:
            delimiter: Between columns.
            largest: Bytes of a block, unless a single row has more.

        Raises:
            RowTooLarge: A record is longer than `max_row_bytes`; the blocks before it were whole.
        """
        size = min(FIRST_BLOCK_BYTES, largest)
        while True:
            self._fill(size)
            end = len(self._buffer) if self.ended else last_record_end(self._buffer, delimiter)
            if end:
                block = self._buffer[:end]
                yield block
                self.skip(block)
                size = min(4 * size, largest)
            elif self.ended:
                return
            else:
                self._grow(delimiter)

    def _first_records(self, delimiters: Sequence[str]) -> dict[str, bytes]:
        matches = {mark: _grammar(mark).record_bytes.match(self._buffer) for mark in delimiters}
        return {
            mark: match[0]
            for mark, match in matches.items()
            if match and (self.ended or (match[1] and match.end() < len(self._buffer)))
        }

    def _fill(self, size: int) -> None:
        """Read until the buffer has `size` bytes, at most its capacity, or the body has ended."""
        pieces = [self._buffer]
        missing = min(size, self._capacity) - len(self._buffer)
        while missing > 0 and not self.ended:
            piece = self._stream.read(missing)
            self.ended = not piece
            pieces.append(piece)
            missing -= len(piece)
        self._buffer = b"".join(pieces)

    def _grow(self, delimiter: str) -> None:
        """Read on in a record that the buffer does not hold to its end."""
        if len(self._buffer) >= self._capacity:
            raise RowTooLarge(self.line, self._max_row_bytes, self._unclosed_quote(delimiter))
        self._fill(2 * len(self._buffer))

    def _unclosed_quote(self, delimiter: str) -> int | None:
        fields = split_fields(self._buffer.decode("latin-1"), delimiter)
        return None if fields.unclosed is None else self.line + fields.unclosed


def is_utf8(body: bytes) -> bool:
    """Tell whether bytes are UTF-8; quickly where they are ASCII."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _count_line_ends(text: str) -> int:
    return len(_LINE_END.findall(text))


def _count_line_ends_in_bytes(record: bytes) -> int:
    return record.count(b"\n") + record.count(b"\r") - record.count(b"\r\n")
