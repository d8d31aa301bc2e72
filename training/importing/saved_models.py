"""A SavedModel -> an ONNX network. The graph is read and converted, but never run.

TensorFlow restores variables when it opens a SavedModel, and would run the operations of its
tables and files. Therefore a SavedModel may only have variables, functions, and operations that do
nothing but compute.

References:
    TensorFlow, SECURITY.md: "TensorFlow models are programs".
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from training.errors import CannotTrain
from training.importing.file_kinds import GRAPH, refuse_folder
from training.importing.refusals import EXPORT, SAVE_AGAIN, CannotImport
from training.importing.subprocesses import run_in_subprocess
from training.publishing.onnx_fixes import replace_erfc
from vitrine.errors import shown

_VARIABLES = "variables"
_SIGNATURE = "serving_default"
_OPSET = 17
_SAVE_AS_KERAS = (
    f"{SAVE_AGAIN} If the network has a layer of your own that does this, build it without."
)
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_SAVER = frozenset(
    {
        *("DisableCopyOnRead", "MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"),
        *("StaticRegexFullMatch", "StringJoin"),
    }
)
_COMPUTING = _CALLS | set((Path(__file__).parent / "operations.txt").read_text().split())
# Objects that may be opened beside variables. TensorFlow would run a table and read an asset.
_OBJECTS = frozenset(
    {
        *("user_object", "variable", "function", "bare_concrete_function", "constant"),
        "captured_tensor",
    }
)


def convert_saved_model(folder: Path) -> onnx.ModelProto:
    """Convert the serving signature of a SavedModel, in a subprocess.

    Raises:
        CannotImport: The folder is no SavedModel, has an operation that does more than compute, or
            cannot be converted.
    """
    checked = check_graph(folder)
    with TemporaryDirectory() as temporary:
        opened, written = Path(temporary) / "checked", Path(temporary) / "converted.onnx"
        opened.mkdir()
        (opened / GRAPH).write_bytes(checked.SerializeToString())
        (opened / _VARIABLES).symlink_to((folder / _VARIABLES).absolute())
        try:
            run_in_subprocess("tf2onnx.convert", _conversion_arguments(opened, written), folder)
        except CannotTrain as error:
            raise CannotImport(
                f"{folder} cannot be converted to ONNX.", way_out=SAVE_AGAIN
            ) from error
        network = onnx.load(str(written))
        replace_erfc(network)
        return network


def _conversion_arguments(source: Path, target: Path) -> list[str]:
    return [
        *("--saved-model", str(source), "--tag", "serve"),
        *("--signature_def", _SIGNATURE, "--opset", str(_OPSET)),
        *("--output", str(target)),
    ]


def hash_folder(folder: Path) -> str:
    """Return one SHA-256 of all files of a folder and their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def check_graph(folder: Path) -> SavedModel:
    """Return the graph of a SavedModel if it does nothing but compute.

    Raises:
        CannotImport: The graph may do more, or the folder is no SavedModel.
    """
    saved = _read_graph(folder)
    # TensorFlow opens any other SavedModel as its first version did, and runs the saver's nodes.
    if len(saved.meta_graphs) != 1 or not saved.meta_graphs[0].HasField("object_graph_def"):
        raise CannotImport(f"{folder} must hold one graph that TensorFlow 2 saved.", way_out=EXPORT)
    graph = saved.meta_graphs[0]
    _remove_unused(graph)
    _check_objects(graph.object_graph_def.nodes)
    _check_operations(graph)
    if _SIGNATURE not in graph.signature_def:
        raise CannotImport(f"{folder} has no signature {_SIGNATURE}.", way_out=EXPORT)
    return saved


def _read_graph(folder: Path) -> SavedModel:
    file = folder / GRAPH
    saved = SavedModel()
    try:
        # A device or a pipe may have no end, so only regular files are read.
        saved.ParseFromString(file.read_bytes() if file.is_file() else b"")
    except (OSError, DecodeError) as error:
        raise CannotImport(
            f"{file} cannot be read.", way_out="Copy or download the folder again."
        ) from error
    if not saved.meta_graphs:
        raise refuse_folder(folder)
    return saved


def _remove_unused(graph: Any) -> None:
    """Remove the functions that no node calls, such as those for training."""
    library = graph.graph_def.library
    bodies = {function.signature.name: function.node_def for function in library.function}
    used = _called_functions(graph.graph_def.node, bodies)
    kept = [function for function in library.function if function.signature.name in used]
    del library.function[:], library.gradient[:], library.registered_gradients[:]
    library.function.extend(kept)
    _remove_unused_objects(graph.object_graph_def, used)


def _called_functions(nodes: Iterable[Any], bodies: Mapping[str, Iterable[Any]]) -> set[str]:
    """Return the functions that the nodes call, and those that their bodies call in turn."""
    used: set[str] = set()
    waiting = list(nodes)
    while waiting:
        called = _named_functions(waiting.pop()) & bodies.keys() - used
        used |= called
        for name in called:
            waiting.extend(bodies[name])
    return used


def _remove_unused_objects(objects: Any, used: set[str]) -> None:
    for name in objects.concrete_functions.keys() - used:
        del objects.concrete_functions[name]
    for node in objects.nodes:
        if node.HasField("function"):
            names = [name for name in node.function.concrete_functions if name in used]
            node.function.concrete_functions[:] = names
        elif (
            node.HasField("bare_concrete_function")
            and node.bare_concrete_function.concrete_function_name not in used
        ):
            node.user_object.SetInParent()  # the node becomes an object without a kind


def _named_functions(node: Any) -> set[str]:
    """Return the functions that the attributes of a node name."""
    names = set()
    waiting = list(node.attr.values())
    while waiting:
        value = waiting.pop()
        for function in (value.func, *value.list.func):
            names.add(function.name)
            waiting.extend(function.attr.values())
    return names


def _check_objects(nodes: Iterable[Any]) -> None:
    for node in nodes:
        kind = node.WhichOneof("kind") or "user_object"
        if kind not in _OBJECTS:
            of_lookup = ", such as a lookup of texts has" if kind in {"asset", "resource"} else ""
            raise CannotImport(
                "A SavedModel may hold variables and functions only. "
                f"Received: {shown(kind)}{of_lookup}.",
                way_out=_SAVE_AS_KERAS,
            )


def _check_operations(graph: Any) -> None:
    """Refuse operations that read and write files, except in the functions of the saver.

    Nothing else may call those functions.
    """
    savers = set(_saver_functions(graph))
    _refuse_unknown(_nodes_besides_saver(graph), _COMPUTING, savers)
    for function in graph.graph_def.library.function:
        allowed = _COMPUTING | _SAVER if function.signature.name in savers else _COMPUTING
        _refuse_unknown(function.node_def, allowed, savers)


def _nodes_besides_saver(graph: Any) -> Iterator[Any]:
    called = _saver_nodes(graph)
    return (node for node in graph.graph_def.node if node.name not in called)


def _saver_nodes(graph: Any) -> set[str]:
    saver = graph.saver_def
    return {name.split(":")[0] for name in (saver.save_tensor_name, saver.restore_op_name) if name}


def _saver_functions(graph: Any) -> Iterator[str]:
    called = _saver_nodes(graph)
    for node in graph.graph_def.node:
        if node.name in called and node.op in _CALLS:
            yield node.attr["f"].func.name


def _refuse_unknown(nodes: Iterable[Any], allowed: frozenset[str], savers: set[str]) -> None:
    for node in nodes:
        if node.op not in allowed or _named_functions(node) & savers:
            raise CannotImport(
                "The graph of a SavedModel may only have operations that are known to do nothing "
                f"but compute. Received: {shown(node.op)}.",
                way_out=_SAVE_AS_KERAS,
            )
