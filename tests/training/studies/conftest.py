"""Small data for studies: made by code, or scikit-learn's own."""

from pathlib import Path

import numpy as np
import pytest

from training.studies.networks import Problem, Sample
from training.studies.subjects import Asked, Subject, load_subject


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


@pytest.fixture(scope="session")
def points() -> Subject:
    """Points of three classes."""
    return Subject(
        name="points",
        sha256="abc",
        problem=Problem(task="multiclass", classes=3),
        train=blobs(60, seed=1),
        validation=blobs(24, seed=2),
        test=blobs(12, seed=3),
    )


@pytest.fixture(scope="session")
def rent_subject(rents: Path) -> Subject:
    """Made-up rents, with blanks and categories."""
    return load_subject(Asked(data=str(rents), targets=("rent",)))
