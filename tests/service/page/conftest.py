"""The services that the panels of the page ask."""

from collections.abc import Iterator

import pytest

from service.keys import Key, hash_secret, make_secret, write_keys
from tests.servers import ROOT, Server, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A service of the shipped models, which no test changes."""
    with serving(models=ROOT / "models", workers=1) as server:
        yield server


@pytest.fixture(scope="session")
def secret() -> str:
    """The key that `guarded` knows."""
    return make_secret()


@pytest.fixture(scope="session")
def guarded(secret: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of the shipped models that asks for keys, which no test changes."""
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys(keys, [Key(name="ana", sha256=hash_secret(secret))])
    with serving(models=ROOT / "models", workers=1, keys=keys) as server:
        yield server
