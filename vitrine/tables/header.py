"""The header of a CSV file, the line that names the columns -> their delimiter and their names."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from string import ascii_letters, digits

from vitrine.errors import Fault, InvalidInstances, InvalidParameter
from vitrine.tables.header_faults import HeaderLine, column_names, find_faults
from vitrine.tables.records import RecordStream, split_fields

DELIMITERS = (",", ";", "\t", "|")
# More than a spreadsheet holds (16 384). The limit bounds the time and memory of a header.
MAX_COLUMNS = 20_000
# Titles and comments above the header are at most so many records.
MAX_ABOVE = 50

_DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_NOT_DELIMITERS = frozenset(f'{ascii_letters}{digits}"+-._ \r\n')
# The line that tells Excel the delimiter. Some programs fill it up to the width of the table.
SEPARATOR_LINE = re.compile(
    rb'\s*+"?sep=(\\t|[\t!#-*,/:;<=>?@\[\]^`{|}~])"?\1*+ *+(?=[\r\n]|\Z)', re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a CSV file.

    Attributes:
        delimiter: Mark between columns.
        names: Names of the columns in order, without the spaces around them. A column without a
            name is called by its position, such as "column 1". Columns with one name are numbered
            from the second on, as in "note", "note.1".
        ignored: The names of those columns that may hold anything.
        line: Line of the file, from 1.
        record: Bytes of the line, with its end.
        is_implied: Whether the file has no such line, and begins with its first row.
    """

    delimiter: str
    names: tuple[str, ...]
    ignored: tuple[str, ...]
    line: int
    record: bytes = b""
    is_implied: bool = False


def parse_delimiter(text: str) -> str:
    """Read a delimiter: one character of ASCII, or one of tab, comma, semicolon and pipe.

    Raises:
        InvalidParameter: The text is neither, or the character occurs in numbers, names or quotes.
    """
    delimiter = _DELIMITER_NAMES.get(text, text)
    readable = delimiter.isascii() and (delimiter.isprintable() or delimiter == "\t")
    if len(delimiter) != 1 or not readable or delimiter in _NOT_DELIMITERS:
        raise InvalidParameter("delimiter", text, "must be one of , ; | or tab")
    return delimiter


def named_delimiter(separator: re.Match[bytes]) -> str:
    """Return the delimiter that a match of `SEPARATOR_LINE` names."""
    return parse_delimiter(separator[1].decode())


def read_header(
    records: RecordStream,
    required: Sequence[str],
    delimiters: Sequence[str],
    *,
    landmarks: Sequence[str] = (),
    ignored: Collection[str] | None = None,
) -> Header:
    """Read the line that names the columns, with the delimiter under which it names the most.

    It is the first line that is not blank. Where that line lacks a column and a line below it has
    more, titles or comments stand above the header, and are left out. So is a line such as "sep=;",
    which names the delimiter.

    Args:
        records: The body from its start; afterwards, from behind the header.
        required: Names of the columns that must be there.
        delimiters: Delimiters to choose from; of equally good ones, the first is taken.
        landmarks: Names that show the header, where no column is required.
        ignored: Names of the columns that may hold anything, and come twice; None for all that
            are not required.

    Raises:
        MalformedBody: The body is no CSV.
        EmptyBody: All lines are blank.
        InvalidInstances: Columns are missing or come twice, or the line cannot be read.
        RowTooLarge: The line is too long.
    """
    # 1. See whether the file names its delimiter.
    separator = SEPARATOR_LINE.match(records.start())
    if separator:
        records.skip(separator[0])
        delimiters = delimiters if len(delimiters) == 1 else (named_delimiter(separator),)
    # 2. Find the line, and go on to it.
    line = _find_line(records, required or landmarks, delimiters)
    # 3. List everything that is wrong with it.
    checked = {*required} if ignored is None else {*line.names} - {*ignored}
    faults = find_faults(line, required, checked)
    if faults:
        raise InvalidInstances(faults)
    records.skip(line.record)
    names = numbered(line.names)
    return Header(
        delimiter=line.delimiter,
        names=names,
        ignored=tuple(
            own for name, own in zip(line.names, names, strict=True) if name not in checked
        ),
        line=line.number,
        record=line.record,
    )


def imply_header(
    records: RecordStream, required: Sequence[str], delimiters: Sequence[str]
) -> Header | None:
    """Return what the header of a file would be that has none: the required columns, in order.

    Args:
        records: The body from its start, of which nothing is taken.
        required: Names of the columns that must be there.
        delimiters: Delimiters to choose from, the preferred one first.

    Returns:
        None where the first line that is not blank names one of the columns, or has not as many
        fields under any of the delimiters.

    Raises:
        MalformedBody: The body is no CSV.
        EmptyBody: All lines are blank.
        InvalidInstances: The line has too many fields.
        RowTooLarge: The line is too long.
    """
    lines = _first_lines(records, delimiters)
    if any(line.count(required) for line in lines):
        return None
    if len(required) == 1:
        # Nothing in such a row tells the delimiter: it is the first one, as under a header.
        lines = lines[:1]
    fitting = [line.delimiter for line in lines if len(line.names) == len(required)]
    if not fitting:
        return None
    # Where another delimiter fits as well, a comma is a decimal mark.
    delimiter = min(fitting, key=lambda mark: mark == ",")
    return Header(delimiter, tuple(required), ignored=(), line=records.line, is_implied=True)


def _find_line(
    records: RecordStream, sought: Sequence[str], delimiters: Sequence[str]
) -> HeaderLine:
    lines = _first_lines(records, delimiters)
    first = max(lines, key=lambda line: (line.count(sought), len(line.names)))
    if first.count(sought) == len(set(sought)):
        return first
    return _find_below(records, sought, delimiters, first) or first


def _first_lines(records: RecordStream, delimiters: Sequence[str]) -> list[HeaderLine]:
    """Split the first record that is no blank line at each delimiter, without going on."""
    heads = records.head(delimiters)
    for mark, head in heads.items():
        _check_width(head, mark, records.line)
    return [_split(head, mark, records.line) for mark, head in heads.items()]


def _check_width(record: bytes, delimiter: str, number: int) -> None:
    """Count the columns of a header, before they take memory."""
    columns = _width(record, delimiter)
    if columns > MAX_COLUMNS:
        rule = f"may name at most {MAX_COLUMNS} columns. Received: {columns}."
        raise InvalidInstances([Fault(detail=f"Line {number}: {rule}", line=number)])


def _width(record: bytes, delimiter: str) -> int:
    return 1 + record.count(delimiter.encode())


def _split(record: bytes, delimiter: str, number: int) -> HeaderLine:
    text = record.decode("utf-8", "surrogateescape")
    fields = split_fields(text.removesuffix("\n").removesuffix("\r"), delimiter)
    return HeaderLine(delimiter, record, fields, number, column_names(fields.texts))


def _find_below(
    records: RecordStream, sought: Sequence[str], delimiters: Sequence[str], first: HeaderLine
) -> HeaderLine | None:
    """Go on to the line below the first one that has more of the columns, if there is one.

    A line of data may have the name of a column as a text; the header has half of the names.
    """
    best, most, above = None, max(first.count(sought), (len(set(sought)) - 1) // 2), b""
    for mark in delimiters:
        passed = b""
        for record in records.upcoming(mark, most=MAX_ABOVE):
            line = _split(record, mark, 0) if _width(record, mark) <= MAX_COLUMNS else first
            if line.count(sought) > most:
                best, most, above = line, line.count(sought), passed
            passed += record
    records.skip(above)
    return best and replace(best, number=records.line)


def numbered(names: Sequence[str]) -> tuple[str, ...]:
    """Give every column a name of its own, as data frames do."""
    taken = set(names)
    if len(taken) == len(names):
        return tuple(names)
    given: dict[str, None] = {}
    for name in names:
        own, number = name, 0
        while own in given or (number and own in taken):
            number += 1
            own = f"{name}.{number}"
        given[own] = None
    return tuple(given)
