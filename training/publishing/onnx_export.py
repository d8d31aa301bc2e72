"""A network as Keras' own file and as ONNX."""

from pathlib import Path

import keras
import onnx
import tensorflow as tf
import tf2onnx

from training.publishing.onnx_fixes import replace_erfc
from training.publishing.onnx_indices import pass_indices_on
from training.publishing.onnx_optimisation import optimise
from vitrine import bundle
from vitrine.signature import Signature

# ONNX Runtime has run this version of the operations since 2022; no network here needs a newer one.
_OPSET = 17


def export_network(network: keras.Model, signature: Signature, folder: Path) -> onnx.ModelProto:
    """Write a network as Keras' own file and as ONNX.

    Args:
        network: The network.
        signature: Signature whose tensor names the ONNX file gets.
        folder: Folder of the bundle.

    Returns:
        The exported network.
    """
    network.save(folder / bundle.KERAS_NAME)
    names = [spec.tensor for spec in signature.inputs]
    specs = [
        tf.TensorSpec((None, *spec.shape), spec.dtype, name=spec.tensor)
        for spec in signature.inputs
    ]

    @tf.function(input_signature=specs, autograph=False)  # type: ignore[untyped-decorator]
    def call(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        feeds = dict(zip(names, tensors, strict=True))
        outputs: dict[str, tf.Tensor] = network(feeds, training=False)
        return outputs

    exported, _ = tf2onnx.convert.from_function(call, input_signature=specs, opset=_OPSET)
    replace_erfc(exported)
    pass_indices_on(exported)
    path = str(folder / bundle.ONNX_NAME)
    # Before it is optimised, which fails where ONNX lacks an operation: the file tells which one.
    onnx.save(exported, path)
    optimised = optimise(exported)
    onnx.save(optimised, path)
    return optimised
