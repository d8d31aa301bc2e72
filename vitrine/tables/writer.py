"""Columns of numbers and texts -> CSV."""

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from vitrine.signature import Dialect

Column = Sequence[str | None] | NDArray[Any]


def write_csv(
    columns: Mapping[str, Column], *, header: bool, dialect: Dialect | None = None
) -> bytes:
    r"""Write columns of one length as CSV, with lines that end in "\n".

    A number gets the fewest digits that give the value of its type back; NaN and None are empty. A
    text is quoted where it must be, and otherwise written as it is: a text that a spreadsheet would
    take for a formula came from the client who will read it.

    Args:
        columns: Name of each column -> its cells, in order.
        header: Whether the first line names the columns.
        dialect: Dialect with the delimiter and the decimal mark; thousands are never grouped.
    """
    dialect = dialect or Dialect()
    quoted = re.compile(f'["\r\n{re.escape(dialect.delimiter)}]')
    head = dialect.delimiter.join(_quote(list(columns), quoted)) + "\n" if header else ""
    cells = list(columns.values())
    numbers = _leading_numbers(cells)
    if numbers and len(cells) > 1 and dialect.decimal != dialect.delimiter:
        texts = cells[len(numbers) :]
        body = _write_numbers(np.stack(numbers, axis=1), dialect, blanks=len(texts))
        return head.encode() + _with_texts(body, texts, dialect.delimiter, quoted)
    written = [_quote(_texts(column, dialect.decimal), quoted) for column in cells]
    if len(written) == 1:  # an empty line would be no row
        written = [[text or '""' for text in written[0]]]
    lines = map(dialect.delimiter.join, zip(*written, strict=True))
    return "".join([head, *(f"{line}\n" for line in lines)]).encode()


def _leading_numbers(columns: Sequence[Column]) -> list[NDArray[Any]]:
    """Return the first columns, if they are numbers of one type with nothing but texts behind."""
    types = [each.dtype if isinstance(each, np.ndarray) else np.dtype(object) for each in columns]
    count = sum(1 for _ in takewhile(types[0].__eq__, types))
    are_numbers = [each.kind in "fiu" for each in types]
    is_split = are_numbers == [True] * count + [False] * (len(columns) - count)
    return [np.asarray(each) for each in columns[:count]] if is_split and len(columns[0]) else []


def _write_numbers(numbers: NDArray[Any], dialect: Dialect, *, blanks: int) -> bytes:
    """Write rows of numbers, each followed by blank cells, without a step of Python for each row.

    Shapes:
        numbers: (rows, columns).
    """
    delimiter, decimal = dialect.delimiter.encode(), dialect.decimal.encode()
    body = orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].replace(b"null", b"")
    end = delimiter * blanks + b"\n"
    marked = body.translate(bytes.maketrans(b",.", delimiter + decimal))
    return marked.replace(b"]%b[" % delimiter, end) + end


def _with_texts(
    body: bytes, columns: Sequence[Column], delimiter: str, quoted: re.Pattern[str]
) -> bytes:
    """Put texts into the blank cells at the ends of lines; most cells stay blank."""
    arrays = [np.asarray(column, dtype=object) for column in columns]
    rows = sorted({row for array in arrays for row in np.flatnonzero(array).tolist()})
    if not rows:
        return body
    line_ends = np.flatnonzero(np.frombuffer(body, np.uint8) == ord("\n"))
    pieces, start = [], 0
    for row, line_end in zip(rows, line_ends[rows].tolist(), strict=True):
        texts = _quote([str(array[row] or "") for array in arrays], quoted)
        pieces += [
            body[start : line_end - len(columns)],
            "".join(delimiter + text for text in texts).encode(),
        ]
        start = line_end
    return b"".join([*pieces, body[start:]])


def _texts(column: Column, decimal: str) -> list[str]:
    if not isinstance(column, np.ndarray) or column.dtype.kind not in "fiu":
        return ["" if text is None else str(text) for text in column]
    if not len(column):
        return []
    # orjson writes float32 with its own shortest digits, and NaN as null.
    numbers = orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    texts = numbers[1:-1].replace("null", "").split(",")
    return texts if decimal == "." else [text.replace(".", decimal) for text in texts]


def _quote(texts: list[str], quoted: re.Pattern[str]) -> list[str]:
    if not quoted.search("\0".join(texts)):
        return texts
    return ['"' + text.replace('"', '""') + '"' if quoted.search(text) else text for text in texts]
