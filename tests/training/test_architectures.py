"""Every architecture for pictures becomes a version that the service loads and asks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from tests.training.conftest import drawn_digits, picture_config
from training.architectures.autoencoder import autoencoder as redrawer
from training.architectures.pictures import PICTURE_ARCHITECTURES
from training.commands.images import ARCHITECTURES, find_trainer
from training.datasets.picture_sets import PictureSet
from training.drawing.out_of_distribution import out_of_distribution_pictures
from training.errors import CannotTrain
from training.experiments import autoencoder, numpy_network, pictures
from vitrine import bundle, loading

# An autoencoder that has learned nothing redraws noise best.
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


def test_network_in_numpy_is_fitted_by_numpy() -> None:
    assert find_trainer("numpy") is numpy_network.train


@pytest.mark.parametrize(
    "asked", [{"reduce_patience": 2}, {"tensorboard": Path("logs")}], ids=["rate", "TensorBoard"]
)
def test_network_in_numpy_refuses_what_keras_watches(
    asked: dict[str, Any], drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    base = picture_config(drawn_set, idx_folder, tmp_path)

    with pytest.raises(CannotTrain, match="--reduce-lr and --tensorboard"):
        numpy_network.train(replace(base, architecture="numpy", **asked))


def test_every_architecture_has_a_recipe() -> None:
    assert set(pictures.RECIPES) == set(ARCHITECTURES)


FITS = {"mlp": pictures.fit, "numpy": numpy_network.fit}


@pytest.mark.parametrize("name", FITS)
def test_same_seed_gives_the_same_weights(
    name: str, drawn_set: PictureSet, idx_folder: Path
) -> None:
    config = replace(picture_config(drawn_set, idx_folder, Path()), architecture=name)
    parts = pictures.read(config)
    learned = []
    for _ in range(2):
        keras.utils.set_random_seed(config.seed)
        network = PICTURE_ARCHITECTURES[name]((28, 28, 1), 10)
        FITS[name](network, parts, config)
        learned.append(network.get_weights())

    for first, second in zip(*learned, strict=True):
        np.testing.assert_array_equal(first, second)


def test_numpy_weights_are_those_of_the_best_epoch(drawn_set: PictureSet, idx_folder: Path) -> None:
    config = replace(picture_config(drawn_set, idx_folder, Path()), architecture="numpy", epochs=3)
    parts = pictures.read(config)
    network = PICTURE_ARCHITECTURES["numpy"]((28, 28, 1), 10)

    history = numpy_network.fit(network, parts, config)

    learner = keras.Model(network.input, network.output["probabilities"])
    learner.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    found = learner.evaluate({"image": parts.validation.x}, parts.validation.y, verbose=0)
    best = [history.measures[name][history.kept - 1] for name in ("val_loss", "val_accuracy")]
    assert found == pytest.approx(best, rel=1e-4)


def test_anomaly_score_is_higher_of_strangers_than_of_digits(folders: dict[str, Path]) -> None:
    network = keras.saving.load_model(folders["autoencoder"] / bundle.KERAS_NAME)
    digits = drawn_digits(40, seed=5)[0][..., np.newaxis]

    scores = {
        kind: autoencoder.score(network, pixels).mean()
        for kind, pixels in out_of_distribution_pictures(
            digits, "mnist", np.random.default_rng(0)
        ).items()
    }

    assert set(scores) == {"noise", "inverted", "shuffled", "letters"}
    assert min(scores.values()) > autoencoder.score(network, digits).mean()


def test_anomaly_score_is_the_mean_squared_error() -> None:
    keras.utils.set_random_seed(0)
    network = redrawer((28, 28, 1))
    pixels = drawn_digits(3, seed=5)[0][..., np.newaxis]

    outputs = network.predict({"image": pixels}, verbose=0)

    errors = np.square(pixels / 255 - outputs["reconstruction"]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(outputs["anomaly"][:, 0], errors, rtol=1e-5)


def test_anomaly_is_served_with_its_credibility(folders: dict[str, Path]) -> None:
    model = loading.load_version(folders["autoencoder"], threads=1)
    noise = np.random.default_rng(0).integers(0, 256, (1, 28, 28, 1), dtype=np.uint8)

    record = model.predict({"image": noise}).records(top=None)[0]

    assert set(record) == {"anomaly_score", "credibility"}
    # The least that so many calibrating pictures can give.
    calibrating = model.manifest.origin.split["calibration"]
    assert record["credibility"] == pytest.approx(1 / (calibrating + 1))


def test_explained_is_nothing_for_the_mean_picture() -> None:
    pixels = np.array([[[[0]]], [[[255]]]], dtype=np.uint8)
    scores = np.array([0.25, 0.25], dtype=np.float32)

    assert autoencoder.explained(scores, pixels, pixels) == pytest.approx(0)
    assert autoencoder.explained(scores * 0, pixels, pixels) == 1


def test_autoencoder_below_the_least_score_publishes_nothing(
    drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    base = picture_config(drawn_set, idx_folder, tmp_path)

    with pytest.raises(CannotTrain, match="validation R2 must be at least 1"):
        autoencoder.train(replace(base, architecture="autoencoder", min_score=1.0))

    assert list(tmp_path.iterdir()) == []
