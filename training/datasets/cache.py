"""The folder that keeps downloads."""

import os
from pathlib import Path


def default_cache() -> Path:
    """Return the folder that keeps downloads: `vitrine` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrine"
