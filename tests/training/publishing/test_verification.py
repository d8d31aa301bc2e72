"""The exported file predicts what the saved network predicts."""

from pathlib import Path

import keras
import numpy as np
import onnxruntime

from vitrine import bundle


def test_exported_file_agrees_with_the_saved_network(published: Path) -> None:
    manifest = bundle.read_manifest(published)
    network = keras.saving.load_model(published / bundle.KERAS_NAME)
    session = onnxruntime.InferenceSession(published / bundle.ONNX_NAME)
    rng = np.random.default_rng(0)
    feeds = {
        spec.tensor: rng.integers(0, 3, (5, *spec.shape)).astype(spec.dtype)
        for spec in manifest.signature.inputs
    }
    output = manifest.signature.prediction.tensor

    expected = network.predict(feeds, verbose=0)[output]

    np.testing.assert_allclose(session.run([output], feeds)[0], expected, rtol=1e-5, atol=1e-6)


def test_manifest_states_the_difference_of_the_exported_file(published: Path) -> None:
    difference = bundle.read_manifest(published).onnx_difference

    assert difference is not None
    assert 0 <= difference < 1e-5
