"""Versions of the models that score, and places for what they read and write."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.publishers import S3Publisher, s3_server
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


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an S3 server."""
    with s3_server() as url:
        yield url


@pytest.fixture
def amazon(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The variables that name the S3 server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return s3


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, source: Path) -> Storage:
    """An empty place."""
    if request.param == "folder":
        return Folder(str(source))
    publisher = S3Publisher(source, request.getfixturevalue("amazon"), f"b-{uuid4()}")
    return Bucket(publisher.url)
