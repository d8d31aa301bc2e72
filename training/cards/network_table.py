"""The layers of a network, its parameters and its cost."""

from collections.abc import Iterator

import keras

from training.cards.markdown import table
from vitrine.bundle import Manifest


def network_text(manifest: Manifest, network: keras.Model | None) -> str:
    """Return a table of the layers with sentences on parameters, cost and export.

    Args:
        manifest: Description of the version.
        network: The network; None where there is only an exported one.
    """
    if network is None:
        return f"The bundle holds an ONNX file alone. {_cost(manifest)}"
    fixed = network.count_params() - manifest.parameters
    return (
        f"{_layer_table(network)}\n\n"
        f"The network has {manifest.parameters:,} trainable parameters and {fixed:,} fixed ones. "
        f"{_cost(manifest)} {_export(manifest)}"
    )


def _layer_table(network: keras.Model) -> str:
    rows = [
        [layer.name, type(layer).__name__, _shape(layer), f"{layer.count_params():,}"]
        for layer in _layers(network)
    ]
    return table(["layer", "kind", "output", "parameters"], rows)


def _layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def _shape(layer: keras.layers.Layer) -> str:
    output = layer.output
    return "" if isinstance(output, list | tuple | dict) else " x ".join(map(str, output.shape[1:]))


def _cost(manifest: Manifest) -> str:
    if manifest.multiply_adds is None:
        return "The multiply-adds of an instance could not be counted."
    return f"An instance costs {manifest.multiply_adds:,} multiply-adds in the exported file."


def _export(manifest: Manifest) -> str:
    if manifest.onnx_difference is None:
        return "There is no exported file: TensorFlow runs the network."
    instances = "the validation part"
    if not manifest.scores:
        # Only an import with a sample has a dialect.
        sample = " and on rows of the sample" if manifest.dialect is not None else ""
        instances = f"instances made by code{sample}"
    return (
        "The exported file differs from Keras by at most "
        f"{manifest.onnx_difference:.1e} on {instances}."
    )
