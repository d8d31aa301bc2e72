"""Tiny bundles made by code: real ONNX files of one or two operations, no TensorFlow."""

from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper

from service import bundle
from service.bundle import (
    CategoryInput,
    Manifest,
    NumberInput,
    Origin,
    PictureInput,
    ProbabilitiesOutput,
    Signature,
    ValueOutput,
)

ORIGIN = Origin(
    command="python -m training made-by-code",
    seed=0,
    data="made",
    data_sha256="0" * 64,
    split={"train": 1},
    libraries={},
    commit=None,
    wall_seconds=0.0,
    created="2026-01-01T00:00:00Z",
)


def table_manifest(name: str = "rooms", version: int = 1) -> Manifest:
    """Describe a regression on a number that is never blank and a colour that may be."""
    inputs = (
        NumberInput(
            name="size",
            tensor="size",
            dtype="float32",
            shape=(1,),
            unit="m2",
            minimum=1.0,
            maximum=9.0,
            median=5.0,
            blanks=False,
        ),
        CategoryInput(
            name="colour",
            tensor="colour",
            dtype="int32",
            shape=(1,),
            vocabulary=("blue", "red"),
            blanks=True,
        ),
    )
    outputs = (ValueOutput(name="value", tensor="value", dtype="float32", shape=(1,), unit="USD"),)
    return _manifest(name, version, Signature(inputs=inputs, outputs=outputs))


def picture_manifest(name: str = "strokes", version: int = 1) -> Manifest:
    """Describe a classifier of pictures into two labels."""
    inputs = (
        PictureInput(
            name="image",
            tensor="image",
            dtype="float32",
            shape=(28, 28, 1),
            geometry="mnist",
            geometry_version=1,
        ),
    )
    outputs = (
        ProbabilitiesOutput(
            name="probabilities",
            tensor="probabilities",
            dtype="float32",
            shape=(2,),
            labels=("left", "right"),
        ),
    )
    return _manifest(name, version, Signature(inputs=inputs, outputs=outputs))


def _manifest(name: str, version: int, signature: Signature) -> Manifest:
    return Manifest(
        format=bundle.FORMAT,
        name=name,
        version=version,
        task="regression" if isinstance(signature.outputs[0], ValueOutput) else "classification",
        signature=signature,
        target="price",
        files={},
        origin=ORIGIN,
        scores={"test": {}},
        multiply_adds=1,
        parameters=1,
        onnx_difference=0.0,
        golden_tolerance=1e-5,
        calibration=(),
        reference={},
    )


def write_table_bundle(
    models: Path, name: str = "rooms", version: int = 1, *, more: float = 0.0
) -> Path:
    """Publish a regression whose value is 10 * size + the colour's code, and something more."""
    size = helper.make_tensor_value_info("size", TensorProto.FLOAT, [None, 1])
    colour = helper.make_tensor_value_info("colour", TensorProto.INT32, [None, 1])
    value = helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])
    nodes = [
        helper.make_node("Mul", ["size", "ten"], ["tens"]),
        helper.make_node("Cast", ["colour"], ["code"], to=TensorProto.FLOAT),
        helper.make_node("Sum", ["tens", "code", "more"], ["value"]),
    ]
    added = helper.make_tensor("more", TensorProto.FLOAT, [1], [more])
    ten = helper.make_tensor("ten", TensorProto.FLOAT, [1], [10.0])
    graph = helper.make_graph(nodes, "rooms", [size, colour], [value], [ten, added])
    instances = {
        "size": np.array([1.0, 2.0], dtype=np.float32),
        "colour": np.array(["red", None], dtype=object),
    }
    expected = np.array([13.0, 20.0], dtype=np.float32) + np.float32(more)
    return _publish(models, table_manifest(name, version), graph, instances, expected)


def write_picture_bundle(models: Path, name: str = "strokes", version: int = 1) -> Path:
    """Publish a classifier that weighs the ink of the left half against the right's."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 28, 28, 1])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])
    halves = np.zeros((28, 28, 2), dtype=np.float32)
    halves[:, :14, 0] = halves[:, 14:, 1] = 1 / 255
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "halves"], ["ink"]),
        helper.make_node("Softmax", ["ink"], ["probabilities"], axis=1),
    ]
    weights = helper.make_tensor("halves", TensorProto.FLOAT, [784, 2], halves.reshape(-1))
    graph = helper.make_graph(nodes, "strokes", [image], [output], [weights])
    bar = np.zeros((1, 28, 28, 1), dtype=np.uint8)
    bar[0, 4:24, 12:16] = 255
    expected = np.array([[0.5, 0.5]], dtype=np.float32)
    return _publish(models, picture_manifest(name, version), graph, {"image": bar}, expected)


def _publish(
    models: Path,
    manifest: Manifest,
    graph: onnx.GraphProto,
    instances: bundle.Instances,
    expected: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> Path:
    folder = models / manifest.name / str(manifest.version)
    folder.mkdir(parents=True)
    # Opset 17 and IR 8: old enough for every ONNX Runtime of the last years.
    network = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tests"
    )
    onnx.save(network, str(folder / bundle.ONNX_NAME))
    bundle.write_golden(folder, instances, expected)
    rewrite_manifest(folder, manifest)
    return folder


def rewrite_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest that matches the files that lie in the folder now."""
    files = {
        path.name: bundle.describe_file(path)
        for path in sorted(folder.iterdir())
        if path.name != bundle.MANIFEST_NAME
    }
    bundle.write_manifest(msgspec.structs.replace(manifest, files=files), folder)
