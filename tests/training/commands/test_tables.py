"""The command `table` trains and publishes."""

from pathlib import Path

import pytest

from tests.training.conftest import write_rents
from training.__main__ import main
from vitrine import bundle


def test_table_is_trained_and_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_rents(tmp_path / "rents.csv", rows=30)
    models = tmp_path / "models"

    status = main(
        [
            *("table", str(file), "--target", "rent", "--name", "rents", "--models", str(models)),
            *("--ignore", "built", "--categorical", "row", "--epochs", "1", "--unit", "EUR"),
        ]
    )

    assert status == 0
    printed = capsys.readouterr().out
    assert f"Written: {models / 'rents' / '1'}" in printed
    assert f"Card: {models / 'rents' / '1' / 'CARD.md'}" in printed
    assert f"--data-binary @{file} http://127.0.0.1:8080/models/rents/predict" in printed
    manifest = bundle.read_manifest(models / "rents" / "1")
    assert [spec.name for spec in manifest.signature.inputs] == ["row", "size [m2]", "district"]
    assert manifest.origin.command == (
        "python -m training table rents.csv --target rent --name rents --models models "
        "--ignore built --categorical row --epochs 1 --unit EUR"
    )
