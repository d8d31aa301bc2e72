"""The thorough way to read a block of CSV: as rows of text, with all that is wrong in them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import Fault, shown
from vitrine.tables.blocks import WHOLE_ROW
from vitrine.tables.records import NOT_UTF8, is_utf8, split_fields, split_records


class TextRows:
    """The rows of one block, blank lines left out.

    Attributes:
        lines: The line on which each row starts.
        findings: What is wrong, by row and column.
    """

    def __init__(self, body: bytes, names: Sequence[str], *, delimiter: str, line: int) -> None:
        """Split a block of whole records.

        Args:
            body: Without a header.
            names: Of the columns.
            delimiter: Between columns.
            line: Of the file, on which the block starts.
        """
        self.lines: list[int] = []
        self.findings: dict[int, dict[int, str]] = defaultdict(dict)
        self._names = names
        self._rows: list[list[str]] = []
        for before, record in split_records(body.decode("utf-8", "surrogateescape"), delimiter):
            if not self._is_blank(record):
                self._add(record, delimiter, line + before)
        self._whole = [place for place in range(len(self)) if place not in self.findings]
        if not is_utf8(body):
            self._find_bytes()

    def __len__(self) -> int:
        return len(self._rows)

    def column(self, place: int) -> list[str]:
        """Return a column's cells in the rows that have all their fields."""
        return [self._rows[row][place] for row in self._whole]

    def find(self, place: int, rules: Mapping[int, str]) -> None:
        """Add the rules that cells of a column break, by their place in `column`."""
        for cell, rule in rules.items():
            row = self._whole[cell]
            received = shown(self._rows[row][place])
            self.findings[row].setdefault(place, f"{rule}. Received: {received}.")

    def good(self) -> NDArray[np.bool_]:
        """Tell which of the cells returned by `column` are in rows without any fault."""
        return np.array([row not in self.findings for row in self._whole], np.bool_)

    def locate(self, row: int, place: int, text: str) -> Fault:
        """Make a fault of a finding."""
        line = self.lines[row]
        if place == WHOLE_ROW:
            return Fault(detail=f"Line {line}: {text}", line=line)
        name = self._names[place]
        return Fault(detail=f"Line {line}, column {shown(name)}: {text}", line=line, column=name)

    def echo(self) -> dict[str, list[str]]:
        """Return all columns of all rows, as long as the header is."""
        width = len(self._names)
        rows = [[_printable(text) for text in row] for row in self._rows]
        padded = [row + [""] * (width - len(row)) for row in rows]
        return {name: [row[place] for row in padded] for place, name in enumerate(self._names)}

    def _is_blank(self, record: str) -> bool:
        """Tell a blank line from a record; where there is one column, spaces are a blank cell."""
        return not (record if len(self._names) == 1 else record.strip(" "))

    def _add(self, record: str, delimiter: str, line: int) -> None:
        fields = split_fields(record, delimiter)
        row, width = len(self), len(self._names)
        if fields.unclosed is not None:
            line += fields.unclosed
            self.findings[row][WHOLE_ROW] = "must close the quote that opens here."
        elif len(fields.texts) != width:
            rule = f"must have {width} fields, as the header has"
            self.findings[row][WHOLE_ROW] = f"{rule}. Received: {len(fields.texts)}."
        self._rows.append(fields.texts)
        self.lines.append(line)

    def _find_bytes(self) -> None:
        for row in self._whole:
            for place, text in enumerate(self._rows[row]):
                if strange := NOT_UTF8.search(text):
                    octet, before = ord(strange[0]) - 0xDC00, text[: strange.start()]
                    received = f"byte 0x{octet:02x} after {shown(before[-20:])}"
                    self.findings[row][place] = f"must be UTF-8. Received: {received}."


def _printable(text: str) -> str:
    """Put the replacement character for bytes that are not UTF-8."""
    return NOT_UTF8.sub("\ufffd", text)
