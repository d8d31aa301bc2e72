"""Sources are real servers; what they publish is made by code."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.bundles import write_table_bundle
from tests.publishers import (
    Publisher,
    S3Publisher,
    WebPublisher,
    WebServer,
    publish_index,
    web_server,
)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A folder with one version, which is to be published."""
    folder = tmp_path / "remote"
    write_table_bundle(folder)
    return folder


@pytest.fixture
def web(remote: Path) -> Iterator[WebServer]:
    """A web server that publishes the folder."""
    publish_index(remote)
    with web_server(remote) as server:
        yield server


@pytest.fixture(params=["web", "s3"])
def publisher(request: pytest.FixtureRequest, remote: Path) -> Publisher:
    """The folder as it is published, on either kind of source."""
    made: Publisher
    if request.param == "web":
        made = WebPublisher(remote, request.getfixturevalue("web"))
    else:
        made = S3Publisher(remote, request.getfixturevalue("amazon"), f"b-{uuid4()}")
    made.publish()
    return made


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The folder that gets what is published."""
    return tmp_path / "cache"
