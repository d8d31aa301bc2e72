"""The folder of models: the two that are shipped, and the network of Keras' quickstart.

A checkout publishes that network by its own command, since the format of a version and what is
optimised when it is published belong to the checkout. The data, the seed and so the weights are
the same. The peers serve the files of this checkout.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.peers.cases import CNN, HOUSES, MLP

_CACHE = ROOT / ".venv" / "bench-networks"
_TRAIN_SECONDS = 600


class NoNetworks(Exception):
    """A checkout cannot publish the network."""


def prepare(checkout: Path) -> Path:
    """Return a checkout's folder of models, and make it where it is missing.

    Raises:
        NoNetworks: Its command to train fails.
    """
    folder = _CACHE / _fingerprint(checkout)
    if folder.is_dir():
        return folder
    print(f"Training the network of Keras' quickstart for {checkout} ...", flush=True)
    unfinished = _CACHE / f"unfinished-{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    _train(checkout, unfinished)
    for name in (CNN, HOUSES):
        shutil.copytree(checkout / "models" / name, unfinished / name)
    unfinished.rename(folder)
    return folder


def version(models: Path, network: str) -> Path:
    """Return the folder of a network's latest version."""
    return max((models / network).iterdir(), key=lambda folder: int(folder.name))


def _train(checkout: Path, models: Path) -> None:
    command = [sys.executable, "-m", "training", "images", "digits8x8", "--architecture", MLP]
    command += ["--name", MLP, "--models", str(models), "--plots", str(models / "plots")]
    try:
        finished = subprocess.run(
            command,
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=_TRAIN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NoNetworks(f"{checkout}: The training takes too long.") from error
    if finished.returncode:
        raise NoNetworks(f"{checkout}: {finished.stderr.strip()[-500:]}")
    shutil.rmtree(models / "plots")


def _fingerprint(checkout: Path) -> str:
    """Name what a published version depends on: the code that publishes, and what is shipped."""
    digest = sha256()
    for file in sorted(_sources(checkout)):
        digest.update(str(file.relative_to(checkout)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _sources(checkout: Path) -> Iterator[Path]:
    for package in ("training", "vitrine"):
        yield from (checkout / package).rglob("*.py")
    for name in (CNN, HOUSES):
        yield from (checkout / "models" / name).glob("*/manifest.json")
