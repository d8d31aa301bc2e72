"""The graph of a Keras network: inlined, connected to other arrays, and followed from its inputs.

Keras has no public way to the calls of a graph, so this module uses private parts of the pinned
version: `_run_through_graph`, and the nodes of operations.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

# A layer or an operation -> what computes in its place.
Replace = Callable[[Any], Any]


def connect(network: keras.Model, arrays: list[Any], replace: Replace) -> list[Any]:
    """Connect the layers of a network to other arrays.

    The networks within the network are dissolved into their layers.

    Args:
        network: The network.
        arrays: Arrays in the order of the network's inputs.
        replace: Says what computes in the place of each layer and operation.

    Returns:
        The outputs of the network, in order.
    """

    def within(operation: Any) -> Any:
        if isinstance(operation, keras.Model):
            return lambda given, **_: _single(
                connect(operation, _as_declared(operation, given), replace)
            )
        compute = replace(operation)
        return lambda *given, **named: compute(*_as_arrays(given), **_as_arrays(named))

    graph = keras.Model(network.inputs, network.outputs)
    outputs: list[Any] = keras.tree.flatten(graph._run_through_graph(arrays, operation_fn=within))
    return outputs


def _as_arrays(given: Any) -> Any:
    """Return arguments whose constants are arrays: an ONNX file would take tensors as inputs."""
    return keras.tree.map_structure(
        lambda each: np.asarray(each) if ops.is_tensor(each) else each, given
    )


def _as_declared(network: keras.Model, given: Any) -> list[Any]:
    """Return arrays with the types that the inputs of a network have."""
    return [
        each if each.dtype == declared.dtype else ops.cast(each, declared.dtype)
        for each, declared in zip(keras.tree.flatten(given), network.inputs, strict=True)
    ]


def _single(outputs: list[Any]) -> Any:
    return outputs[0] if len(outputs) == 1 else outputs


def inline(network: keras.Model) -> keras.Model:
    """Return a network of the same layers without networks in it."""
    inputs = [
        keras.Input(batch_shape=each.shape, dtype=each.dtype, name=each.name)
        for each in network.inputs
    ]
    outputs = connect(network, inputs, _named_once())
    return keras.Model(inputs, outputs)


def _named_once() -> Replace:
    """Return what leaves each layer as it is, but for its name.

    TensorFlow takes few characters in a name, and two layers must not have the same.
    """
    owners: dict[str, Any] = {}

    def rename(operation: Any) -> Any:
        operation.name = name = re.sub(r"[^A-Za-z0-9_.>-]|^[^A-Za-z0-9.]", ".", operation.name)
        number = 1
        while owners.setdefault(operation.name, operation) is not operation:
            number += 1
            operation.name = f"{name}_{number}"
        return operation

    return rename


def callers(network: keras.Model, array: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Yield what takes an array in an inlined network, with its outputs."""
    for operation in network.operations:
        for node in operation._inbound_nodes:
            if any(each is array for each in node.input_tensors):
                yield operation, node.output_tensors
