"""Every architecture for pictures becomes a version that the service loads."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from tests.training.conftest import picture_config
from training.architectures.pictures import PICTURE_ARCHITECTURES
from training.commands.images import ARCHITECTURES, find_trainer
from training.datasets.picture_sets import PictureSet
from vitrine import bundle, loading

# An autoencoder that has learned nothing reconstructs noise best.
EPOCHS = {"autoencoder": 30}


@pytest.fixture(scope="module")
def folders(
    drawn_set: PictureSet, idx_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A version of every architecture but the default."""
    models = tmp_path_factory.mktemp("models")
    base = picture_config(drawn_set, idx_folder, models)
    return {
        name: find_trainer(name)(
            replace(base, name=name, architecture=name, epochs=EPOCHS.get(name, 1))
        )
        for name in ARCHITECTURES
        if name != base.architecture
    }


@pytest.fixture(params=[name for name in ARCHITECTURES if name != "cnn"])
def published(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    """One of these versions."""
    return folders[request.param]


def test_version_is_loaded_with_its_golden_answers(published: Path) -> None:
    assert loading.load_version(published, threads=1).version == 1


def test_saved_network_opens_without_our_code(published: Path) -> None:
    network = keras.saving.load_model(published / bundle.KERAS_NAME)

    manifest = bundle.read_manifest(published)
    assert set(network.output) == {spec.tensor for spec in manifest.signature.outputs}


def test_history_has_every_epoch(published: Path) -> None:
    lines = (published / "history.csv").read_text().splitlines()

    assert len(lines) == 1 + EPOCHS.get(published.parent.name, 1)
    assert {"loss", "val_loss"} <= set(lines[0].split(","))


def test_row_reader_is_one_operation(folders: dict[str, Path]) -> None:
    operations = [node.op_type for node in onnx.load(folders["lstm"] / bundle.ONNX_NAME).graph.node]

    assert operations.count("LSTM") == 1
    assert "Loop" not in operations


def test_row_reader_is_given_row_after_row() -> None:
    network = PICTURE_ARCHITECTURES["lstm"]((4, 3, 2), 5)
    (reader,) = (layer for layer in network.layers if isinstance(layer, keras.layers.LSTM))
    pixels = np.arange(24, dtype=np.float32).reshape(1, 4, 3, 2)

    taken = keras.Model(network.input, reader.input)({"image": pixels})

    np.testing.assert_allclose(taken[0], [row.ravel() / 255 for row in pixels[0]], rtol=1e-6)
