"""A program run on a stranger's file in a process of its own, with little time and memory.

python -m training.importing.apart MODULE ARGUMENTS runs a module so.
"""

import os
import resource
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from training.errors import CannotTrain

_ROOT = Path(__file__).parents[2]
_MAX_SECONDS = 300
# TensorFlow alone takes a few of these addresses.
_MAX_MEMORY_BYTES = 2**33


def run_apart(module: str, arguments: Sequence[str], file: Path) -> None:
    """Run a module on a stranger's file.

    Args:
        module: Exits with 1 where it refuses the file, and says why on the last line of stderr.
        arguments: Of the module.
        file: What the person calls the file.

    Raises:
        CannotTrain: It failed.
    """
    try:
        finished = subprocess.run(  # noqa: S603 - our own programs, the file only an argument
            [sys.executable, "-m", "training.importing.apart", module, *arguments],
            env={**os.environ, "PYTHONPATH": str(_ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            timeout=_MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotTrain(f"{file} took longer than {_MAX_SECONDS} seconds to read.") from error
    if finished.returncode:
        *_, said = ["", *finished.stderr.strip().splitlines()]
        raise CannotTrain(said if finished.returncode == 1 and said else f"{file} cannot be read.")


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_SECONDS, _MAX_SECONDS))


if __name__ == "__main__":
    _limit()
    _, name, *sys.argv[1:] = sys.argv
    runpy.run_module(name, run_name="__main__", alter_sys=True)
