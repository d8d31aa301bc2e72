"""Operations that tf2onnx writes although ONNX does not have them."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

_ONE = "one_for_erfc"


def replace_erfc(network: onnx.ModelProto) -> None:
    """Replace every Erfc by 1 - Erf, in place.

    Keras writes GELU with TensorFlow's Erfc. tf2onnx passes it on, but ONNX has no such operation.
    """
    graph = network.graph
    if not any(node.op_type == "Erfc" for node in graph.node):
        return
    nodes = [replacement for node in graph.node for replacement in _without_erfc(node)]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.append(numpy_helper.from_array(np.float32(1.0), _ONE))


def _without_erfc(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    if node.op_type != "Erfc":
        return [node]
    (taken,), (given,) = node.input, node.output
    erf = f"{given}/erf"
    return [
        helper.make_node("Erf", [taken], [erf], name=f"{node.name}/erf"),
        helper.make_node("Sub", [_ONE, erf], [given], name=node.name),
    ]
