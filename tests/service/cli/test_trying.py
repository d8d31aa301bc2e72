"""The command `try`: each version as a server would try it, and the file of those that passed."""

import json
from pathlib import Path

import pytest

from service.cli import trying
from tests.bundles import write_table_bundle
from tests.hostile import write_hostile_bundle
from vitrine import bundle


def test_what_passes_is_written_down_and_what_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_TRIED", str(tmp_path / "tried.json"))
    good = write_table_bundle(tmp_path / "models")
    bad = write_hostile_bundle(tmp_path / "models", "absolute external data", version=2)

    with pytest.raises(SystemExit, match=f"{bad}: model.onnx cannot be opened"):
        trying.run(tmp_path / "models")

    written = json.loads((tmp_path / "tried.json").read_bytes())
    assert list(written["passed"]) == [bundle.manifest_digest(good)]


@pytest.mark.parametrize(
    ("setting", "message"),
    [("tried.json", "cannot be read or written: No such file"), ("", "must not be empty")],
)
def test_what_cannot_be_read_or_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, message: str
) -> None:
    monkeypatch.setenv("VITRINE_TRIED", setting)

    with pytest.raises(SystemExit, match=message):
        trying.run(tmp_path / "absent")


def test_bad_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VITRINE_TRIAL_SECONDS", "soon")

    with pytest.raises(SystemExit, match="VITRINE_TRIAL_SECONDS must be of type float"):
        trying.run(tmp_path)
