"""The limits of the subprocess."""

from pathlib import Path

import pytest

from training.errors import CannotTrain
from training.importing.subprocesses import run_in_subprocess


def test_program_on_a_file_has_little_memory(tmp_path: Path) -> None:
    asking = ["-s", "import resource as r", "raise MemoryError(r.getrlimit(r.RLIMIT_AS))"]

    with pytest.raises(CannotTrain, match=f"MemoryError: .{12 * 2**30}, {12 * 2**30}."):
        run_in_subprocess("timeit", asking, tmp_path / "own.h5")
