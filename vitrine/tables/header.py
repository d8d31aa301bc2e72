"""The first line of a CSV file -> its delimiter and its columns."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters, digits

from vitrine.errors import MAX_FAULTS, Fault, InvalidInstances, InvalidParameter, nearest, shown
from vitrine.signature import Dialect
from vitrine.tables.cells import parse_numbers
from vitrine.tables.records import NOT_UTF8, Fields, RecordStream, split_fields

DELIMITERS = (",", ";", "\t", "|")
# More than a spreadsheet holds (16 384); a bound on what a header can cost.
MAX_COLUMNS = 20_000
MAX_COMPARED = 200  # comparing names for "did you mean" is slow

_DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_NOT_DELIMITERS = frozenset(f'{ascii_letters}{digits}"+-._ \r\n')
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says.

    Attributes:
        delimiter: Between columns.
        names: The columns in order, without the spaces around their names. One that has no name
            is called by its place, such as "column 1".
    """

    delimiter: str
    names: tuple[str, ...]

    def without(self, known: Collection[str]) -> tuple[str, ...]:
        """Return the columns that are not known."""
        return tuple(name for name in self.names if name not in known)


def parse_delimiter(text: str) -> str:
    """Read a delimiter: one character of ASCII, or tab, comma, semicolon, pipe.

    Raises:
        InvalidParameter: It is neither, or a character that stands in numbers, names or quotes.
    """
    delimiter = _DELIMITER_NAMES.get(text, text)
    readable = delimiter.isascii() and (delimiter.isprintable() or delimiter == "\t")
    if len(delimiter) != 1 or not readable or delimiter in _NOT_DELIMITERS:
        raise InvalidParameter("delimiter", text, "must be one of , ; | or tab")
    return delimiter


def read_header(records: RecordStream, wanted: Sequence[str], delimiters: Sequence[str]) -> Header:
    """Read the first line, with the delimiter that brings out the most of the wanted columns.

    Args:
        records: At its start; left behind the header.
        wanted: The columns that must be there.
        delimiters: To choose from; of equal ones, the first.

    Raises:
        EmptyBody: There is no line.
        InvalidInstances: Columns are missing or come twice, or the line cannot be read.
        RowTooLarge: The line is too long.
    """
    heads = records.head(delimiters)
    line = records.line
    if crowd := _crowded(heads, line):
        raise InvalidInstances(crowd)
    fields = {mark: _split(head, mark) for mark, head in heads.items()}
    names = {mark: _names(found) for mark, found in fields.items()}
    best = max(heads, key=lambda mark: (len(set(wanted) & set(names[mark])), len(names[mark])))
    faults = _unreadable(heads[best], fields[best], line) or [
        *_repeated(names[best], line),
        *_not_a_header(names[best], wanted, line),
        *_missing(names[best], wanted, line),
    ]
    if faults:
        raise InvalidInstances(faults)
    records.skip(heads[best])
    return Header(best, names[best])


def _crowded(heads: Mapping[str, bytes], line: int) -> list[Fault]:
    """Count the columns before they take memory."""
    columns = 1 + max(head.count(mark.encode()) for mark, head in heads.items())
    rule = f"may name at most {MAX_COLUMNS} columns. Received: {columns}."
    return [Fault(detail=f"Line {line}: {rule}", line=line)] if columns > MAX_COLUMNS else []


def _split(head: bytes, delimiter: str) -> Fields:
    text = head.decode("utf-8", "surrogateescape")
    return split_fields(text.removesuffix("\n").removesuffix("\r"), delimiter)


def _names(fields: Fields) -> tuple[str, ...]:
    return tuple(
        text.strip() or f"column {place}" for place, text in enumerate(fields.texts, start=1)
    )


def _unreadable(head: bytes, fields: Fields, line: int) -> list[Fault]:
    faults = []
    if NOT_UTF8.search("".join(fields.texts)):
        received = "UTF-16" if head.startswith(_UTF16_MARKS) else "bytes of another encoding"
        faults.append(Fault(detail=f"Line {line}: must be UTF-8. Received: {received}.", line=line))
    if fields.unclosed is not None:
        opened = line + fields.unclosed
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


def _not_a_header(names: Sequence[str], wanted: Sequence[str], line: int) -> list[Fault]:
    """Tell who forgot the header, before listing everything as missing."""
    numbers = parse_numbers(names, Dialect())
    if not wanted or set(wanted) & set(names) or len(numbers.faults) == len(names):
        return []
    rule = f"must name the columns. Received: {shown(','.join(names[:MAX_COMPARED]))}."
    return [Fault(detail=f"Line {line}: {rule}", line=line)]


def _missing(names: Sequence[str], wanted: Sequence[str], line: int) -> list[Fault]:
    missing = [name for name in wanted if name not in names]
    others = sorted(set(names) - set(wanted))[:MAX_COMPARED]
    hints = {name: nearest(name, others) for name in missing[:MAX_FAULTS]}
    return [
        Fault(
            detail=f"Line {line}: column {shown(name)} is missing.{hints.get(name, '')}",
            line=line,
            column=name,
        )
        for name in missing
    ]
