"""The novelty that is added to a classifier of pictures."""

from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bundles import picture_manifest
from training.architectures.novelty import with_novelty
from training.architectures.pictures import mlp
from training.datasets.picture_sets import PictureSet
from training.drawing.digits import DIGITS
from training.experiments.pictures.publish import picture_input, picture_signature
from training.publishing.onnx_export import export_network
from vitrine import bundle
from vitrine.engines import load_engine

Values = NDArray[np.float32]


@pytest.fixture(scope="module")
def pictures() -> Values:
    """Pictures of noise."""
    return np.random.default_rng(0).integers(0, 256, (12, 28, 28, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def classifier() -> keras.Model:
    """A classifier that has learned nothing."""
    keras.utils.set_random_seed(0)
    return mlp((28, 28, 1), 10)


@pytest.fixture(scope="module")
def prototypes(classifier: keras.Model, pictures: Values) -> Values:
    """The directions of the first five pictures' features."""
    features: Values = classifier.predict({"image": pictures}, verbose=0)["features"][:5]
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def doubting(classifier: keras.Model, prototypes: Values) -> keras.Model:
    """The classifier with novelty."""
    return with_novelty(classifier, prototypes)


def test_novelty_is_one_less_the_largest_cosine(
    doubting: keras.Model, classifier: keras.Model, prototypes: Values, pictures: Values
) -> None:
    features = classifier.predict({"image": pictures}, verbose=0)["features"]
    lengths = np.linalg.norm(features, axis=1, keepdims=True)

    outputs = doubting.predict({"image": pictures}, verbose=0)

    expected = 1 - (features / lengths @ prototypes.T).max(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs["novelty"], expected, atol=1e-6)
    assert outputs["novelty"][5:].min() > 1e-3


def test_novelty_of_a_prototype_is_nothing(doubting: keras.Model, pictures: Values) -> None:
    outputs = doubting.predict({"image": pictures[:5]}, verbose=0)

    np.testing.assert_allclose(outputs["novelty"], 0, atol=1e-6)


def test_novelty_leaves_probabilities_as_they_are(
    doubting: keras.Model, classifier: keras.Model, pictures: Values
) -> None:
    before, after = (
        network.predict({"image": pictures}, verbose=0)["probabilities"]
        for network in (classifier, doubting)
    )

    np.testing.assert_array_equal(before, after)


def test_novelty_runs_exported_with_the_inputs_of_the_signature_alone(
    doubting: keras.Model, drawn_set: PictureSet, pictures: Values, tmp_path: Path
) -> None:
    signature = picture_signature(picture_input(drawn_set, (28, 28, 1)), DIGITS, calibrated=True)
    export_network(doubting, signature, tmp_path)
    files = {bundle.ONNX_NAME: bundle.describe_file(tmp_path / bundle.ONNX_NAME)}
    manifest = msgspec.structs.replace(picture_manifest(), signature=signature, files=files)

    outputs = load_engine(tmp_path, manifest, threads=1)({"image": pictures})

    expected = doubting.predict({"image": pictures}, verbose=0)
    assert set(outputs) == {"probabilities", "novelty"}
    for name, values in outputs.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-6)


def test_novelty_survives_saving(doubting: keras.Model, pictures: Values, tmp_path: Path) -> None:
    doubting.save(tmp_path / "model.keras")

    opened = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)

    before, after = (
        network.predict({"image": pictures}, verbose=0)["novelty"] for network in (doubting, opened)
    )
    np.testing.assert_array_equal(before, after)
