"""The header of a CSV file, its first line -> the delimiter and the names of the columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters, digits

from vitrine.errors import MAX_FAULTS, Fault, InvalidInstances, InvalidParameter, nearest, shown
from vitrine.signature import Dialect
from vitrine.tables.numbers import parse_numbers
from vitrine.tables.records import NOT_UTF8, Fields, RecordStream, split_fields

DELIMITERS = (",", ";", "\t", "|")
# More than a spreadsheet holds (16 384). The limit bounds the time and memory of a header.
MAX_COLUMNS = 20_000
# Comparing names, to ask "Did you mean ...?", is slow.
MAX_COMPARED = 200

_DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_NOT_DELIMITERS = frozenset(f'{ascii_letters}{digits}"+-._ \r\n')
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a CSV file.

    Attributes:
        delimiter: Mark between columns.
        names: Names of the columns in order, without the spaces around them. A column without a
            name is called by its position, such as "column 1".
    """

    delimiter: str
    names: tuple[str, ...]


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


def read_header(
    records: RecordStream, required: Sequence[str], delimiters: Sequence[str]
) -> Header:
    """Read the first line, with the delimiter under which it names the most required columns.

    Args:
        records: The body from its start; afterwards, from behind the header.
        required: Names of the columns that must be there.
        delimiters: Delimiters to choose from; of equally good ones, the first is taken.

    Raises:
        EmptyBody: All lines are blank.
        InvalidInstances: Columns are missing or come twice, or the line cannot be read.
        RowTooLarge: The line is too long.
    """
    # 1. Cut the first record out, and count its columns before they take memory.
    heads = records.head(delimiters)
    line = records.line
    _check_column_count(heads, line)
    # 2. Split it at each delimiter, and choose the best.
    fields = {mark: _split(head, mark) for mark, head in heads.items()}
    names = {mark: _names(each) for mark, each in fields.items()}
    best = max(heads, key=lambda mark: (len(set(required) & set(names[mark])), len(names[mark])))
    # 3. List everything that is wrong with it.
    faults = _unreadable(heads[best], fields[best], line) or [
        *_repeated(names[best], line),
        *_not_a_header(names[best], required, line),
        *_missing(names[best], required, line),
    ]
    if faults:
        raise InvalidInstances(faults)
    records.skip(heads[best])
    return Header(best, names[best])


def _check_column_count(heads: Mapping[str, bytes], line: int) -> None:
    columns = 1 + max(head.count(mark.encode()) for mark, head in heads.items())
    if columns > MAX_COLUMNS:
        rule = f"may name at most {MAX_COLUMNS} columns. Received: {columns}."
        raise InvalidInstances([Fault(detail=f"Line {line}: {rule}", line=line)])


def _split(head: bytes, delimiter: str) -> Fields:
    text = head.decode("utf-8", "surrogateescape")
    return split_fields(text.removesuffix("\n").removesuffix("\r"), delimiter)


def _names(fields: Fields) -> tuple[str, ...]:
    return tuple(
        text.strip() or f"column {number}" for number, text in enumerate(fields.texts, start=1)
    )


def _unreadable(head: bytes, fields: Fields, line: int) -> list[Fault]:
    faults: list[Fault] = []
    if NOT_UTF8.search("".join(fields.texts)):
        received = "UTF-16" if head.startswith(_UTF16_MARKS) else "bytes of another encoding"
        faults.append(Fault(detail=f"Line {line}: must be UTF-8. Received: {received}.", line=line))
    if fields.unclosed_quote is not None:
        opened = line + fields.unclosed_quote
        faults.append(
            Fault(detail=f"Line {opened}: must close the quote that opens here.", line=opened)
        )
    return faults


def _repeated(names: Sequence[str], line: int) -> list[Fault]:
    return [
        Fault(
            detail=f"Line {line}, column {shown(name)}: must come once. Received: {count} times.",
            line=line,
            column=name,
        )
        for name, count in Counter(names).items()
        if count > 1
    ]


def _not_a_header(names: Sequence[str], required: Sequence[str], line: int) -> list[Fault]:
    """Say first that the header is missing, before every column is listed as missing."""
    if not required or set(required) & set(names) or not _has_number(names):
        return []
    rule = f"must name the columns. Received: {shown(','.join(names[:MAX_COMPARED]))}."
    return [Fault(detail=f"Line {line}: {rule}", line=line)]


def _has_number(names: Sequence[str]) -> bool:
    return len(parse_numbers(names, Dialect()).faults) < len(names)


def _missing(names: Sequence[str], required: Sequence[str], line: int) -> list[Fault]:
    missing = [name for name in required if name not in names]
    others = sorted(set(names) - set(required))[:MAX_COMPARED]
    hints = {name: nearest(name, others) for name in missing[:MAX_FAULTS]}
    return [
        Fault(
            detail=f"Line {line}: column {shown(name)} is missing.{hints.get(name, '')}",
            line=line,
            column=name,
        )
        for name in missing
    ]
