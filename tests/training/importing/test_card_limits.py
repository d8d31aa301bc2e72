"""The card of an imported network says nothing that is not known."""

from pathlib import Path

from tests.training.importing.conftest import import_file, softmax_network
from training.importing.options import ImportOptions
from vitrine import bundle


def test_card_of_an_imported_network_invents_nothing(tmp_path: Path) -> None:
    softmax_network().save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", ImportOptions(levels="0-1"))

    card = (folder / "CARD.md").read_text()
    assert "the network was trained elsewhere, on data that is not known." in card
    assert "Imported from `own.keras`. What it was trained on is not known" in card
    manifest = bundle.read_manifest(folder)
    assert (manifest.scores, manifest.calibration, manifest.origin.split) == ({}, None, {})
    assert manifest.origin.data_sha256 == bundle.describe_file(tmp_path / "own.keras").sha256
