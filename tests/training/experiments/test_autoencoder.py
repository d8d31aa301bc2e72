"""Autoencoders, trained and served."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.conftest import drawn_digits, picture_config
from training.datasets.picture_sets import PictureSet
from training.drawing.out_of_distribution import out_of_distribution_pictures
from training.errors import CannotTrain
from training.experiments import autoencoder
from vitrine import bundle, loading

# An autoencoder that has learned nothing reconstructs noise best.
EPOCHS = 30


@pytest.fixture(scope="module")
def folder(
    drawn_set: PictureSet, idx_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A version that detects anomalies."""
    config = picture_config(drawn_set, idx_folder, tmp_path_factory.mktemp("models"))
    return autoencoder.train(
        replace(config, name="autoencoder", architecture="autoencoder", epochs=EPOCHS)
    )


def test_anomaly_score_is_higher_of_other_pictures_than_of_digits(folder: Path) -> None:
    network = keras.saving.load_model(folder / bundle.KERAS_NAME)
    digits = drawn_digits(40, seed=5)[0][..., np.newaxis]

    scores = {
        kind: autoencoder.score(network, pixels).mean()
        for kind, pixels in out_of_distribution_pictures(
            digits, "mnist", np.random.default_rng(0)
        ).items()
    }

    assert set(scores) == {"noise", "inverted", "shuffled", "letters"}
    assert min(scores.values()) > autoencoder.score(network, digits).mean()


def test_anomaly_is_served_with_its_credibility(folder: Path) -> None:
    model = loading.load_version(folder, threads=1)
    noise = np.random.default_rng(0).integers(0, 256, (1, 28, 28, 1), dtype=np.uint8)

    record = model.predict({"image": noise}).records(top=None)[0]

    assert set(record) == {"anomaly_score", "credibility"}
    # The least that so many calibrating pictures can give.
    calibrating = model.manifest.origin.split["calibration"]
    assert record["credibility"] == pytest.approx(1 / (calibrating + 1))


def test_r2_is_zero_for_the_mean_picture() -> None:
    pixels = np.array([[[[0]]], [[[255]]]], dtype=np.uint8)
    scores = np.array([0.25, 0.25], dtype=np.float32)

    assert autoencoder.r2_score(scores, pixels, pixels) == pytest.approx(0)
    assert autoencoder.r2_score(scores * 0, pixels, pixels) == 1


def test_autoencoder_below_the_least_score_publishes_nothing(
    drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    base = picture_config(drawn_set, idx_folder, tmp_path)

    with pytest.raises(CannotTrain, match="validation R2 must be at least 1"):
        autoencoder.train(replace(base, architecture="autoencoder", min_score=1.0))

    assert list(tmp_path.iterdir()) == []
