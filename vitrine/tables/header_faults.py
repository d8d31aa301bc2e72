"""What is wrong with the header of a CSV file, and what its owner can do about it."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from vitrine.errors import MAX_FAULTS, Fault, misspelt, shown
from vitrine.signature import Dialect
from vitrine.tables.numbers import parse_numbers
from vitrine.tables.records import NOT_UTF8, Fields, printable
from vitrine.tables.spelling import nfc

# Comparing names, to find the one that is meant, is slow.
MAX_COMPARED = 200
_NAMED = 3


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """A record that may be the header, split at one delimiter.

    Attributes:
        delimiter: Mark between columns.
        record: Bytes of the record.
        fields: Its fields.
        number: Line of the file, from 1.
        names: Names of the columns, as `column_names` makes them.
    """

    delimiter: str
    record: bytes
    fields: Fields
    number: int
    names: tuple[str, ...]

    def count(self, names: Collection[str]) -> int:
        """Count those of the columns that are there."""
        return len(set(names) & set(self.names))

    def fault(self, rule: str, column: str | None = None) -> Fault:
        """Return a fault of the line, or of one of its columns."""
        where = f"Line {self.number}" + (f", column {shown(column)}" if column else "")
        return Fault(detail=f"{where}: {rule}", line=self.number, column=column)


def column_names(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of a header.

    Spaces around a name do not count, and accents have the form NFC. Bytes that are not UTF-8
    become the replacement character, and a column without a name is called by its position.
    """
    return tuple(
        nfc(printable(text.strip())) or f"column {number}"
        for number, text in enumerate(texts, start=1)
    )


def looks_like_data(names: Sequence[str]) -> bool:
    """Tell whether the first line of a file has numbers, so that it is probably no header.

    Numbers are also found where they are separated by spaces, which are no delimiter.
    """
    return any(_is_number(name.split()) for name in names)


def _is_number(words: Sequence[str]) -> bool:
    parsed = parse_numbers(words, Dialect())
    return not parsed.faults and not np.isnan(parsed.values).all()


def find_faults(line: HeaderLine, required: Sequence[str], checked: Collection[str]) -> list[Fault]:
    """Find all that is wrong with a header.

    Args:
        line: The header.
        required: Columns that must be there.
        checked: Columns that must come once, with a name in UTF-8.
    """
    missing = [name for name in required if name not in line.names]
    others = [name for name in line.names[:MAX_COMPARED] if name not in required]
    alike = misspelt(missing[:MAX_FAULTS], others)
    advice = _advice(line, required)
    if len(missing) == len(required) > 0 and (advice or not alike):
        first, others, alike = [_unlike(line, required, advice)], [], {}
    else:
        first = []
    return _unreadable(line, line.names if missing else checked) or [
        *_repeated(line, checked),
        *first,
        *(_missing(line, name, alike.get(name), others) for name in missing),
    ]


def _advice(line: HeaderLine, required: Sequence[str]) -> str:
    """Say why several columns were read as one, if they were."""
    if {*required} & {*line.names[0].split()} - {line.names[0]}:
        return " Separate the columns by commas, semicolons or tabs, not by spaces."
    if {*required} & {*re.split("[,;\t|]", line.names[0])} - {line.names[0]}:
        return f" It is one column: it is in quotes, or its delimiter is not {line.delimiter!r}."
    return ""


def _unreadable(line: HeaderLine, checked: Collection[str]) -> list[Fault]:
    faults: list[Fault] = []
    texts = zip(line.names, line.fields.texts, strict=True)
    if any(name in checked and NOT_UTF8.search(text) for name, text in texts):
        faults.append(line.fault("must be UTF-8. Received: bytes of another encoding."))
    if line.fields.unclosed_quote is not None:
        opened = line.number + line.fields.unclosed_quote
        faults.append(
            Fault(detail=f"Line {opened}: must close the quote that opens here.", line=opened)
        )
    return faults


def _repeated(line: HeaderLine, checked: Collection[str]) -> list[Fault]:
    return [
        line.fault(f"must come once. Received: {count} times.", name)
        for name, count in Counter(line.names).items()
        if count > 1 and name in checked
    ]


def _unlike(line: HeaderLine, required: Sequence[str], advice: str) -> Fault:
    """Say first that none of the columns is there, before each is listed as missing."""
    received = shown(line.delimiter.join(line.names[:MAX_COMPARED]))
    if not advice and looks_like_data(line.names[:MAX_COMPARED]):
        advice = " This looks like data: write a line with the names above it."
    return line.fault(f"must name the columns {_listed(required)}. Received: {received}.{advice}")


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(map(shown, names[:_NAMED]))
    return f"{listed} and {len(names) - _NAMED} more" if len(names) > _NAMED else listed


def _missing(line: HeaderLine, name: str, alike: str | None, others: Sequence[str]) -> Fault:
    """Say that a column is missing, and which one is probably meant, or which ones are there."""
    hint = ""
    if alike is not None:
        hint = f" The file has {shown(alike)}: rename it."
    elif others:
        hint = f" Other columns of the file: {shown(line.delimiter.join(others))}."
    detail = f"Line {line.number}: column {shown(name)} is missing.{hint}"
    return Fault(detail=detail, line=line.number, column=name)
