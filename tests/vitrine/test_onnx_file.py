"""What an ONNX file declares: found wherever it stands, and refused where it is not whole."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.bundles import write_table_bundle
from vitrine import bundle
from vitrine.bundle import InvalidBundle
from vitrine.engines import load_engine
from vitrine.onnx_file import UnreadableFile, read_declared

WEIGHTS = numpy_helper.from_array(np.ones((3, 5), np.float32), "weights")
Place = Callable[[onnx.TensorProto], onnx.ModelProto]


def graph(
    *nodes: onnx.NodeProto, initializers: tuple[onnx.TensorProto, ...] = ()
) -> onnx.GraphProto:
    """Return a graph without inputs and outputs."""
    return helper.make_graph(list(nodes), "graph", [], [], list(initializers))


def constant(tensor: onnx.TensorProto) -> onnx.NodeProto:
    """Return a node that gives a tensor."""
    return helper.make_node("Constant", [], ["value"], value=tensor)


def as_initializer(tensor: onnx.TensorProto) -> onnx.ModelProto:
    """Return a network with a tensor among its weights."""
    return helper.make_model(graph(initializers=(tensor,)))


def in_a_branch(tensor: onnx.TensorProto) -> onnx.ModelProto:
    """Return a network with a tensor in a graph within its graph."""
    branch = helper.make_node(
        "If", ["condition"], ["value"], then_branch=graph(constant(tensor)), else_branch=graph()
    )
    return helper.make_model(graph(branch))


def in_a_function(tensor: onnx.TensorProto) -> onnx.ModelProto:
    """Return a network with a tensor in a function of its own."""
    function = helper.make_function(
        "tests", "Ones", [], ["value"], [constant(tensor)], [helper.make_opsetid("", 17)]
    )
    return helper.make_model(graph(), functions=[function])


def in_a_sparse_tensor(tensor: onnx.TensorProto) -> onnx.ModelProto:
    """Return a network with a tensor as the values of a sparse one."""
    network = helper.make_model(graph())
    network.graph.sparse_initializer.add().values.CopyFrom(tensor)
    return network


def in_training(tensor: onnx.TensorProto) -> onnx.ModelProto:
    """Return a network with a tensor in the graph that would train it."""
    network = helper.make_model(graph())
    network.training_info.add().algorithm.initializer.add().CopyFrom(tensor)
    return network


PLACES = [
    as_initializer,
    lambda tensor: helper.make_model(graph(constant(tensor))),
    in_a_branch,
    in_a_function,
    in_training,
]
IDS = ["initializer", "constant", "branch", "function", "training"]


@pytest.mark.parametrize("place", PLACES, ids=IDS)
def test_tensor_is_measured_wherever_it_stands(place: Place) -> None:
    assert read_declared(place(WEIGHTS).SerializeToString()).tensor_bytes == 3 * 5 * 4


@pytest.mark.parametrize("place", [*PLACES, in_a_sparse_tensor], ids=[*IDS, "sparse"])
@pytest.mark.parametrize("is_marked", [False, True], ids=["named", "marked"])
def test_data_in_other_files_is_refused_wherever_it_stands(place: Place, is_marked: bool) -> None:
    tensor = TensorProto(name="weights", data_type=TensorProto.UINT8, dims=[10])
    if is_marked:
        tensor.data_location = TensorProto.EXTERNAL
    else:
        tensor.external_data.add(key="location", value="/etc/passwd")

    with pytest.raises(UnreadableFile, match="keeps data in other files"):
        read_declared(place(tensor).SerializeToString())


def test_declared_size_is_measured_without_its_data() -> None:
    tensor = TensorProto(data_type=TensorProto.DOUBLE, dims=[10**6, 10**6])

    assert read_declared(as_initializer(tensor).SerializeToString()).tensor_bytes == 8 * 10**12


def test_sparse_tensor_counts_as_large_as_it_becomes() -> None:
    network = in_a_sparse_tensor(WEIGHTS)
    network.graph.sparse_initializer[0].dims.extend([10**6, 10**3])

    assert read_declared(network.SerializeToString()).tensor_bytes == 60 + 8 * 10**9


@pytest.mark.parametrize(
    "data",
    [b"\x3a\xff", b"\x3b", b"\xff" * 11, b"\x3a\x05\x0a", b"\x3a"],
    ids=["cut length", "group", "endless number", "cut message", "no length"],
)
def test_bytes_that_are_no_messages_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="is damaged"):
        read_declared(data)


def test_deep_nesting_is_refused() -> None:
    nested = b""
    for field in (6, 5, 1) * 30:  # a graph in an attribute of a node
        nested = field_of(field, nested)

    with pytest.raises(UnreadableFile, match="is nested too deeply"):
        read_declared(field_of(7, nested))


def field_of(number: int, message: bytes) -> bytes:
    """Return a field with a message in it."""
    return bytes([number << 3 | 2, len(message) & 0x7F | 0x80, len(message) >> 7]) + message


@pytest.mark.parametrize(("operation", "repeats"), [("Loop", True), ("Scan", True), ("If", False)])
def test_loops_are_found_in_graphs_within_graphs(operation: str, repeats: bool) -> None:
    inner = graph(helper.make_node(operation, [], [], body=graph()))
    network = helper.make_model(graph(helper.make_node("If", [], [], then_branch=inner)))

    assert read_declared(network.SerializeToString()).has_loops is repeats


def test_network_with_data_in_other_files_is_not_opened(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    network = onnx.load(str(folder / bundle.ONNX_NAME))
    weights = network.graph.initializer[0]
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="secret")
    (folder / bundle.ONNX_NAME).write_bytes(network.SerializeToString())

    with pytest.raises(InvalidBundle, match=r"model\.onnx cannot be opened: it keeps data"):
        load_engine(folder, bundle.read_manifest(folder), threads=1)
