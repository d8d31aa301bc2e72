"""The thorough way to read a block of CSV: as rows of text, with all that is wrong in them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import Fault, shown
from vitrine.tables.blocks import WHOLE_ROW
from vitrine.tables.records import NOT_UTF8, RecordBlock, printable, split_fields, split_records


class TextRows:
    """The rows of one block, blank lines left out.

    A row is complete if it has as many fields as the header.

    Args:
        block: Records without a header.
        names: Names of the columns.
        delimiter: Mark between fields.
        checked: Indices of the columns that must be UTF-8.

    Attributes:
        faults: Index of a row -> index of a column, or `WHOLE_ROW` -> what is wrong there.
    """

    def __init__(
        self, block: RecordBlock, names: Sequence[str], *, delimiter: str, checked: Collection[int]
    ) -> None:
        self.faults: dict[int, dict[int, str]] = defaultdict(dict)
        self._names = names
        self._rows: list[list[str]] = []
        self._lines: list[int] = []
        text = block.body.decode("utf-8", "surrogateescape")
        for lines_before, record in split_records(text, delimiter):
            if not self._is_blank(record):
                self._add(record, delimiter, block.line + lines_before)
        self._complete = [row for row in range(len(self)) if row not in self.faults]
        if NOT_UTF8.search(text):
            self._add_faults_of_bytes(checked)

    def __len__(self) -> int:
        return len(self._rows)

    def column(self, index: int) -> list[str]:
        """Return a column's cells in the complete rows."""
        return [self._rows[row][index] for row in self._complete]

    def add_faults(self, column: int, rules: Mapping[int, str]) -> None:
        """Add the faults of a column's cells.

        Args:
            column: Index of the column.
            rules: Index of a cell in `column` -> the rule that the cell breaks.
        """
        for cell, rule in rules.items():
            row = self._complete[cell]
            received = shown(self._rows[row][column])
            self.faults[row].setdefault(column, f"{rule}. Received: {received}.")

    def is_good(self) -> NDArray[np.bool_]:
        """Return which of the complete rows have no fault."""
        return np.array([row not in self.faults for row in self._complete], np.bool_)

    def locate(self, row: int, column: int, text: str) -> Fault:
        """Make a fault of a row or a cell, with its line.

        Args:
            row: Index of the row.
            column: Index of the column, or `WHOLE_ROW`.
            text: What is wrong there.
        """
        line = self._lines[row]
        if column == WHOLE_ROW:
            return Fault(detail=f"Line {line}: {text}", line=line)
        name = self._names[column]
        return Fault(detail=f"Line {line}, column {shown(name)}: {text}", line=line, column=name)

    def line_of(self, row: int) -> int:
        """Return the line of a row, or of the quote in it that is not closed."""
        return self._lines[row]

    def echo(self) -> dict[str, list[str]]:
        """Return all columns of all rows, each row as long as the header."""
        width = len(self._names)
        rows = [[printable(text) for text in row] for row in self._rows]
        padded = [row + [""] * (width - len(row)) for row in rows]
        return {name: [row[index] for row in padded] for index, name in enumerate(self._names)}

    def _is_blank(self, record: str) -> bool:
        """Tell a blank line from a record; in a table of one column, spaces are a blank cell."""
        return not (record if len(self._names) == 1 else record.strip(" "))

    def _add(self, record: str, delimiter: str, line: int) -> None:
        fields = split_fields(record, delimiter)
        row, width = len(self), len(self._names)
        if fields.unclosed_quote is not None:
            line += fields.unclosed_quote
            self.faults[row][WHOLE_ROW] = "must close the quote that opens here."
        elif len(fields.texts) != width:
            rule = f"must have {width} fields, as the header has"
            self.faults[row][WHOLE_ROW] = f"{rule}. Received: {len(fields.texts)}."
        self._rows.append(fields.texts)
        self._lines.append(line)

    def _add_faults_of_bytes(self, checked: Collection[int]) -> None:
        for row in self._complete:
            for column in checked:
                text = self._rows[row][column]
                if escaped := NOT_UTF8.search(text):
                    octet, before = ord(escaped[0]) - 0xDC00, text[: escaped.start()]
                    received = f"byte 0x{octet:02x} after {shown(before[-20:])}"
                    self.faults[row][column] = f"must be UTF-8. Received: {received}."
