"""What is told of a version that has just been published."""

from pathlib import Path

import msgspec
import pytest

from tests.bundles import ORIGIN, rewrite_manifest, write_table_bundle
from training.publishing.report import print_report
from vitrine import bundle


def publish(models: Path, version: int, *, rmse: float | None, data: str = "0" * 64) -> Path:
    """Write a version with a score on a test part."""
    folder = write_table_bundle(models, version=version)
    scores = {} if rmse is None else {"test": {"rmse": rmse, "rmse_standard_error": 0.25}}
    origin = msgspec.structs.replace(ORIGIN, data_sha256=data, split={"test": 100})
    manifest = msgspec.structs.replace(bundle.read_manifest(folder), scores=scores, origin=origin)
    (folder / bundle.MANIFEST_NAME).unlink()
    rewrite_manifest(folder, manifest)
    return folder


def test_report_tells_score_card_and_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = publish(tmp_path / "models", 1, rmse=2.5)

    print_report(folder, Path("rooms of mine.csv"))

    assert capsys.readouterr().out.splitlines() == [
        "Test RMSE of version 1: 2.5 ± 0.25.",
        f"Card: {folder}/CARD.md",
        "Serve it, in another terminal:",
        f"  VITRINE_MODELS={tmp_path}/models vitrine serve",
        "Ask it:",
        "  curl -H 'Content-Type: text/csv' --data-binary '@rooms of mine.csv' "
        "http://127.0.0.1:8080/models/rooms/predict",
    ]


def test_usual_folder_of_models_needs_no_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    print_report(publish(Path("models"), 1, rmse=2.5), None)

    assert "  vitrine serve\n" in capsys.readouterr().out


BEFORE = {
    "same test": (2.0, "0" * 64, "Version 1, the default until now: 2 ± 0.25 in the same test."),
    "other data": (
        2.0,
        "1" * 64,
        "Version 1, the default until now: RMSE 2 ± 0.25 in a test on other data.",
    ),
    "no score": (None, "0" * 64, "Version 1, the default until now, has no test score."),
}


@pytest.mark.parametrize(("rmse", "data", "text"), BEFORE.values(), ids=BEFORE)
def test_score_of_the_version_before_stands_beside(
    rmse: float | None, data: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path, 1, rmse=rmse, data=data)

    print_report(publish(tmp_path, 2, rmse=1.5), None)

    assert f"Test RMSE of version 2: 1.5 ± 0.25. {text}" in capsys.readouterr().out


def test_imported_version_has_no_test_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_report(publish(tmp_path, 1, rmse=None), None)

    assert "There is no test score: the network was trained elsewhere." in capsys.readouterr().out
