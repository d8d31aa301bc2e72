"""An ONNX file as tf2onnx writes it -> one with nothing but ONNX' own operations.

tf2onnx passes TensorFlow's Erfc on, in which Keras writes GELU and which ONNX does not have.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

_ONE = "one_for_erfc"


def spell_out(network: onnx.ModelProto) -> None:
    """Put 1 - Erf in the place of every Erfc."""
    graph = network.graph
    if not any(node.op_type == "Erfc" for node in graph.node):
        return
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "Erfc":
            (taken,), (given,) = node.input, node.output
            erf = f"{given}/erf"
            nodes.append(helper.make_node("Erf", [taken], [erf], name=f"{node.name}/erf"))
            nodes.append(helper.make_node("Sub", [_ONE, erf], [given], name=node.name))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.append(numpy_helper.from_array(np.float32(1.0), _ONE))
