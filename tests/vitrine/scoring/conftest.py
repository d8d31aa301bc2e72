"""Versions of the models that score."""

from pathlib import Path

import pytest


@pytest.fixture
def rooms(models: Path) -> Path:
    """A version that takes a number and a colour."""
    return models / "rooms" / "1"


@pytest.fixture
def strokes(models: Path) -> Path:
    """A version that takes pictures."""
    return models / "strokes" / "1"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An empty folder for an input."""
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder for parts, which does not exist."""
    return tmp_path / "out"
