"""The page in a browser; without one the test is skipped, but not before a change lands."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import serving

_BROWSER = shutil.which("chromium")
# It asks nobody for updates: the machine may have no network.
_QUIET = (
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-dev-shm-usage"),
)


@pytest.mark.skipif(_BROWSER is None and "CI" not in os.environ, reason="there is no browser")
def test_browser_shows_what_is_served(models: Path, tmp_path: Path) -> None:
    with serving(models=models, workers=1) as server:
        shown = subprocess.run(
            [
                *(str(_BROWSER), "--headless", "--no-sandbox", "--disable-gpu", *_QUIET),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000"),
                *("--dump-dom", f"{server.url}/docs#post_models_rooms_predict"),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout

    assert "/models/strokes/predict" in shown
    # The request that the address names is open, with a form and its example.
    assert "From -1e+06 to 1e+06 in training." in shown
    assert "application/vnd.apache.arrow.stream" in shown
    assert "<button>Send</button>" in shown
