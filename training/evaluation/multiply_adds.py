"""Multiplications that one instance costs, counted in the exported file."""

from collections.abc import Callable, Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from vitrine.signature import Signature

Shape = tuple[int, ...]


def count_multiply_adds(network: onnx.ModelProto, signature: Signature) -> int:
    """Count the multiplications that one instance costs.

    A multiplication with the addition that follows it counts once, and so does a division or any
    other function of one number. Additions, comparisons and moves by themselves do not count, and a
    product with a constant matrix that only picks columns is a move.

    Args:
        network: The exported network.
        signature: Signature of the network.

    Raises:
        KeyError: The network has an operation whose cost is not known.
    """
    shapes = _shapes(network, signature)
    picking = {each.name for each in network.graph.initializer if _picks_columns(each)}
    return sum(
        _COSTS[node.op_type]([shapes[name] for name in node.input if name], shapes[node.output[0]])
        for node in network.graph.node
        if node.op_type not in _FREE and picking.isdisjoint(node.input)
    )


def _picks_columns(constant: onnx.TensorProto) -> bool:
    """Tell whether a product with a constant returns columns of the other factor as they are."""
    if len(constant.dims) != 2:
        return False
    matrix = numpy_helper.to_array(constant)
    return bool(((matrix == 1).sum(axis=0) == 1).all() and np.isin(matrix, (0, 1)).all())


def _shapes(network: onnx.ModelProto, signature: Signature) -> dict[str, Shape]:
    """Run the network on one instance, and return the shape of every tensor in it."""
    instance = {
        spec.tensor: np.zeros((1, *spec.shape), dtype=spec.dtype) for spec in signature.inputs
    }
    session = _open(_with_all_outputs(network))
    names = [output.name for output in session.get_outputs()]
    arrays: dict[str, NDArray[np.generic]] = dict(
        zip(names, session.run(names, instance), strict=True)
    )
    return {
        **{name: np.shape(array) for name, array in {**instance, **arrays}.items()},
        **{tensor.name: tuple(tensor.dims) for tensor in network.graph.initializer},
    }


def _with_all_outputs(network: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of the network that gives every tensor in it as an output."""
    copy = onnx.ModelProto()
    copy.CopyFrom(network)
    known = {output.name for output in copy.graph.output}
    names = {name for node in copy.graph.node for name in node.output if name}
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(names - known))
    return copy


def _open(network: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        network.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _elementwise(_inputs: list[Shape], output: Shape) -> int:
    return int(np.prod(output))


def _matrix(inputs: list[Shape], output: Shape) -> int:
    return int(np.prod(output)) * inputs[0][-1]


def _convolution(inputs: list[Shape], output: Shape) -> int:
    return int(np.prod(output)) * int(np.prod(inputs[1][1:]))


def _lstm(inputs: list[Shape], _output: Shape) -> int:
    steps = inputs[0][0]
    directions, _, units = inputs[2]
    # Of each unit: four gates, the tangent of the cell's state, and three products.
    functions = directions * units * (4 + 1 + 3)
    return int(steps * (np.prod(inputs[1]) + np.prod(inputs[2]) + functions))


# What a node costs, from the shapes of its inputs and of its first output.
_COSTS: Mapping[str, Callable[[list[Shape], Shape], int]] = {
    "Conv": _convolution,
    "Gemm": _matrix,
    "MatMul": _matrix,
    "LSTM": _lstm,
    "Softmax": _elementwise,
    **dict.fromkeys(("AveragePool", "GlobalAveragePool", "ReduceMean"), _elementwise),
    **dict.fromkeys(("Mul", "Div", "Reciprocal", "Sqrt", "Pow", "Exp", "Log"), _elementwise),
    **dict.fromkeys(("Sin", "Cos", "Erf", "Sigmoid", "Tanh", "Softplus", "Softsign"), _elementwise),
    **dict.fromkeys(("Elu", "Selu", "LeakyRelu", "PRelu", "HardSigmoid"), _elementwise),
}
_FREE = frozenset(
    {
        *("Add", "Sub", "Sum", "Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Max", "Min"),
        *("Clip", "Relu", "MaxPool", "ReduceMax", "ReduceMin", "ReduceSum", "ArgMax", "CumSum"),
        *("And", "Or", "Not", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"),
        *("IsNaN", "IsInf", "Where", "Cast", "Identity", "Shape", "Range", "ConstantOfShape"),
        *("Concat", "Split", "Slice", "Gather", "GatherND", "GatherElements", "OneHot", "Pad"),
        *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Transpose"),
    }
)
