"""Two versions side by side."""

from pathlib import Path

import pytest

from tests.bundles import (
    write_table_bundle,
)
from tests.training.versions.conftest import made_from, rewrite, write_rooms
from training.__main__ import main


def test_diff_scores_both_versions_on_the_same_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_rooms(tmp_path / "rooms.csv")
    for version in (1, 2):
        folder = write_table_bundle(tmp_path / "models", version=version, more=version - 1.0)
        rewrite(folder, origin=made_from(file, test=10))

    models = str(tmp_path / "models")
    status = main(["diff", "rooms", "1", "2", "--models", models, "--file", str(file)])

    assert status == 0
    printed = capsys.readouterr().out
    assert "On 10 rows of rooms.csv:" in printed
    assert "was trained on other data" not in printed
    assert "answers by default" in printed
    assert "Half of the predictions differ by 1 or more" in printed
