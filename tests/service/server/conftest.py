"""What the tests of the real server share."""

from pathlib import Path

import pytest

from tests.bundles import write_picture_bundle, write_table_bundle


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two real bundles, for the servers of one module."""
    folder = tmp_path_factory.mktemp("published")
    write_table_bundle(folder)
    write_picture_bundle(folder)
    return folder
