"""A whole CSV file: its columns as texts, and its hash."""

import hashlib
import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from training.errors import CannotTrain
from vitrine.errors import VitrineError, nearest, shown
from vitrine.tables.files import Table, open_table
from vitrine.tables.header_faults import looks_like_data

# Number of columns that an error lists.
_LISTED = 20


def read_csv(
    path: Path,
    needed: Sequence[str] = (),
    *,
    ignored: Collection[str] = (),
    decimal: str | None = None,
    thousands: str | None = None,
) -> Table:
    """Read a whole CSV file.

    Args:
        path: The file.
        needed: Columns that must be there. They show which line is the header, where titles or
            comments stand above it.
        ignored: Columns that may hold anything, and come twice.
        decimal: Decimal mark of its numbers; None to find it.
        thousands: Thousands mark of its numbers, "" for none; None to find it.

    Raises:
        CannotTrain: The file cannot be read, or lacks a column.
    """
    try:
        with open_table(
            path, landmarks=needed, ignored=ignored, decimal=decimal, thousands=thousands
        ) as table:
            check_columns(needed, table.names)
            return table.read()
    except OSError as error:
        raise CannotTrain(f"{path} cannot be read: {error.strerror}.") from error
    except VitrineError as error:
        raise CannotTrain(f"{path}: {error.detail}{_advice(error, needed)}") from error


def _advice(error: VitrineError, needed: Collection[str]) -> str:
    """Name the way out where it is a single column that cannot be read."""
    column = error.faults[0].column if error.faults else None
    if column is None or column in needed:
        return ""
    way_out = f"if the column is no input, leave it out with --ignore {shlex.quote(column)}"
    return f" Correct the file, or, {way_out}."


def check_columns(
    needed: Iterable[str],
    columns: Sequence[str],
    *,
    missing: str = "There is no column",
    beside_target: bool = False,
) -> None:
    """Check that columns are there.

    Args:
        needed: Columns that must be there.
        columns: Columns that are there, in order.
        missing: What to say of a column that is missing, before its name.
        beside_target: Whether `columns` are those that are not to be predicted.

    Raises:
        CannotTrain: One is missing; the error shows which columns were read.
    """
    for name in needed:
        if name not in columns:
            text = "" if beside_target else _layout_text(name, columns)
            if not text:
                which = "besides the target" if beside_target else "of the file"
                text = f"{nearest(name, columns)} The columns {which}: {_listed(columns)}."
            raise CannotTrain(f"{missing} {shown(name)}.{text}")


def _layout_text(name: str, columns: Sequence[str]) -> str:
    """Say what may be wrong with the whole header, or nothing."""
    if looks_like_data(columns):
        return (
            f" The first line was read as the names of the columns: {_listed(columns)}. If it is "
            "data, write a line with the names above it."
        )
    if len(columns) > 1:
        return ""
    not_by = ""
    if name in columns[0].split():
        not_by = ", not by spaces"
    elif name in re.split("[,;\t|]", columns[0]):
        not_by = ", without quotes around the line"
    return (
        f" One column was read: {_listed(columns)}. The first line must name all columns, "
        f"separated by commas, semicolons or tabs{not_by}."
    )


def _listed(columns: Sequence[str]) -> str:
    more = len(columns) - _LISTED
    return ", ".join(map(shown, columns[:_LISTED])) + (f" and {more} more" if more > 0 else "")


def hash_file(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
