"""Small data for studies, made by code, and what reads the folder of a study."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.architectures.hidden import Hidden
from training.fitting import Fitting
from training.studies.data import DataSelection, StudyData, load_study_data
from training.studies.networks import LearningTask, Sample

SMALL = Hidden(units=(8,))
QUICK = Fitting(epochs=1, batch_size=16)


def blobs(n: int, *, classes: int = 3, seed: int = 0) -> Sample:
    """Return points around as many corners as there are classes, (n, 2)."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    corners = np.array([[0, 0], [3, 0], [0, 3], [3, 3]])[:classes]
    return Sample((corners[y] + rng.normal(0, 0.6, (n, 2))).astype(np.float32), y)


def bright_pictures(n: int, *, seed: int = 0) -> Sample:
    """Return pictures that are bright in their upper or in their lower half, (n, 4, 4, 1)."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = rng.integers(0, 60, (n, 4, 4, 1))
    for picture, code in zip(x, y, strict=True):
        picture[2 * code : 2 * code + 2] += 180
    return Sample(x.astype(np.uint8), y)


def read_table(folder: Path) -> list[dict[str, str]]:
    """Read the table of a study."""
    with (folder / "table.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_results(folder: Path) -> list[Mapping[str, Any]]:
    """Read the results of the finished runs."""
    lines = (folder / "runs.jsonl").read_text().splitlines()
    return [json.loads(line)["result"] for line in lines]


def assert_holds_one_table_and_one_plot(folder: Path) -> None:
    """Check the files of a finished study."""
    assert {path.name for path in folder.iterdir()} == {
        *("study.json", "runs.jsonl", "table.csv", "table.md", "plot.png")
    }
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "table.md").read_text().endswith("(plot.png)\n")


@pytest.fixture(scope="session")
def points() -> StudyData:
    """Points of three classes."""
    return StudyData(
        name="points",
        sha256="abc",
        learning_task=LearningTask(task="multiclass", classes=3),
        train=blobs(60, seed=1),
        validation=blobs(24, seed=2),
        test=blobs(12, seed=3),
    )


@pytest.fixture(scope="session")
def rent_data(rents: Path) -> StudyData:
    """Made-up rents, with blanks and categories."""
    return load_study_data(DataSelection(data=str(rents), targets=("rent",)))
