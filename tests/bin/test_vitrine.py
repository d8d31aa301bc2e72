"""The command `vitrine`, as the environments that `make` writes run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT


def vitrine(
    *words: str, options: tuple[str, ...] = (), folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, its interpreter with options."""
    return subprocess.run(
        [sys.executable, *options, ROOT / "bin/vitrine", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_the_commands_of_the_service_and_of_training() -> None:
    shown = vitrine("--help").stdout

    assert shown.startswith("usage: vitrine [-h]")
    listed = {line.split()[0] for line in shown.splitlines() if line.startswith("    ")}
    assert listed >= {"serve", "score", "status", "load", "unload", "rollback", "change", "index"}
    assert "train" in listed


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (("score",), "usage: vitrine score "),
        (("train",), "usage: vitrine train "),
        (("train", "table", "--hidden"), "usage: vitrine train table "),
    ],
    ids=["service", "training", "command of training"],
)
def test_usage_names_the_command_as_it_was_typed(words: tuple[str, ...], usage: str) -> None:
    finished = vitrine(*words)

    assert finished.returncode == 2
    assert finished.stderr.startswith(usage)


def test_command_runs_in_a_folder_with_packages_of_the_same_names(tmp_path: Path) -> None:
    for package in ("service", "vitrine"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('somebody else')")

    finished = vitrine("index", ".", folder=tmp_path)

    assert (finished.returncode, finished.stdout) == (0, '{"models":{}}\n')


def test_training_that_is_not_installed_is_said_in_a_sentence() -> None:
    # Without the folder of installed packages, as in the environment of the service.
    finished = vitrine("train", "images", options=("-S",))

    assert finished.returncode == 1
    assert finished.stderr == (
        "Training has an environment of its own: run `make .venv/training/installed`, then "
        "`.venv/training/bin/vitrine train`.\n"
    )
