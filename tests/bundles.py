"""Tiny bundles made by code: real ONNX files of a few operations, no TensorFlow.

Those that are calibrated have so few scores that every set, interval and p-value can be worked out
by hand.
"""

from math import log
from pathlib import Path

import msgspec
import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper

from service.rollout.repository import Repository
from vitrine import bundle
from vitrine.bundle import Calibration, Manifest, Origin, Reference
from vitrine.geometry import GEOMETRIES
from vitrine.loading import load_version
from vitrine.signature import (
    AnomalyOutput,
    CategoryInput,
    ColumnSpec,
    DateInput,
    Instances,
    LabelsOutput,
    NoveltyOutput,
    NumberInput,
    PictureInput,
    PredictionOutput,
    ProbabilitiesOutput,
    QuantilesOutput,
    Signature,
    Task,
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

_TASKS: dict[type[PredictionOutput], Task] = {
    ProbabilitiesOutput: "classification",
    ValueOutput: "regression",
    LabelsOutput: "multi-label classification",
    AnomalyOutput: "anomaly detection",
}

# The picture that most tests draw has 40 inked pixels on the left, 16 on the right.
_ODDS_OF_THREE = log(3) / 24


def table_manifest(name: str = "rooms", version: int = 1, *, calibrated: bool = False) -> Manifest:
    """Describe a regression on a number that is never blank and a colour that may be.

    One that is calibrated knows quantiles, a narrower range and what it was trained on.
    """
    inputs = (
        NumberInput(
            name="size",
            tensor="size",
            dtype="float32",
            shape=(1,),
            unit="m2",
            minimum=0.0 if calibrated else -1e6,
            maximum=100.0 if calibrated else 1e6,
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
    value = ValueOutput(name="value", tensor="value", dtype="float32", shape=(1,), unit="USD")
    if not calibrated:
        return _manifest(name, version, Signature(inputs=inputs, outputs=(value,)))
    quantiles = QuantilesOutput(
        name="quantiles",
        tensor="quantiles",
        dtype="float32",
        shape=(2,),
        levels=(0.05, 0.95),
        unit="USD",
    )
    return _manifest(
        name,
        version,
        Signature(inputs=inputs, outputs=(value, quantiles)),
        calibration=Calibration(scores=(0.0, 0.5, 1.0, 2.0)),
        reference={
            "size": Reference(edges=(2.0, 8.0), counts=(300, 500, 200, 0)),
            "colour": Reference(edges=None, counts=(100, 0, 400, 500)),
        },
    )


def picture_manifest(
    name: str = "strokes", version: int = 1, *, calibrated: bool = False
) -> Manifest:
    """Describe a classifier of pictures into two labels.

    One that is calibrated knows how new a picture is, and what it was trained on.
    """
    inputs = (
        PictureInput(
            name="image",
            tensor="image",
            dtype="float32",
            shape=(28, 28, 1),
            geometry="mnist",
            geometry_version=GEOMETRIES["mnist"].version,
        ),
    )
    probabilities = ProbabilitiesOutput(
        name="probabilities",
        tensor="probabilities",
        dtype="float32",
        shape=(2,),
        labels=("left", "right"),
    )
    if not calibrated:
        return _manifest(name, version, Signature(inputs=inputs, outputs=(probabilities,)))
    novelty = NoveltyOutput(name="novelty", tensor="novelty", dtype="float32", shape=(1,))
    return _manifest(
        name,
        version,
        Signature(inputs=inputs, outputs=(probabilities, novelty)),
        calibration=Calibration(
            scores=(0.1, 0.2, 0.3, 0.8),
            novelty=(10 * 255.0, 30 * 255.0, 56 * 255.0, 80 * 255.0),
            temperature=1.5,
        ),
        reference={
            "ink_mass": Reference(edges=(0.05, 0.1), counts=(10, 80, 10, 0)),
            "box_height": Reference(edges=(19.5,), counts=(0, 100, 0)),
            "label": Reference(edges=None, counts=(0, 0, 60, 40)),
            "probability": Reference(edges=(0.6, 0.9), counts=(10, 30, 60, 0)),
        },
    )


def labels_manifest(
    name: str = "traits", version: int = 1, *, labels: tuple[str, ...] = ("small", "large", "red")
) -> Manifest:
    """Describe a network that tells which labels a row of the table has."""
    output = LabelsOutput(
        name="labels", tensor="labels", dtype="float32", shape=(len(labels),), labels=labels
    )
    inputs = table_manifest().signature.inputs
    return _manifest(name, version, Signature(inputs=inputs, outputs=(output,)))


def anomaly_manifest(
    name: str = "oddities", version: int = 1, *, pictures: bool = False, calibrated: bool = True
) -> Manifest:
    """Describe a network that tells how strange a row of the table, or a picture, is."""
    output = AnomalyOutput(name="anomaly", tensor="anomaly", dtype="float32", shape=(1,))
    like = picture_manifest() if pictures else table_manifest()
    return _manifest(
        name,
        version,
        Signature(inputs=like.signature.inputs, outputs=(output,)),
        calibration=Calibration(scores=(1.0, 2.0, 3.0, 8.0)) if calibrated else None,
    )


def classes_manifest(name: str = "grades", version: int = 1) -> Manifest:
    """Describe a calibrated network that tells which of three classes a row of the table has."""
    probabilities = ProbabilitiesOutput(
        name="probabilities",
        tensor="probabilities",
        dtype="float32",
        shape=(3,),
        labels=("low", "middle", "high"),
    )
    novelty = NoveltyOutput(name="novelty", tensor="novelty", dtype="float32", shape=(1,))
    return _manifest(
        name,
        version,
        Signature(inputs=table_manifest().signature.inputs, outputs=(probabilities, novelty)),
        calibration=Calibration(
            scores=(0.1, 0.2, 0.3, 0.8), novelty=(1.0, 2.0, 3.0, 4.0), temperature=1.0
        ),
    )


def wide_manifest(name: str = "days", version: int = 1, *, numbers: int = 14) -> Manifest:
    """Describe a regression on a date and many numbers, which may all be blank."""
    day = DateInput(
        name="day",
        tensor="day",
        dtype="float32",
        shape=(1,),
        format="%d.%m.%Y",
        minimum=18262.0,
        maximum=18627.0,
        median=18444.0,
        blanks=True,
    )
    inputs: list[ColumnSpec] = [day]
    for number in range(1, numbers + 1):
        column = f"number_{number}"
        spec = NumberInput(
            name=column,
            tensor=column,
            dtype="float32",
            shape=(1,),
            minimum=0.0,
            maximum=1.0,
            median=0.5,
            blanks=True,
        )
        inputs.append(spec)
    value = ValueOutput(name="value", tensor="value", dtype="float32", shape=(1,))
    return _manifest(name, version, Signature(inputs=tuple(inputs), outputs=(value,)))


def _manifest(
    name: str,
    version: int,
    signature: Signature,
    *,
    calibration: Calibration | None = None,
    reference: dict[str, Reference] | None = None,
) -> Manifest:
    return Manifest(
        format=bundle.FORMAT,
        name=name,
        version=version,
        task=_TASKS[type(signature.prediction)],
        signature=signature,
        target="price",
        files={},
        origin=ORIGIN,
        scores={"test": {}},
        multiply_adds=1,
        parameters=1,
        onnx_difference=0.0,
        golden_tolerance=1e-5,
        calibration=calibration,
        reference=reference or {},
    )


def write_table_bundle(
    models: Path,
    name: str = "rooms",
    version: int = 1,
    *,
    more: float = 0.0,
    calibrated: bool = False,
    default: bool = True,
) -> Path:
    """Publish a regression whose value is 10 * size + the colour's code, and something more.

    One that is calibrated says that the value may be 1 less and 2 more. One that is not a default
    answers only requests that name it.
    """
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])]
    constants = [_numbers("ten", [10.0]), _numbers("more", [more])]
    nodes = [
        helper.make_node("Mul", ["size", "ten"], ["tens"]),
        _code_of_colour(),
        helper.make_node("Sum", ["tens", "code", "more"], ["value"]),
    ]
    if calibrated:
        outputs.append(helper.make_tensor_value_info("quantiles", TensorProto.FLOAT, [None, 2]))
        constants.append(_numbers("reach", [-1.0, 2.0]))
        nodes.append(helper.make_node("Add", ["value", "reach"], ["quantiles"]))
    graph = helper.make_graph(nodes, "rooms", _columns(), outputs, constants)
    instances = {
        "size": np.array([1.0, 2.0], dtype=np.float32),
        "colour": np.array(["red", None], dtype=object),
    }
    expected = np.array([13.0, 20.0], dtype=np.float32) + np.float32(more)
    manifest = table_manifest(name, version, calibrated=calibrated)
    manifest = msgspec.structs.replace(manifest, default=default)
    return _publish(models, manifest, graph, instances, expected)


def half_plus_two_manifest(version: int = 1, *, name: str = "half_plus_two") -> Manifest:
    """Describe a network of one number to one number."""
    x = NumberInput(
        name="x",
        tensor="x",
        dtype="float32",
        shape=(1,),
        minimum=None,
        maximum=None,
        median=None,
        blanks=True,
    )
    y = ValueOutput(name="y", tensor="y", dtype="float32", shape=(1,))
    return _manifest(name, version, Signature(inputs=(x,), outputs=(y,)))


def write_half_plus_two_bundle(
    models: Path, version: int = 1, *, name: str = "half_plus_two", added: float = 2.0
) -> Path:
    """Publish x * 0.5 + 2, the example of TensorFlow Serving's documentation, or another sum."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in "xy")
    nodes = [
        helper.make_node("Mul", ["x", "half"], ["half_of_x"]),
        helper.make_node("Add", ["half_of_x", "added"], ["y"]),
    ]
    constants = [_numbers("half", [0.5]), _numbers("added", [added])]
    graph = helper.make_graph(nodes, name, [x], [y], constants)
    instances = {"x": np.array([1.0, 2.0], dtype=np.float32)}
    expected = np.array([0.5, 1.0], dtype=np.float32) + np.float32(added)
    manifest = half_plus_two_manifest(version, name=name)
    return _publish(models, manifest, graph, instances, expected)


def write_picture_bundle(
    models: Path, name: str = "strokes", version: int = 1, *, calibrated: bool = False
) -> Path:
    """Publish a classifier that weighs the ink of the left half against the right's.

    One that is calibrated is less sure, and takes a picture with more ink for a newer one.
    """
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 28, 28, 1])
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    halves = np.zeros((28, 28, 2), dtype=np.float32)
    halves[:, :14, 0] = halves[:, 14:, 1] = (_ODDS_OF_THREE if calibrated else 1) / 255
    constants = [_numbers("halves", halves.reshape(784, 2))]
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "halves"], ["ink"]),
        helper.make_node("Softmax", ["ink"], ["probabilities"], axis=1),
    ]
    if calibrated:
        outputs.append(helper.make_tensor_value_info("novelty", TensorProto.FLOAT, [None, 1]))
        # Sums of whole levels are exact, so that ties are ties.
        constants.append(_numbers("ones", np.ones((784, 1))))
        nodes.append(helper.make_node("MatMul", ["flat", "ones"], ["novelty"]))
    graph = helper.make_graph(nodes, "strokes", [image], outputs, constants)
    bar = np.zeros((1, 28, 28, 1), dtype=np.uint8)
    bar[0, 4:24, 12:16] = 255
    expected = np.array([[0.5, 0.5]], dtype=np.float32)
    manifest = picture_manifest(name, version, calibrated=calibrated)
    return _publish(models, manifest, graph, {"image": bar}, expected)


def write_labels_bundle(models: Path) -> Path:
    """Publish a network for which sizes below 3 are small, above 5 large, and code 3 is red."""
    graph = helper.make_graph(
        [
            _code_of_colour(),
            helper.make_node("Mul", ["size", "slopes"], ["of_size"]),
            helper.make_node("Mul", ["code", "of_code"], ["of_colour"]),
            helper.make_node("Sum", ["of_size", "of_colour", "offsets"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["labels"]),
        ],
        "traits",
        _columns(),
        [helper.make_tensor_value_info("labels", TensorProto.FLOAT, [None, 3])],
        [
            _numbers("slopes", [-1.0, 1.0, 0.0]),
            _numbers("of_code", [0.0, 0.0, 2.0]),
            _numbers("offsets", [3.0, -5.0, -5.0]),
        ],
    )
    instances = {
        "size": np.array([1.0, 5.0], dtype=np.float32),
        "colour": np.array(["red", None], dtype=object),
    }
    logits = np.array([[2, -4, 1], [-2, 0, -5]], dtype=np.float32)
    expected = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return _publish(models, labels_manifest(), graph, instances, expected)


def write_anomaly_bundle(models: Path) -> Path:
    """Publish a network that finds rows stranger the further the size is from 5."""
    graph = helper.make_graph(
        [
            _code_of_colour(),
            helper.make_node("Sub", ["size", "five"], ["off"]),
            helper.make_node("Abs", ["off"], ["far"]),
            helper.make_node("Add", ["far", "code"], ["anomaly"]),
        ],
        "oddities",
        _columns(),
        [helper.make_tensor_value_info("anomaly", TensorProto.FLOAT, [None, 1])],
        [_numbers("five", [5.0])],
    )
    instances = {
        "size": np.array([1.0, 5.0], dtype=np.float32),
        "colour": np.array(["red", None], dtype=object),
    }
    expected = np.array([7.0, 0.0], dtype=np.float32)
    return _publish(models, anomaly_manifest(), graph, instances, expected)


def write_classes_bundle(models: Path) -> Path:
    """Publish a network for which sizes around 5 are of the class "middle"."""
    graph = helper.make_graph(
        [
            _code_of_colour(),
            helper.make_node("Mul", ["size", "slopes"], ["of_size"]),
            helper.make_node("Mul", ["code", "nothing"], ["of_colour"]),
            helper.make_node("Sum", ["of_size", "of_colour", "offsets"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
            helper.make_node("Sub", ["size", "five"], ["off"]),
            helper.make_node("Abs", ["off"], ["novelty"]),
        ],
        "grades",
        _columns(),
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3]),
            helper.make_tensor_value_info("novelty", TensorProto.FLOAT, [None, 1]),
        ],
        [
            _numbers("slopes", [-1.0, 0.0, 1.0]),
            _numbers("nothing", [0.0, 0.0, 0.0]),
            _numbers("offsets", [3.0, 0.0, -7.0]),
            _numbers("five", [5.0]),
        ],
    )
    instances = {
        "size": np.array([3.0, 7.0], dtype=np.float32),
        "colour": np.array(["red", None], dtype=object),
    }
    odds = np.exp(np.array([[0, 0, -4], [-4, 0, 0]], dtype=np.float32))
    expected = odds / odds.sum(axis=1, keepdims=True)
    return _publish(models, classes_manifest(), graph, instances, expected)


def write_wide_bundle(models: Path) -> Path:
    """Publish a network whose value is the sum of all numbers and of the day, in thousands."""
    manifest = wide_manifest()
    names = [spec.tensor for spec in manifest.signature.columns]
    graph = helper.make_graph(
        [
            helper.make_node("Div", ["day", "thousand"], ["thousands"]),
            helper.make_node("Sum", ["thousands", *names[1:]], ["value"]),
        ],
        "days",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in names],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])],
        [_numbers("thousand", [1000.0])],
    )
    instances = {name: np.array([1.0], dtype=np.float32) for name in names}
    expected = np.array([len(names) - 1 + 0.001], dtype=np.float32)
    return _publish(models, manifest, graph, instances, expected)


def calibrated_repository(models: Path) -> Repository:
    """Publish and load "rooms" and "strokes", both calibrated."""
    folders = {
        "rooms": write_table_bundle(models, calibrated=True),
        "strokes": write_picture_bundle(models, calibrated=True),
    }
    return Repository(
        {name: {1: load_version(folder, threads=1)} for name, folder in folders.items()}
    )


def _columns() -> list[onnx.ValueInfoProto]:
    size = helper.make_tensor_value_info("size", TensorProto.FLOAT, [None, 1])
    colour = helper.make_tensor_value_info("colour", TensorProto.INT32, [None, 1])
    return [size, colour]


def _code_of_colour() -> onnx.NodeProto:
    return helper.make_node("Cast", ["colour"], ["code"], to=TensorProto.FLOAT)


def _numbers(name: str, values: ArrayLike) -> onnx.TensorProto:
    array = np.asarray(values, dtype=np.float32)
    return helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.ravel())


def _publish(
    models: Path,
    manifest: Manifest,
    graph: onnx.GraphProto,
    instances: Instances,
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


def write_report(folder: Path) -> dict[str, bytes]:
    """Write the files for people of a version, list them in its manifest, and return them."""
    report = {
        bundle.CARD_NAME: "# rooms, Zimmer für Gäste\n".encode(),
        bundle.HISTORY_NAME: b"",
        f"{bundle.PLOTS_NAME}/loss.png": b"\x89PNG\r\n\x1a\n",
    }
    (folder / bundle.PLOTS_NAME).mkdir()
    for path, body in report.items():
        (folder / path).write_bytes(body)
    manifest = bundle.read_manifest(folder)
    described = bundle.describe_report(folder)
    bundle.write_manifest(msgspec.structs.replace(manifest, report=described), folder)
    return report
