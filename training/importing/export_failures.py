"""Why a network cannot be exported as ONNX, in words about its layers."""

import re
from pathlib import Path

import keras
import onnx

from training.errors import CannotTrain
from training.importing.refusals import first_line
from vitrine import bundle


def explain_failure(error: Exception, network: keras.Model, folder: Path) -> str:
    """Return which layer cannot be exported and why, as a sentence.

    Args:
        error: What the export, or the comparison of the exported file with Keras, raised.
        network: The network.
        folder: Folder that the file may have been written to.
    """
    file = folder / bundle.ONNX_NAME
    for node in onnx.load(str(file)).graph.node if file.exists() else ():
        if not onnx.defs.has(node.op_type, node.domain):
            return f"{_layer_in(node.name, network)} needs {node.op_type}, which ONNX lacks."
    if isinstance(error, CannotTrain):
        return f"The exported file predicts other numbers. {error}"
    if isinstance(error, bundle.InvalidBundle):
        return f"The exported file cannot be used. {str(error).removeprefix(f'{folder}: ')}"
    return f"{_layer_in(str(error), network)} cannot be converted: {first_line(error)}."


def _layer_in(text: str, network: keras.Model) -> str:
    """Name the layer whose name is in a text; the longest name if there are several."""
    named = [
        layer
        for layer in network.layers
        if re.search(rf"\b{re.escape(layer.name)}(?!\w*[a-z])", text)
    ]
    if not named:
        return "An operation of the network"
    layer = max(named, key=lambda each: len(each.name))
    return f"The layer {layer.name} ({type(layer).__name__})"
