"""Small tables made by code, one for each task, and configs that train on them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from training.architectures.hidden import Hidden
from training.datasets.column_kinds import Overrides
from training.datasets.tables import TableParts, load_table
from training.experiments.tables import LearningConfig, PlainNetwork, TableConfig
from training.fitting import Fitting

PLAIN = PlainNetwork(hidden=Hidden(units=(8,)), fitting=Fitting(learning_rate=2e-2, epochs=12))
Line = Callable[[float, float, str], str]

# The targets of each task, as functions of two features and a category.
TARGETS: dict[str, tuple[str, Line]] = {
    "binary": ("late", lambda x, y, _: "yes" if x + y > 1 else "no"),
    "multiclass": ("kind", lambda x, y, c: "rare" if c == "k2" and y > 0.8 else f"at {x > 0.5}"),
    "multilabel": ("wet,cold", lambda x, y, _: f"{int(x > 0.5)},{int(y > 0.7)}"),
    "regression": ("price", lambda x, y, _: f"{3 * x - y:.4f}"),
}


def write_table(path: Path, task: str, rows: int = 560) -> Path:
    """Write a table of a task."""
    names, line = TARGETS[task]
    rng = np.random.default_rng(5)
    lines = [f"x,y,c,{names}"]
    for _ in range(rows):
        x, y, c = rng.random(), rng.random(), f"k{rng.integers(3)}"
        lines.append(f"{x:.4f},{y:.4f},{c},{line(x, y, c)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def made_config(task: str, folder: Path, learning: LearningConfig) -> TableConfig:
    """Describe a tiny training of a task."""
    return TableConfig(
        file=write_table(folder / f"{task}.csv", task),
        targets=tuple(TARGETS[task][0].split(",")),
        command="python -m training table",
        name=task,
        models=folder / "models",
        learning=learning,
    )


def load_made(task: str, folder: Path) -> TableParts:
    """Read and split the table of a task."""
    names = TARGETS[task][0].split(",")
    return load_table(write_table(folder / f"{task}.csv", task), names, Overrides(), seed=0)
