"""scikit-learn's own small tables, which need no download: to try a command with, and in tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn import datasets

from training.errors import CannotTrain

_LOADERS = {
    "diabetes": datasets.load_diabetes,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
}
EMBEDDED_TABLES = tuple(_LOADERS)
_TARGETS = {"diabetes": "progression", "wine": "cultivar", "breast_cancer": "diagnosis"}


@dataclass(frozen=True, slots=True)
class EmbeddedTable:
    """One of them, as a file.

    Attributes:
        path: CSV with a header.
        target: The column that it is there to predict.
    """

    path: Path
    target: str


def find_table(data: str, targets: Sequence[str], cache: Path) -> tuple[Path, tuple[str, ...]]:
    """Return a table's file and the columns to predict.

    Args:
        data: A file, or one of `EMBEDDED_TABLES`.
        targets: The columns; an embedded table's are known.
        cache: Folder that embedded tables are written into.

    Raises:
        CannotTrain: It is a file, and no column was named.
    """
    if data in EMBEDDED_TABLES and not Path(data).is_file():
        table = write_table(data, cache)
        return table.path, tuple(targets) or (table.target,)
    if not targets:
        raise CannotTrain(
            f"--target must name the column of {Path(data).name} to predict, unless that is one of "
            f"{', '.join(EMBEDDED_TABLES)}."
        )
    return Path(data), tuple(targets)


def write_table(name: str, cache: Path) -> EmbeddedTable:
    """Write one of `EMBEDDED_TABLES` as CSV, class labels as words.

    Args:
        name: Which.
        cache: Folder to write into; written once.
    """
    target = _TARGETS[name]
    path = cache / f"{name}.csv"
    if not path.is_file():
        # The raw columns: the scaled ones that the loader gives by default mean nothing to people.
        raw = {"scaled": False} if name == "diabetes" else {}
        loaded: Any = _LOADERS[name](as_frame=True, **raw)
        frame = loaded.frame.rename(columns={"target": target})
        if hasattr(loaded, "target_names"):
            frame[target] = [str(loaded.target_names[code]) for code in frame[target]]
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        frame.to_csv(partial, index=False)
        partial.replace(path)
    return EmbeddedTable(path, target)
