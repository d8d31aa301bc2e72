"""What the tests of the rules need on this machine."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def programs() -> None:
    """Prometheus and its tool, which a machine that checks changes must have."""
    missing = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing
