"""Columns of numbers and texts -> CSV."""

import re
from collections.abc import Mapping, Sequence
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
    written = [_quote(_texts(column, dialect.decimal), quoted) for column in columns.values()]
    if len(written) == 1:  # an empty line would be no row
        written = [[text or '""' for text in written[0]]]
    lines = [dialect.delimiter.join(_quote(list(columns), quoted))] if header else []
    lines += map(dialect.delimiter.join, zip(*written, strict=True))
    return "".join(f"{line}\n" for line in lines).encode()


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
