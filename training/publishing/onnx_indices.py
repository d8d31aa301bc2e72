"""Indices of look-ups, without the operations that ONNX does not need for them."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

_Producers = Mapping[str, onnx.NodeProto]
_Constants = Mapping[str, NDArray[Any]]


def pass_indices_on(network: onnx.ModelProto) -> None:
    """Let every Gather take its indices as they are, in place.

    Keras looks up `where(i < 0, i + size, i)`, which tf2onnx writes as eight operations. ONNX's
    Gather counts negative indices from the end by itself.
    """
    graph = network.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type == "Gather":
            node.input[1] = _before_correction(node.input[1], producers, constants)
    _remove_unused(graph)


def _before_correction(name: str, producers: _Producers, constants: _Constants) -> str:
    """Return the name of the indices that are corrected; the same name where none are."""
    # The sum of Cast(i < 0) * (i + size) and i * Cast(Not(i < 0)).
    products = [_inputs(each, "Mul", producers) for each in _inputs(name, "Add", producers)]
    if [len(product) for product in products] != [2, 2]:
        return name
    (is_negative, from_end), (index, is_other) = products
    (less,) = _inputs(is_negative, "Cast", producers) or [""]
    (compared, zero) = _inputs(less, "Less", producers) or ["", ""]
    (negated,) = _inputs(is_other, "Cast", producers) or [""]
    is_correction = (
        [less] == _inputs(negated, "Not", producers)
        and index in _inputs(from_end, "Add", producers)
        and (compared == index or [index] == _inputs(compared, "Cast", producers))
        and not np.any(constants.get(zero, True))
    )
    return index if is_correction else name


def _inputs(name: str, kind: str, producers: _Producers) -> list[str]:
    """Return the inputs of the operation that makes a tensor; none if it is of another kind."""
    node = producers.get(name)
    return list(node.input) if node is not None and node.op_type == kind else []


def _remove_unused(graph: onnx.GraphProto) -> None:
    used = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):  # every node stands behind those whose outputs it takes
        if used.isdisjoint(node.output):
            continue
        kept.append(node)
        used.update(_taken(node))
    _replace(graph.node, reversed(kept))
    _replace(graph.initializer, [each for each in graph.initializer if each.name in used])


def _taken(node: onnx.NodeProto) -> set[str]:
    """Return the tensors that a node takes, those of the graphs inside of it too."""
    inner = (each for attribute in node.attribute for each in attribute.g.node)
    return {*node.input}.union(*map(_taken, inner))


def _replace(field: Any, messages: Iterable[Any]) -> None:
    kept = list(messages)
    del field[:]
    field.extend(kept)
