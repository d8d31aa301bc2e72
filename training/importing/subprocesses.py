"""A subprocess with limited time and memory, for programs that read an untrusted file.

python -m training.importing.subprocesses MODULE ARGUMENTS runs a module within these limits.
"""

import os
import resource
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from training.errors import CannotTrain
from training.importing.refusals import EXPORT, CannotImport, first_line

_ROOT = Path(__file__).parents[2]
_MAX_SECONDS = 600
# The subprocess has this time to remove what it began to write.
_GRACE_SECONDS = 5
# TensorFlow alone reserves a few GiB of addresses; the conversion of a ResNet50 takes nine.
_MAX_MEMORY_BYTES = 12 * 2**30
_MAX_MEMORY = "12 GiB of memory"
_SMALLER = "Build a smaller network, or import it while the machine does nothing else."


def run_in_subprocess(module: str, arguments: Sequence[str], file: Path) -> str:
    """Run a module as a program on an untrusted file.

    Args:
        module: Name of the module. It raises CannotTrain to refuse the file.
        arguments: Arguments of the program.
        file: Path of the file as the user gave it, for messages.

    Returns:
        The output of the program.

    Raises:
        CannotTrain: The program failed.
    """
    with subprocess.Popen(  # noqa: S603 - the programs are ours; the file is only an argument
        [sys.executable, "-m", "training.importing.subprocesses", module, *arguments],
        env={**os.environ, "PYTHONPATH": str(_ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            output, errors = process.communicate(timeout=_MAX_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise CannotImport(
                f"{file} took longer than {_MAX_SECONDS} seconds.", way_out=_SMALLER
            ) from error
        finally:
            _end(process)
    if process.returncode:
        *_, last = ["", *errors.strip().splitlines()]
        if process.returncode == 1 and last:
            raise CannotTrain(last)
        raise CannotImport(
            f"{file} needs more than {_MAX_SECONDS} seconds or {_MAX_MEMORY}.", way_out=_SMALLER
        )
    return output


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_SECONDS, _MAX_SECONDS))


if __name__ == "__main__":
    _limit_resources()
    _, name, *sys.argv[1:] = sys.argv
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except CannotTrain as refusal:
        sys.exit(str(refusal))
    except MemoryError:
        sys.exit(f"The network cannot be served: it needs more than {_MAX_MEMORY}. {_SMALLER}")
    except Exception as error:  # noqa: BLE001 - an untrusted file can fail in any library
        sys.exit(f"The network cannot be served: {first_line(error)}. {EXPORT}")
