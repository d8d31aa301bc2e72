"""A request that a published version answers, as a command to type."""

import json
import mimetypes
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from vitrine import bundle
from vitrine.bundle import Manifest

_URL = "http://127.0.0.1:8080"
# A picture that comes with the project, for networks whose own pictures are not at hand.
_EXAMPLE = Path(__file__).parents[2] / "examples" / "seven.png"


def curl_command(manifest: Manifest, folder: Path, file: Path | None) -> str:
    """Return a curl command that sends something which the version predicts.

    Args:
        manifest: Description of the version.
        folder: Folder of the version.
        file: A picture or a table to send; None to send what is at hand.
    """
    if manifest.signature.picture is not None:
        picture = _shown(_EXAMPLE) if file is None else file
        kind = mimetypes.guess_type(picture.name)[0] or "application/octet-stream"
        return _send_file(manifest, picture, kind)
    if file is not None:
        return _send_file(manifest, file, "text/csv")
    row = {name: _json_value(values[0]) for name, values in bundle.read_golden(folder)[0].items()}
    body = json.dumps({"instances": [row]}, ensure_ascii=False)
    return f"{_curl('application/json')} -d {shlex.quote(body)} {_url(manifest)}"


def _send_file(manifest: Manifest, file: Path, kind: str) -> str:
    return f"{_curl(kind)} --data-binary {shlex.quote(f'@{file}')} {_url(manifest)}"


def _curl(kind: str) -> str:
    return f"curl -H {shlex.quote(f'Content-Type: {kind}')}"


def _url(manifest: Manifest) -> str:
    version = "" if manifest.default else f"/versions/{manifest.version}"
    return f"{_URL}/models/{manifest.name}{version}/predict"


def _shown(path: Path) -> Path:
    """Return a path as it is typed in the current folder, if it lies there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _json_value(value: Any) -> Any:
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unequal to itself
        return None
    return value.item() if isinstance(value, np.generic) else value
