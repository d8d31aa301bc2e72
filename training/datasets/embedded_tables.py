"""The small tables that come with scikit-learn and need no download."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn import datasets

from training.errors import CannotTrain
from vitrine.errors import nearest

_LOADERS = {
    "diabetes": datasets.load_diabetes,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
}
EMBEDDED_TABLES = tuple(_LOADERS)
_TARGETS = {"diabetes": "progression", "wine": "cultivar", "breast_cancer": "diagnosis"}


@dataclass(frozen=True, slots=True)
class EmbeddedTable:
    """One of the tables, as a file.

    Attributes:
        path: CSV file with a header.
        target: Column to predict.
    """

    path: Path
    target: str


def find_table(data: str, targets: Sequence[str], cache: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the file of a table and the columns to predict.

    Args:
        data: Path of a CSV file, or one of `EMBEDDED_TABLES`.
        targets: Columns to predict; those of an embedded table are known.
        cache: Folder that embedded tables are written to.

    Raises:
        CannotTrain: There is no such file, or no column of it was named.
    """
    if data in EMBEDDED_TABLES and not Path(data).is_file():
        table = write_table(data, cache)
        return table.path, tuple(targets) or (table.target,)
    if not Path(data).exists():
        raise CannotTrain(f"There is no file {data}.{nearest(data, EMBEDDED_TABLES)}")
    if not targets:
        raise CannotTrain(
            f"--target must name the column of {Path(data).name} to predict. Only the target of "
            f"{', '.join(EMBEDDED_TABLES)} is known."
        )
    return Path(data), tuple(targets)


def write_table(name: str, cache: Path) -> EmbeddedTable:
    """Write one of `EMBEDDED_TABLES` as a CSV file with class labels as words.

    Args:
        name: Name of the table.
        cache: Folder to write to. An existing file stays.
    """
    target = _TARGETS[name]
    path = cache / f"{name}.csv"
    if not path.is_file():
        # The loader scales columns by default; people understand the raw ones.
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
