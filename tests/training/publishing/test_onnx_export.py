"""Whatever activation a network has, the exported file runs and gives what Keras gives."""

from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers

from training.architectures.hidden import ACTIVATIONS, Hidden
from training.evaluation.multiply_adds import count_multiply_adds
from training.publishing.onnx_export import export_network
from vitrine import bundle
from vitrine.signature import NumberInput, Signature, ValueOutput

SIGNATURE = Signature(
    inputs=(
        NumberInput(
            name="size",
            tensor="size",
            dtype="float32",
            shape=(1,),
            minimum=None,
            maximum=None,
            median=None,
            blanks=False,
        ),
    ),
    outputs=(ValueOutput(name="value", tensor="value", dtype="float32", shape=(1,), unit=None),),
)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_exported_network_of_every_activation_gives_what_keras_gives(
    tmp_path: Path, activation: str
) -> None:
    hidden = Hidden(units=(6, 4), activation=activation, batch_normalization=True, dropout=0.1)
    size = keras.Input((1,), name="size")
    network = keras.Model({"size": size}, {"value": layers.Dense(1)(hidden(size))})
    sizes = np.linspace(-30, 30, 61, dtype=np.float32)[:, np.newaxis]

    exported = export_network(network, SIGNATURE, tmp_path)

    session = onnxruntime.InferenceSession(str(tmp_path / bundle.ONNX_NAME))
    (found,) = session.run(["value"], {"size": sizes})
    assert found == pytest.approx(network.predict({"size": sizes}, verbose=0)["value"], abs=1e-5)
    assert count_multiply_adds(exported, SIGNATURE) >= 6 + 6 * 4 + 4


def test_exported_file_runs_with_the_inputs_of_the_signature_alone(published: Path) -> None:
    manifest = bundle.read_manifest(published)
    session = onnxruntime.InferenceSession(published / bundle.ONNX_NAME)
    feeds = {
        spec.tensor: np.ones((3, *spec.shape), dtype=spec.dtype)
        for spec in manifest.signature.inputs
    }

    outputs = session.run([spec.tensor for spec in manifest.signature.outputs], feeds)

    assert {tensor.name for tensor in session.get_inputs()} == set(feeds)
    assert [output.shape for output in outputs] == [
        (3, *spec.shape) for spec in manifest.signature.outputs
    ]
