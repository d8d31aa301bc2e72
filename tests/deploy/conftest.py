"""What the tests of the rules need on this machine."""

import os
import shutil

import pytest

from tests.deploy.kubernetes import PROGRAMS


@pytest.fixture(scope="session")
def programs() -> None:
    """Prometheus and its tool, which a machine that checks changes must have."""
    missing = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing


@pytest.fixture(scope="session")
def kubectl() -> None:
    """What builds and checks manifests, which a machine that checks changes must have."""
    is_missing = not (PROGRAMS / "kubectl").exists()
    if is_missing and not os.environ.get("CI"):
        pytest.skip("not installed: make .venv/kubernetes/installed")
    assert not is_missing
