"""Versions that harm whoever loads them, made from a version that is sound."""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

_ENDLESS_TURNS = 2**62
_MEBIBYTE = 2**20


Harm = Callable[[Path], None]


def write(models: Path, name: str, version: int, harm: Harm) -> Path:
    """Write the first version of a model once more, with something hostile in it.

    Returns:
        Its folder, which `reveal` makes a version.
    """
    folder = models / name / f".unfinished-{version}"
    shutil.copytree(models / name / "1", folder)
    _number(folder, version)
    harm(folder)
    _describe(folder)
    return folder


def reveal(folder: Path) -> Path:
    """Rename a folder to the number of its version."""
    return folder.rename(folder.with_name(folder.name.removeprefix(".unfinished-")))


def _number(folder: Path, version: int) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "version": version}))


def _describe(folder: Path) -> None:
    """Make the manifest agree with the files, so that only the harm itself is wrong."""
    path = folder / "manifest.json"
    if path.stat().st_size > _MEBIBYTE or not path.read_bytes().startswith(b"{"):
        return
    manifest = json.loads(path.read_bytes())
    for name in manifest["files"]:
        file = folder / name
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            manifest["files"][name] = {"sha256": digest, "size_bytes": len(data)}
    path.write_text(json.dumps(manifest))


def _change_network(folder: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    path = folder / "model.onnx"
    network = onnx.load(path)
    change(network)
    path.write_bytes(network.SerializeToString())


def _add_to_output(network: onnx.ModelProto, term: str) -> None:
    """Add a number of the graph to its first output."""
    output = network.graph.output[0].name
    for node in network.graph.node:
        node.output[:] = ["before_harm" if name == output else name for name in node.output]
    network.graph.node.append(helper.make_node("Add", ["before_harm", term], [output]))


def endless(folder: Path, *, turns: int = _ENDLESS_TURNS) -> None:
    """Let the network turn in a loop that does not end."""

    def change(network: onnx.ModelProto) -> None:
        info = helper.make_tensor_value_info
        body = helper.make_graph(
            [
                helper.make_node("Identity", ["go_on"], ["goes_on"]),
                helper.make_node("Mul", ["state", "state"], ["next_state"]),
            ],
            "turn",
            [
                info("turn", TensorProto.INT64, []),
                info("go_on", TensorProto.BOOL, []),
                info("state", TensorProto.FLOAT, []),
            ],
            [info("goes_on", TensorProto.BOOL, []), info("next_state", TensorProto.FLOAT, [])],
        )
        network.graph.initializer.extend(
            [
                helper.make_tensor("turns", TensorProto.INT64, [], [turns]),
                helper.make_tensor("always", TensorProto.BOOL, [], [True]),
                helper.make_tensor("nothing", TensorProto.FLOAT, [], [0.0]),
            ]
        )
        _add_to_output(network, "turned")
        loop = helper.make_node("Loop", ["turns", "always", "nothing"], ["turned"], body=body)
        network.graph.node.insert(0, loop)

    _change_network(folder, change)


def many_nodes(folder: Path) -> None:
    """Let the network be a chain of half a million operations."""

    def change(network: onnx.ModelProto) -> None:
        tensor = network.graph.input[0].name
        nodes = [
            helper.make_node("Neg", [f"link{i}" if i else tensor], [f"link{i + 1}"])
            for i in range(500_000)
        ]
        network.graph.node.extend(nodes)

    _change_network(folder, change)


def sparse_file(folder: Path) -> None:
    """Let the network's file have 3 GB, all of it a hole."""
    with (folder / "model.onnx").open("r+b") as file:
        file.truncate(3_000_000_000)


def huge_tensor(folder: Path) -> None:
    """Let the network fill 16 GB."""

    def change(network: onnx.ModelProto) -> None:
        network.graph.initializer.append(
            helper.make_tensor("huge_shape", TensorProto.INT64, [1], [4_000_000_000])
        )
        _add_to_output(network, "huge_sum")
        network.graph.node.insert(0, helper.make_node("ConstantOfShape", ["huge_shape"], ["huge"]))
        network.graph.node.insert(
            1, helper.make_node("ReduceSum", ["huge"], ["huge_sum"], keepdims=0)
        )

    _change_network(folder, change)


def huge_copy(folder: Path) -> None:
    """Let the network copy a number into 12 GB."""

    def change(network: onnx.ModelProto) -> None:
        network.graph.initializer.append(
            helper.make_tensor("times", TensorProto.INT64, [1], [3_000_000_000])
        )
        network.graph.initializer.append(
            helper.make_tensor("one_number", TensorProto.FLOAT, [1], [0.0])
        )
        _add_to_output(network, "tiled_sum")
        network.graph.node.insert(0, helper.make_node("Tile", ["one_number", "times"], ["tiled"]))
        network.graph.node.insert(
            1, helper.make_node("ReduceSum", ["tiled"], ["tiled_sum"], keepdims=0)
        )

    _change_network(folder, change)


def external_data(folder: Path, *, location: str) -> None:
    """Let the network read its first weights from another file."""

    def change(network: onnx.ModelProto) -> None:
        weights: Any = network.graph.initializer[0]
        weights.ClearField("raw_data")
        weights.ClearField("float_data")
        weights.data_location = TensorProto.EXTERNAL
        length = str(4 * int(np.prod(weights.dims)))
        for key, value in (("location", location), ("offset", "0"), ("length", length)):
            entry = weights.external_data.add()
            entry.key, entry.value = key, value

    _change_network(folder, change)


def golden_bomb(folder: Path, *, declared_bytes: int = 3_000_000_000) -> None:
    """Let the golden examples unfold to 3 GB of zeros."""
    path = folder / "golden.npz"
    kept = {name: np.load(path)[name] for name in np.load(path).files if name != "expected"}
    np.savez(path, **kept)
    head = io.BytesIO()
    described = {"descr": "<f4", "fortran_order": False, "shape": (declared_bytes // 4,)}
    np.lib.format.write_array_header_1_0(head, described)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("expected.npy", "w", force_zip64=True) as member,
    ):
        member.write(head.getvalue())
        for _ in range(declared_bytes // _MEBIBYTE):
            member.write(bytes(_MEBIBYTE))


def waiting_file(folder: Path) -> None:
    """Put a pipe that nobody writes to where the network should be."""
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")


def endless_file(folder: Path) -> None:
    """Put a file that does not end where the network should be."""
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to("/dev/zero")


def deep_manifest(folder: Path) -> None:
    """Nest the manifest a million brackets deep."""
    (folder / "manifest.json").write_bytes(b"[" * 1_000_000)


def long_manifest(folder: Path) -> None:
    """Write a manifest of 3 GB, most of it a hole in the file."""
    with (folder / "manifest.json").open("wb") as file:
        file.write(b'{"format":2,"x":"')
        file.seek(3_000_000_000)
        file.write(b'"}')


HARMS: Mapping[str, Harm] = MappingProxyType(
    {
        "endless": endless,
        "slow": partial(endless, turns=50_000_000),
        "many nodes": many_nodes,
        "sparse file": sparse_file,
        "huge tensor": huge_tensor,
        "huge copy": huge_copy,
        "data of the system": partial(external_data, location="/etc/passwd"),
        "data of the working directory": partial(external_data, location="ARCHITECTURE.md"),
        "data of another version": partial(external_data, location="../1/model.onnx"),
        "golden bomb": golden_bomb,
        "pipe": waiting_file,
        "endless file": endless_file,
        "deep manifest": deep_manifest,
        "long manifest": long_manifest,
    }
)


def write_all(models: Path, name: str = "housing") -> list[Path]:
    """Write a version with each harm; the last one never ends."""
    harms = reversed([*HARMS.values()])
    return [write(models, name, number, harm) for number, harm in enumerate(harms, start=2)]
