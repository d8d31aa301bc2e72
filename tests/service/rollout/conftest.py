"""A folder of models with one version, and two workers that serve it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.rollout import state_folder
from tests.bundles import write_table_bundle
from tests.workers import Workers


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder of models with one version of one model."""
    write_table_bundle(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def workers(store: Path, tmp_path: Path) -> Iterator[Workers]:
    """Two workers that serve the first version."""
    state_folder.prepare(tmp_path / "state")
    workers = Workers(store, tmp_path / "state")
    workers.add()
    workers.add()
    workers.step(3)
    assert workers.served() == [[1], [1]]
    yield workers
    for state in workers.states:
        state.leave()
