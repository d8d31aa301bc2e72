"""The interface of a SavedModel as an ONNX network, and the network adapted to a signature."""

from collections.abc import Iterator
from itertools import islice

import onnx
from onnx import TensorProto, helper

from training.importing.interfaces import TEXT, NetworkInterface, Tensor
from training.importing.plans import Plan
from training.importing.predictions import SMALLEST_SUM
from training.importing.refusals import CannotImport

_TYPES = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64", TensorProto.INT32: "int32"}
_TYPES |= {TensorProto.INT64: "int64", TensorProto.STRING: "string"}
_NUMBERS = {name: number for number, name in _TYPES.items()}
# Operations that leave the values of their input as they are.
_MOVES = frozenset({"Identity", "Reshape", "Squeeze", "Flatten", "Cast"})
# Every name in the converted graph begins with this, so that the added names cannot clash.
_PREFIX = "converted/"


def read_onnx_interface(network: onnx.ModelProto) -> NetworkInterface:
    """Read what a converted network takes and returns.

    Raises:
        CannotImport: The network has several outputs.
    """
    graph = network.graph
    if len(graph.output) != 1:
        names = ", ".join(output.name for output in graph.output)
        raise CannotImport(
            f"The network must have one output. Received: {names}.",
            way_out="Export each alone: keras.Model(network.inputs, network.outputs[0]) has the "
            "first.",
        )
    return NetworkInterface(
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
    """Return the activation that the output comes from."""
    producers = {name: node for node in graph.node for name in node.output}
    node = producers.get(graph.output[0].name)
    while node is not None and node.op_type in _MOVES:
        node = producers.get(node.input[0])
    kind = "" if node is None else node.op_type.lower()
    return kind if kind in {"softmax", "sigmoid"} else "linear"


def adapt_onnx_network(network: onnx.ModelProto, plan: Plan) -> onnx.ModelProto:
    """Return a network with the same predictions that has the inputs and outputs of the plan.

    Raises:
        CannotImport: The network takes something else than numbers.
    """
    adapted = onnx.compose.add_prefix(network, _PREFIX)
    graph = adapted.graph
    before = _input_nodes([value.name for value in graph.input], plan)
    after = _output_nodes(graph.output[0].name, plan)
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
    onnx.checker.check_model(adapted)
    return adapted


def _constants(plan: Plan) -> Iterator[TensorProto]:
    """Make the constants that the nodes before and after the network may take."""
    yield helper.make_tensor("factor", TensorProto.FLOAT, [], [plan.levels.factor])
    yield helper.make_tensor("shift", TensorProto.FLOAT, [], [plan.levels.shift])
    yield helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    yield helper.make_tensor("smallest", TensorProto.FLOAT, [], [SMALLEST_SUM])
    yield helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1])
    for index, tensor in enumerate(plan.tensors):
        shape = [-1, *(length or -1 for length in tensor.shape)]
        yield helper.make_tensor(f"shape_{index}", TensorProto.INT64, [len(shape)], shape)


def _input_nodes(targets: list[str], plan: Plan) -> list[onnx.NodeProto]:
    """Make the nodes from the inputs of the signature to those of the network."""
    names = [spec.tensor for spec in plan.signature.inputs]
    nodes = []
    if plan.input_kind == "picture":
        nodes.append(helper.make_node("Mul", [names[0], "factor"], ["scaled"]))
        nodes.append(helper.make_node("Add", ["scaled", "shift"], ["levels"]))
        groups = [["levels"]]
    else:
        remaining = iter(names)
        groups = [list(islice(remaining, tensor.size)) for tensor in plan.tensors]
    for index, (group, tensor, target) in enumerate(
        zip(groups, plan.tensors, targets, strict=True)
    ):
        if tensor.dtype not in _NUMBERS or tensor.dtype == TEXT:
            raise CannotImport(
                f"A SavedModel may take numbers only. Received: {tensor.name} of {tensor.dtype}.",
                way_out="Save the network with network.save('NAME.keras'), and import that file.",
            )
        row, shaped = f"row_{index}", f"shaped_{index}"
        nodes.append(helper.make_node("Concat", group, [row], axis=1))
        nodes.append(helper.make_node("Reshape", [row, f"shape_{index}"], [shaped]))
        nodes.append(helper.make_node("Cast", [shaped], [target], to=_NUMBERS[tensor.dtype]))
    return nodes


def _output_nodes(source: str, plan: Plan) -> list[onnx.NodeProto]:
    """Make the nodes from the output of the network to the prediction of the signature."""
    name = plan.signature.prediction.tensor
    nodes = [helper.make_node("Cast", [source], ["answer"], to=TensorProto.FLOAT)]
    if plan.output_kind in {"softmax", "sigmoids"}:
        return [*nodes, helper.make_node("Identity", ["answer"], [name])]
    if plan.output_kind == "logits":
        return [*nodes, helper.make_node("Softmax", ["answer"], [name], axis=1)]
    if plan.output_kind == "label logits":
        return [*nodes, helper.make_node("Sigmoid", ["answer"], [name])]
    if plan.output_kind == "shares":
        return [
            *nodes,
            helper.make_node("ReduceL1", ["answer"], ["sum"], axes=[1], keepdims=1),
            helper.make_node("Max", ["sum", "smallest"], ["divisor"]),
            helper.make_node("Div", ["answer", "divisor"], [name]),
        ]
    if plan.output_kind == "value":
        return [*nodes, helper.make_node("Reshape", ["answer", "column"], [name])]
    nodes.append(helper.make_node("Reshape", ["answer", "column"], ["unit"]))
    last = "unit"
    if plan.output_kind == "logit":
        nodes.append(helper.make_node("Sigmoid", ["unit"], ["second"]))
        last = "second"
    nodes.append(helper.make_node("Sub", ["one", last], ["first"]))
    nodes.append(helper.make_node("Concat", ["first", last], [name], axis=1))
    return nodes
