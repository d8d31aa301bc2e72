"""A whole CSV file: its columns as texts, and its hash."""

import hashlib
from pathlib import Path

from training.errors import CannotTrain
from vitrine.errors import VitrineError
from vitrine.tables.files import Table, read_table


def read_csv(path: Path) -> Table:
    """Read a whole CSV file.

    Raises:
        CannotTrain: The file cannot be read.
    """
    try:
        return read_table(path)
    except OSError as error:
        raise CannotTrain(f"{path} cannot be read: {error.strerror}.") from error
    except VitrineError as error:
        raise CannotTrain(f"{path}: {error.detail}") from error


def hash_file(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
