"""A draft becomes the next version or disappears; nothing in between is ever seen."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.bundles import ORIGIN, table_manifest
from tests.training.conftest import write_rents
from training.errors import CannotTrain
from training.publishing.draft import Draft
from vitrine import bundle, loading
from vitrine.bundle import Manifest


def fill(draft: Draft) -> None:
    """Write files that look like those of a bundle."""
    for name in (bundle.KERAS_NAME, bundle.ONNX_NAME, bundle.GOLDEN_NAME):
        (draft.folder / name).write_bytes(name.encode())


def numbered(version: int) -> Manifest:
    """Return a manifest with a number."""
    return msgspec.structs.replace(table_manifest(), version=version)


def publish(models: Path) -> Path:
    """Publish one more version."""
    with Draft(models, "rooms") as draft:
        fill(draft)
        return draft.publish(numbered, lambda manifest: f"version {manifest.version}")


def test_draft_becomes_the_next_free_version(tmp_path: Path) -> None:
    folders = [publish(tmp_path) for _ in range(3)]

    assert [folder.name for folder in folders] == ["1", "2", "3"]
    assert bundle.versions(tmp_path, "rooms") == [1, 2, 3]
    assert (folders[2] / "CARD.md").read_text() == "version 3"


def test_version_is_a_model_of_mlflow_too(tmp_path: Path) -> None:
    folder = publish(tmp_path)

    described = bundle.read_manifest(folder).files[bundle.MLMODEL_NAME]
    assert described == bundle.describe_file(folder / bundle.MLMODEL_NAME)


def test_manifest_lists_what_people_read(tmp_path: Path) -> None:
    with Draft(tmp_path, "rooms") as draft:
        fill(draft)
        (draft.folder / bundle.HISTORY_NAME).write_text("epoch,loss\n")
        (draft.plots / "loss.png").write_bytes(b"a plot")
        (draft.plots / "loss.svg").write_bytes(b"another plot")
        folder = draft.publish(numbered, lambda manifest: f"{manifest.report}")

    report = bundle.read_manifest(folder).report
    assert list(report) == ["CARD.md", "history.csv", "plots/loss.png"]
    for path, file in report.items():
        published = bundle.describe_file(folder / path)
        assert (file.sha256, file.size_bytes) == (published.sha256, published.size_bytes)
    assert (folder / bundle.CARD_NAME).read_text() == "{}"


def test_version_that_scores_below_the_default_one_is_not_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = msgspec.structs.replace(ORIGIN, split={"test": 100})

    def publish_scored(rmse: float) -> Manifest:
        def scored(version: int) -> Manifest:
            scores = {"test": {"rmse": rmse, "rmse_standard_error": 0.1}}
            return msgspec.structs.replace(numbered(version), scores=scores, origin=origin)

        with Draft(tmp_path, "rooms") as draft:
            fill(draft)
            return bundle.read_manifest(draft.publish(scored, lambda each: f"{each.default}"))

    manifests = [publish_scored(rmse) for rmse in (1.0, 2.0, 1.9, 1.1)]

    assert [manifest.default for manifest in manifests] == [True, False, False, True]
    assert (tmp_path / "rooms" / "3" / "CARD.md").read_text() == "False"
    printed = capsys.readouterr().out
    assert printed.count("Warning: ") == 2
    assert "vitrine change rooms --label stable=3\n" in printed


def test_draft_is_no_version_before_it_is_published(tmp_path: Path) -> None:
    with Draft(tmp_path, "rooms") as draft:
        fill(draft)
        bundle.write_manifest(numbered(1), draft.folder)

        assert bundle.versions(tmp_path, "rooms") == []
        assert bundle.list_versions(tmp_path) == {}


def test_unpublished_draft_leaves_nothing(tmp_path: Path) -> None:
    with Draft(tmp_path, "rooms") as draft:
        fill(draft)

    assert list(tmp_path.iterdir()) == []


def test_interrupted_draft_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Draft(tmp_path, "rooms") as draft:
        fill(draft)
        raise KeyboardInterrupt

    assert list(tmp_path.iterdir()) == []


def test_interrupted_draft_keeps_the_other_versions(tmp_path: Path) -> None:
    first = publish(tmp_path)

    with pytest.raises(KeyboardInterrupt), Draft(tmp_path, "rooms"):
        raise KeyboardInterrupt

    assert list((tmp_path / "rooms").iterdir()) == [first]


def test_number_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with Draft(tmp_path, "rooms") as slow:
        fill(slow)

        def card(manifest: Manifest) -> str:
            if manifest.version == 1:
                publish(tmp_path)
            return "slow"

        published = slow.publish(numbered, card)

    assert published.name == "2"
    assert bundle.read_manifest(published).version == 2
    assert (tmp_path / "rooms" / "1" / "CARD.md").read_text() == "version 1"


def test_folder_without_a_manifest_keeps_its_number(tmp_path: Path) -> None:
    (tmp_path / "rooms" / "4").mkdir(parents=True)

    assert publish(tmp_path).name == "5"


def test_published_folder_can_be_read_by_others(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        folder = publish(tmp_path)
    finally:
        os.umask(mask)

    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ["", "../digits", ".hidden", "a b", "x" * 65])
def test_name_that_cannot_be_served_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotTrain, match="--name must be"):
        Draft(tmp_path, name)


def test_models_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")

    with pytest.raises(CannotTrain, match="cannot be written to"):
        Draft(tmp_path / "models", "rooms")


SWALLOWED = """
import contextlib, os, signal, sys
from pathlib import Path
from tests.training.publishing.test_draft import publish
from training import interruption

interruption.listen()
with contextlib.suppress(KeyboardInterrupt):
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
try:
    publish(Path(sys.argv[2]))
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_swallowed_interrupt_publishes_nothing(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-c", SWALLOWED, name, str(tmp_path)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)

    assert ended.stdout == "interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_interrupted_training_leaves_nothing(tmp_path: Path) -> None:
    rents = write_rents(tmp_path / "rents.csv")
    command = [sys.executable, "-m", "training", "table", str(rents), "--target", "rent"]
    training = subprocess.Popen(
        [*command, "--name", "rents", "--models", str(tmp_path / "models")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )

    assert training.stdout is not None
    while "An ensemble" not in training.stdout.readline():
        assert training.poll() is None
    training.send_signal(signal.SIGINT)
    _, errors = training.communicate()

    assert training.returncode == 130
    # Whoever swallows the exception may say so first.
    assert errors.endswith("Interrupted. Nothing was published.\n")
    assert list((tmp_path / "models").iterdir()) == []


FILES = {
    "CARD.md",
    "golden.npz",
    bundle.MLMODEL_NAME,
    "history.csv",
    "manifest.json",
    "model.keras",
    "model.onnx",
}


MAX_BUNDLE_BYTES = 5_000_000


def test_bundle_holds_every_file(published: Path) -> None:
    assert {path.name for path in published.iterdir()} == FILES | {"plots"}


def test_bundle_is_small(published: Path) -> None:
    sizes = [path.stat().st_size for path in published.rglob("*") if path.is_file()]

    assert sum(sizes) < MAX_BUNDLE_BYTES


def test_bundle_is_loaded_with_its_golden_answers(published: Path) -> None:
    model = loading.load_version(published, threads=1)

    assert model.version == 1
