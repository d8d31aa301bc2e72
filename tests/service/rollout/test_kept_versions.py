"""Copies of versions: of what has passed its trial, whole, and only while they are needed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.rollout.kept_versions import KeptVersions
from service.rollout.trial import Outcome, Request
from tests.bundles import rewrite_manifest, table_manifest, write_report, write_table_bundle
from tests.workers import open_trials, try_here
from vitrine import bundle
from vitrine.loading import load_version

VERSION = ("rooms", 1)


def kept_in(folder: Path, *, run: Callable[[Request], Outcome] = try_here) -> KeptVersions:
    """Return copies of the models beside them."""
    trials = open_trials(folder / "models", folder, run=run)
    return KeptVersions(folder / "models", folder / "kept", trials)


def test_copy_is_loaded_without_the_original(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path / "models")
    (folder / bundle.KERAS_NAME).write_bytes(b"of no use here")
    rewrite_manifest(folder, table_manifest())
    kept = kept_in(tmp_path)

    assert kept.take(VERSION) is None
    shutil.rmtree(tmp_path / "models")

    assert load_version(kept.folder / "rooms/1", threads=1).version == 1
    assert not (kept.folder / "rooms/1" / bundle.KERAS_NAME).exists()


def test_copy_has_the_report_without_what_is_missing_or_was_changed(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path / "models")
    written = write_report(folder)
    (folder / "history.csv").unlink()
    (folder / "CARD.md").write_bytes(b"another card")
    kept = kept_in(tmp_path)

    assert kept.take(VERSION) is None
    shutil.rmtree(tmp_path / "models")

    copied = {path: kept.folder / "rooms/1" / path for path in written}
    assert {path: file.read_bytes() for path, file in copied.items() if file.exists()} == {
        "plots/loss.png": written["plots/loss.png"]
    }
    assert load_version(kept.folder / "rooms/1", threads=1).version == 1


def test_version_that_fails_its_trial_is_not_copied(tmp_path: Path) -> None:
    (write_table_bundle(tmp_path / "models") / bundle.ONNX_NAME).unlink()
    kept = kept_in(tmp_path)

    assert kept.take(VERSION) == "model.onnx cannot be read: No such file or directory."
    assert not kept.folder.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (bundle.MANIFEST_NAME, "The version was changed while it was tried."),
        (bundle.ONNX_NAME, "model.onnx does not have the bytes that were published."),
    ],
)
def test_version_that_changes_during_its_trial_is_refused(
    tmp_path: Path, name: str, reason: str
) -> None:
    folder = write_table_bundle(tmp_path / "models")

    def try_and_change(request: Request) -> Outcome:
        outcome = try_here(request)
        with (folder / name).open("ab") as stream:
            stream.write(b" ")
        return outcome

    kept = kept_in(tmp_path, run=try_and_change)

    assert kept.take(VERSION) == reason
    assert list(kept.folder.glob("rooms/*")) == []
    assert list(kept.folder.glob(".*")) == []


def test_version_is_served_without_a_copy_where_none_can_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_table_bundle(tmp_path / "models")
    (tmp_path / "kept").write_text("not a folder")

    assert kept_in(tmp_path).take(VERSION) is None
    assert [record.message for record in caplog.records] == ["no copy of a version is kept"]


def test_copy_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_table_bundle(tmp_path / "models")
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    kept = kept_in(tmp_path)

    assert kept.take(VERSION) is None
    assert not (kept.folder / "rooms/1").exists()
    assert caplog.records[0].__dict__["fields"]["reason"] == "there is too little room"


def test_copy_that_is_being_made_stays(tmp_path: Path) -> None:
    kept = kept_in(tmp_path)
    being_made = {number: kept.folder / f".half/rooms/{number}" for number in (1, 2)}
    for path in being_made.values():
        path.mkdir(parents=True)

    kept.keep_only([VERSION])

    assert being_made[1].exists()
    assert not being_made[2].exists()
