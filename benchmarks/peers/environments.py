"""Installs each peer into an environment of its own: `.venv/bench-<peer>`."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from benchmarks.machine import ROOT

REQUIREMENTS = Path(__file__).parent / "requirements"
_INSTALL_SECONDS = 900


class CannotInstall(Exception):
    """A peer's packages are not to be had here."""


def install(peer: str) -> Path:
    """Return the interpreter of a peer's environment, and make the environment where it is missing.

    Raises:
        CannotInstall: Its packages are not to be had for this platform, or at all.
    """
    folder = ROOT / ".venv" / f"bench-{peer}"
    python = folder / "bin/python"
    requirements = REQUIREMENTS / f"{peer}.txt"
    # Written last, so that an installation that broke off is made again.
    mark = folder / "installed"
    wanted = sha256(requirements.read_bytes()).hexdigest()
    if mark.is_file() and mark.read_text() == wanted:
        return python
    print(f"Installing {requirements.relative_to(ROOT)} into {folder.relative_to(ROOT)} ...")
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    _uv(
        *("pip", "install", "--quiet", "--python", str(python), "--require-hashes"),
        *("--only-binary", ":all:", "--requirements", str(requirements)),
    )
    mark.write_text(wanted)
    return python


def versions(peer: str) -> str:
    """Name the packages that a peer was asked to have, with their versions."""
    lines = (REQUIREMENTS / f"{peer}.in").read_text().splitlines()
    return ", ".join(line.replace("==", " ") for line in lines if "==" in line)


def _uv(*arguments: str) -> None:
    try:
        subprocess.run(
            [sys.executable, "-m", "uv", *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        raise CannotInstall(lines[0] if lines else f"uv ended with {error.returncode}") from error
    except subprocess.TimeoutExpired as error:
        raise CannotInstall("The installation takes too long.") from error
