"""Versions of the models that score, and places for what they read and write."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.publishers import S3Publisher
from vitrine.scoring.storage import Bucket, Folder, Storage


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


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, source: Path) -> Storage:
    """An empty place."""
    if request.param == "folder":
        return Folder(str(source))
    publisher = S3Publisher(source, request.getfixturevalue("amazon"), f"b-{uuid4()}")
    return Bucket(publisher.url)
