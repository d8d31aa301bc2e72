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
_MAX_SECONDS = 600
# To remove what it began to write.
_GRACE_SECONDS = 5
# TensorFlow alone takes a few of these addresses, and the conversion of a ResNet50 nine gigabytes.
_MAX_MEMORY_BYTES = 12 * 2**30


def run_apart(module: str, arguments: Sequence[str], file: Path) -> str:
    """Run a module on a stranger's file.

    Args:
        module: Raises CannotTrain where it refuses the file.
        arguments: Of the module.
        file: What the person calls the file.

    Returns:
        What it printed.

    Raises:
        CannotTrain: It failed.
    """
    with subprocess.Popen(  # noqa: S603 - our own programs, the file only an argument
        [sys.executable, "-m", "training.importing.apart", module, *arguments],
        env={**os.environ, "PYTHONPATH": str(_ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            printed, complaints = process.communicate(timeout=_MAX_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise CannotTrain(f"{file} took longer than {_MAX_SECONDS} seconds to read.") from error
        finally:
            _end(process)
    if process.returncode:
        *_, said = ["", *complaints.strip().splitlines()]
        raise CannotTrain(said if process.returncode == 1 and said else f"{file} cannot be read.")
    return printed


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_SECONDS, _MAX_SECONDS))


if __name__ == "__main__":
    _limit()
    _, name, *sys.argv[1:] = sys.argv
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except CannotTrain as refusal:
        sys.exit(str(refusal))
    except Exception as error:  # noqa: BLE001 - a stranger's file can fail in any library
        sys.exit(f"The network cannot be served: {type(error).__name__}.")
