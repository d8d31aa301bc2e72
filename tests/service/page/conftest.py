"""The service that the panels of the page ask."""

from collections.abc import Iterator

import pytest

from tests.servers import ROOT, Server, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A service of the shipped models, which no test changes."""
    with serving(models=ROOT / "models", workers=1) as server:
        yield server
