"""An ONNX file that a SavedModel was converted to -> one that does what the signature says."""

from collections.abc import Iterator

import onnx
from onnx import TensorProto, helper

from training.errors import CannotTrain
from training.importing.plans import Found, Plan, Tensor

_TYPES = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64", TensorProto.INT32: "int32"}
_TYPES |= {TensorProto.INT64: "int64", TensorProto.STRING: "string"}
_NUMBERS = {name: number for number, name in _TYPES.items()}
_MOVES = frozenset({"Identity", "Reshape", "Squeeze", "Flatten", "Cast"})
# Of every name in the converted graph, so that ours are free.
_PREFIX = "converted/"


def look_at_nodes(network: onnx.ModelProto) -> Found:
    """Read what a converted network takes and gives.

    Raises:
        CannotTrain: It has several outputs.
    """
    graph = network.graph
    if len(graph.output) != 1:
        names = ", ".join(output.name for output in graph.output)
        raise CannotTrain(f"The network must have one output. Received: {names}.")
    return Found(
        inputs=tuple(_tensor(each) for each in graph.input),
        output=_tensor(graph.output[0]),
        activation=_activation(graph),
        scales=None,
    )


def _tensor(value: onnx.ValueInfoProto) -> Tensor:
    kind = value.type.tensor_type
    lengths = [each.dim_value or None for each in kind.shape.dim][1:]
    name = value.name.removesuffix(":0").removeprefix("serving_default_")
    return Tensor(name, tuple(lengths), _TYPES.get(kind.elem_type, "an unknown type"))


def _activation(graph: onnx.GraphProto) -> str:
    made = {name: node for node in graph.node for name in node.output}
    node = made.get(graph.output[0].name)
    while node is not None and node.op_type in _MOVES:
        node = made.get(node.input[0])
    kind = "" if node is None else node.op_type.lower()
    return kind if kind in {"softmax", "sigmoid"} else "linear"


def serve_nodes(network: onnx.ModelProto, plan: Plan) -> onnx.ModelProto:
    """Return a network of the same answers with the plan's inputs and outputs.

    Raises:
        CannotTrain: It takes a type of number that is not handed to it.
    """
    opened = onnx.compose.add_prefix(network, _PREFIX)
    graph = opened.graph
    taken = [value.name for value in graph.input]
    given = graph.output[0].name
    before, after = _taking(taken, plan), _ending(given, plan)
    nodes = [*before, *graph.node, *after]
    del graph.input[:], graph.output[:], graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    graph.initializer.extend(each for each in _constants(plan) if each.name in used)
    graph.input.extend(
        helper.make_tensor_value_info(spec.tensor, TensorProto.FLOAT, [None, *spec.shape])
        for spec in plan.signature.inputs
    )
    output = plan.signature.prediction
    graph.output.append(
        helper.make_tensor_value_info(output.tensor, TensorProto.FLOAT, [None, *output.shape])
    )
    onnx.checker.check_model(opened)
    return opened


def _constants(plan: Plan) -> Iterator[TensorProto]:
    """Make what the nodes before and after the network may take."""
    yield helper.make_tensor("scale", TensorProto.FLOAT, [], [plan.scale])
    yield helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    yield helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1])
    for place, tensor in enumerate(plan.tensors):
        shape = [-1, *(length or -1 for length in tensor.shape)]
        yield helper.make_tensor(f"shape_{place}", TensorProto.INT64, [len(shape)], shape)


def _taking(taken: list[str], plan: Plan) -> list[onnx.NodeProto]:
    """Make nodes from the signature's inputs to what the network takes."""
    names = [spec.tensor for spec in plan.signature.inputs]
    nodes = []
    if plan.takes == "picture":
        nodes.append(helper.make_node("Mul", [names[0], "scale"], ["levels"]))
        names = ["levels"]
    elif plan.takes == "row":
        nodes.append(helper.make_node("Concat", names, ["row"], axis=1))
        names = ["row"]
    for place, (name, tensor, into) in enumerate(zip(names, plan.tensors, taken, strict=True)):
        if tensor.dtype not in _NUMBERS or tensor.dtype == "string":
            raise CannotTrain(f"The network may take numbers only. Received: {tensor.dtype}.")
        shaped = f"shaped_{place}"
        nodes.append(helper.make_node("Reshape", [name, f"shape_{place}"], [shaped]))
        nodes.append(helper.make_node("Cast", [shaped], [into], to=_NUMBERS[tensor.dtype]))
    return nodes


def _ending(given: str, plan: Plan) -> list[onnx.NodeProto]:
    """Make nodes from what the network gives to the prediction."""
    name = plan.signature.prediction.tensor
    nodes = [helper.make_node("Cast", [given], ["answer"], to=TensorProto.FLOAT)]
    if plan.ending in {"softmax", "sigmoids"}:
        return [*nodes, helper.make_node("Identity", ["answer"], [name])]
    if plan.ending == "logits":
        return [*nodes, helper.make_node("Softmax", ["answer"], [name], axis=1)]
    if plan.ending == "value":
        return [*nodes, helper.make_node("Reshape", ["answer", "column"], [name])]
    nodes.append(helper.make_node("Reshape", ["answer", "column"], ["unit"]))
    last = "unit"
    if plan.ending == "logit":
        nodes.append(helper.make_node("Sigmoid", ["unit"], ["second"]))
        last = "second"
    nodes.append(helper.make_node("Sub", ["one", last], ["first"]))
    nodes.append(helper.make_node("Concat", ["first", last], [name], axis=1))
    return nodes
