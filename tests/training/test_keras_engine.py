"""A bundle without an ONNX file is run by TensorFlow where that is installed."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.bundles import rewrite_manifest, table_manifest, write_table_bundle
from vitrine import bundle, loading
from vitrine.bundle import InvalidBundle
from vitrine.engines import load_engine


def publish_keras_bundle(models: Path, *, factor: float) -> Path:
    """Publish factor * size + the colour's code as a Keras file alone."""
    size = keras.Input((1,), name="size", dtype="float32")
    colour = keras.Input((1,), name="colour", dtype="int32")
    value = keras.layers.Rescaling(factor)(size) + keras.ops.cast(colour, "float32")
    network = keras.Model({"size": size, "colour": colour}, {"value": value})
    folder = write_table_bundle(models)
    (folder / bundle.ONNX_NAME).unlink()
    network.save(folder / bundle.KERAS_NAME)
    rewrite_manifest(folder, table_manifest())
    return folder


def test_keras_file_alone_gives_the_golden_answers(tmp_path: Path) -> None:
    folder = publish_keras_bundle(tmp_path, factor=10.0)

    model = loading.load_version(folder, threads=1)

    instances = {
        "size": np.array([3.0, 4.0, 5.0], dtype=np.float32),
        "colour": np.array(["blue", "red", None], dtype=object),
    }
    np.testing.assert_allclose(model.predict(instances).values, [32.0, 43.0, 50.0])


def test_keras_file_with_other_weights_is_refused(tmp_path: Path) -> None:
    folder = publish_keras_bundle(tmp_path, factor=11.0)

    with pytest.raises(InvalidBundle, match="golden answers differ"):
        loading.load_version(folder, threads=1)


def test_damaged_keras_file_is_refused(tmp_path: Path) -> None:
    folder = publish_keras_bundle(tmp_path, factor=10.0)
    (folder / bundle.KERAS_NAME).write_bytes(b"PK not a network")

    with pytest.raises(InvalidBundle, match="cannot be opened"):
        load_engine(folder, bundle.read_manifest(folder), threads=1)
