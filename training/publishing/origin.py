"""How a version was made."""

import os
import subprocess
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from vitrine.bundle import Origin

_LIBRARIES = ("keras", "tensorflow", "tensorflow-cpu", "tf2onnx", "onnx", "onnxruntime", "numpy")
_TRAINING = Path(__file__).parent.parent


def describe_origin(
    *,
    command: str,
    seed: int,
    data: str,
    data_sha256: str,
    split: dict[str, int],
    began: float,
) -> Origin:
    """Describe how a version was made, with the versions of the libraries and of this code.

    Args:
        command: Command as typed.
        seed: Seed of every random choice.
        data: Name of the data set or of its file.
        data_sha256: SHA-256 of the data.
        split: Number of instances in each part.
        began: Reading of the monotonic clock at the start.
    """
    return Origin(
        command=command,
        seed=seed,
        data=data,
        data_sha256=data_sha256,
        split=split,
        libraries=_library_versions(),
        commit=_commit(),
        wall_seconds=round(time.monotonic() - began, 1),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _library_versions() -> dict[str, str]:
    installed = {
        each.metadata["Name"].lower().replace("_", "-"): each.version
        for each in metadata.distributions()
    }
    return {name: installed[name] for name in _LIBRARIES if name in installed}


def _commit() -> str | None:
    """Return the commit of this code, followed by "+" where the code has been changed since."""
    try:
        changed = _git("status", "--porcelain", "--", str(_TRAINING))
        return _git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - fixed arguments
        ["git", *arguments],  # noqa: S607 - wherever it is installed
        cwd=_TRAINING,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    ).stdout.strip()
