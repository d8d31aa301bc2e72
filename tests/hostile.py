"""Versions that would harm whoever loads them: each a change of a harmless one."""

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec
import numpy as np
import onnx
from numpy.lib import format as npy
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from tests.bundles import rewrite_manifest, write_table_bundle
from vitrine import bundle

_HUGE = 2**60
_LARGE = 2**32


def write_hostile_bundle(models: Path, kind: str, *, name: str = "rooms", version: int = 1) -> Path:
    """Publish a hostile version, as a whole: by one rename."""
    folder = write_table_bundle(models / ".staging", name, version)
    KINDS[kind](folder)
    final = models / name / str(version)
    final.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(final)
    folder.parent.rmdir()
    return final


def _network(change: Callable[[ModelProto], None]) -> Callable[[Path], None]:
    """Return a change of a version by a change of its network."""

    def apply(folder: Path) -> None:
        network = onnx.load(str(folder / bundle.ONNX_NAME))
        change(network)
        (folder / bundle.ONNX_NAME).write_bytes(network.SerializeToString())
        rewrite_manifest(folder, bundle.read_manifest(folder))

    return apply


def _with_nodes(*nodes: NodeProto, **constants: object) -> Callable[[Path], None]:
    """Return a change that adds a number called `extra` to the value; it should be 0."""
    return _network(lambda network: _add(network.graph, nodes, constants))


def _add(graph: GraphProto, nodes: tuple[NodeProto, ...], constants: Mapping[str, object]) -> None:
    for node in graph.node:
        node.output[:] = ["sum" if name == "value" else name for name in node.output]
    graph.initializer.extend(_constant(name, value) for name, value in constants.items())
    graph.node.extend(nodes)
    graph.node.append(helper.make_node("Add", ["sum", "extra"], ["value"]))


def _constant(name: str, value: object) -> TensorProto:
    array = np.asarray(value)
    kind = TensorProto.INT64 if array.dtype.kind == "i" else TensorProto.FLOAT
    kind = TensorProto.BOOL if array.dtype.kind == "b" else kind
    return helper.make_tensor(name, kind, array.shape, array.ravel())


def _loop(body: GraphProto, times: str = "times") -> NodeProto:
    return helper.make_node("Loop", [times, "yes", "zero"], ["extra"], body=body)


def _body(*nodes: NodeProto, name: str = "body") -> GraphProto:
    """Return one round of a loop, which makes `after` of `before`."""
    go_on = helper.make_node("Identity", [f"go_{name}"], [f"on_{name}"])
    inputs = [
        helper.make_tensor_value_info(f"round_{name}", TensorProto.INT64, []),
        helper.make_tensor_value_info(f"go_{name}", TensorProto.BOOL, []),
        helper.make_tensor_value_info("before", TensorProto.FLOAT, []),
    ]
    outputs = [
        helper.make_tensor_value_info(f"on_{name}", TensorProto.BOOL, []),
        helper.make_tensor_value_info("after", TensorProto.FLOAT, []),
    ]
    return helper.make_graph([go_on, *nodes], name, inputs, outputs)


_STEP = helper.make_node("Mul", ["before", "before"], ["after"])
_LOOP = {"times": _HUGE, "yes": True, "zero": 0.0}


def _filled(*nodes: NodeProto) -> tuple[NodeProto, ...]:
    """Return nodes that make `large`, and one that makes a single number of it."""
    return (*nodes, helper.make_node("ReduceMin", ["large"], ["extra"], keepdims=0))


def _loop_of_a_large_batch() -> NodeProto:
    """Return a loop that ends only if there are few instances."""
    return helper.make_node(
        "If",
        ["is_large"],
        ["extra"],
        then_branch=helper.make_graph(
            [helper.make_node("Loop", ["times", "yes", "zero"], ["then"], body=_body(_STEP))],
            "then",
            [],
            [helper.make_tensor_value_info("then", TensorProto.FLOAT, [])],
        ),
        else_branch=helper.make_graph(
            [helper.make_node("Identity", ["zero"], ["else"])],
            "else",
            [],
            [helper.make_tensor_value_info("else", TensorProto.FLOAT, [])],
        ),
    )


def _declare(network: ModelProto) -> None:
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[_LARGE])
    network.graph.initializer.append(weights)


def _declare_sparse(network: ModelProto) -> None:
    sparse = network.graph.sparse_initializer.add(dims=[_LARGE])
    sparse.values.CopyFrom(helper.make_tensor("weights", TensorProto.FLOAT, [1], [1.0]))
    sparse.indices.CopyFrom(helper.make_tensor("places", TensorProto.INT64, [1], [7]))


def _refer_to(location: str) -> Callable[[ModelProto], None]:
    def change(network: ModelProto) -> None:
        weights = network.graph.initializer[0]
        weights.ClearField("float_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=location)

    return change


def _laugh(network: ModelProto) -> None:
    """Let each of many functions call the one before it ten times."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("tests", 1)]
    network.opset_import.append(helper.make_opsetid("tests", 1))
    for level in range(12):
        called = ("Add", "") if not level else (f"Laugh{level - 1}", "tests")
        nodes = [
            helper.make_node(called[0], [f"x{step}", "y"], [f"x{step + 1}"], domain=called[1])
            for step in range(10)
        ]
        function = helper.make_function(
            "tests", f"Laugh{level}", ["x0", "y"], ["x10"], nodes, opsets
        )
        network.functions.append(function)
    _add(
        network.graph,
        (helper.make_node("Laugh11", ["zero", "zero"], ["extra"], domain="tests"),),
        {"zero": 0.0},
    )


def _deepen(network: ModelProto) -> None:
    graph = _body(_STEP, name="deepest")
    for level in range(30):
        inner = helper.make_node(
            "Loop", ["times", "yes", "before"], ["after"], body=graph, name=f"loop{level}"
        )
        graph = _body(inner, name=f"level{level}")
    _add(network.graph, (_loop(graph),), _LOOP)


def _replace(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return apply


def _manifest(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / bundle.MANIFEST_NAME
        path.write_bytes(change(path.read_bytes()))

    return apply


def _name_many_files(body: bytes) -> bytes:
    members = msgspec.json.decode(body)
    some = members["files"][bundle.ONNX_NAME]
    members["files"] |= {f"{number}": some for number in range(100_000)}
    return msgspec.json.encode(members)


def _accept_any_answer(body: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(body) | {"golden_tolerance": 1e9})


def _golden(write: Callable[[ZipFile], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        with ZipFile(folder / bundle.GOLDEN_NAME, "w", ZIP_DEFLATED) as archive:
            write(archive)
        rewrite_manifest(folder, bundle.read_manifest(folder))

    return apply


def _declare_golden(archive: ZipFile) -> None:
    header = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (_LARGE,)}
    npy.write_array_header_1_0(header, shape)
    archive.writestr("expected.npy", header.getvalue())


def _keras_alone(folder: Path) -> None:
    (folder / bundle.ONNX_NAME).rename(folder / bundle.KERAS_NAME)
    rewrite_manifest(folder, bundle.read_manifest(folder))


KINDS: Mapping[str, Callable[[Path], None]] = {
    # Networks that never end.
    "endless loop": _with_nodes(_loop(_body(_STEP)), **_LOOP),
    "loops in loops": _network(_deepen),
    "endless loop for many instances": _with_nodes(
        helper.make_node("Shape", ["size"], ["shape"]),
        helper.make_node("ReduceMax", ["shape"], ["count"], keepdims=0),
        helper.make_node("Greater", ["count", "few"], ["is_large"]),
        _loop_of_a_large_batch(),
        few=2,
        **_LOOP,
    ),
    # Networks that take all memory.
    "huge constant": _with_nodes(
        *_filled(helper.make_node("ConstantOfShape", ["shape"], ["large"])), shape=[_LARGE]
    ),
    "huge constant in a loop": _with_nodes(
        _loop(
            _body(
                helper.make_node("ConstantOfShape", ["shape"], ["large"]),
                helper.make_node("ReduceMin", ["large"], ["least"], keepdims=0),
                helper.make_node("Add", ["before", "least"], ["after"]),
            )
        ),
        shape=[_LARGE],
        **_LOOP,
    ),
    "expanded": _with_nodes(
        *_filled(helper.make_node("Expand", ["zero", "shape"], ["large"])), zero=0.0, shape=[_LARGE]
    ),
    "tiled": _with_nodes(
        *_filled(helper.make_node("Tile", ["zeros", "times"], ["large"])),
        zeros=[0.0],
        times=[_LARGE],
    ),
    "padded": _with_nodes(
        *_filled(helper.make_node("Pad", ["zeros", "margins"], ["large"])),
        zeros=[0.0],
        margins=[0, _LARGE],
    ),
    "resized": _with_nodes(
        *_filled(helper.make_node("Resize", ["zeros", "", "scales"], ["large"])),
        zeros=[[[[0.0]]]],
        scales=[1.0, 1.0, 65536.0, 65536.0],
    ),
    "endless range": _with_nodes(
        helper.make_node("Range", ["first", "last", "step"], ["numbers"]),
        helper.make_node("ReduceMin", ["numbers"], ["least"], keepdims=0),
        helper.make_node("Cast", ["least"], ["extra"], to=TensorProto.FLOAT),
        first=0,
        last=_HUGE,
        step=1,
    ),
    "grows with the instances": _with_nodes(
        helper.make_node("Expand", ["size", "wide"], ["spread"]),
        helper.make_node("Mul", ["spread", "zero"], ["nothing"]),
        helper.make_node("ReduceMin", ["nothing"], ["extra"], keepdims=0),
        wide=[1, 4_000_000],
        zero=0.0,
    ),
    "functions of functions": _network(_laugh),
    "declared weights": _network(_declare),
    "declared sparse weights": _network(_declare_sparse),
    # Networks that read other files, or want other code.
    "absolute external data": _network(_refer_to("/etc/passwd")),
    "relative external data": _network(_refer_to("../../../../../../etc/passwd")),
    "unknown operation": _with_nodes(
        helper.make_node("Evil", ["zero"], ["extra"], domain="com.example"), zero=0.0
    ),
    # What is no file.
    "pipe as manifest": _replace(bundle.MANIFEST_NAME, os.mkfifo),
    "pipe as network": _replace(bundle.ONNX_NAME, os.mkfifo),
    "device as manifest": _replace(bundle.MANIFEST_NAME, lambda path: path.symlink_to("/dev/zero")),
    "device as network": _replace(bundle.ONNX_NAME, lambda path: path.symlink_to("/dev/zero")),
    "link to secrets": lambda folder: (folder / "notes").symlink_to("/etc/passwd"),
    # Manifests and golden examples that are too much.
    "long manifest": _manifest(lambda body: body + b" " * bundle.MAX_MANIFEST_BYTES),
    "deep manifest": _manifest(lambda _: b'{"format":' + b"[" * 1_000_000),
    "many files": _manifest(_name_many_files),
    "inflated golden examples": _golden(
        lambda archive: archive.writestr("expected.npy", bytes(bundle.MAX_GOLDEN_BYTES + 1))
    ),
    "declared golden examples": _golden(_declare_golden),
    "any answer is golden": _manifest(_accept_any_answer),
    # What this installation cannot run.
    "Keras file alone": _keras_alone,
}
