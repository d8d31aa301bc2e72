"""The commands about published versions."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundles import (
    write_table_bundle,
)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("words", [["list"], ["show", "rooms"]], ids=["list", "show"])
def test_commands_about_versions_start_without_tensorflow(tmp_path: Path, words: list[str]) -> None:
    write_table_bundle(tmp_path)
    program = (
        "import sys; from training.__main__ import main; main(sys.argv[1:]); "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program, *words, "--models", tmp_path], cwd=ROOT, check=False
    )

    assert finished.returncode == 0
