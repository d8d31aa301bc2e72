"""The interface of a network and the options of the user -> how the network is served.

This module knows nothing about Keras or ONNX.
"""

from dataclasses import dataclass
from typing import Literal

from training.errors import CannotTrain
from training.importing.input_columns import InputColumns, describe_columns
from training.importing.interfaces import TEXT, NetworkInterface, Tensor, describe_tensors
from training.importing.options import ImportOptions
from training.importing.predictions import (
    OutputKind,
    describe_prediction,
    find_output_kind,
    name_target,
)
from vitrine.errors import shown
from vitrine.geometry import GEOMETRIES
from vitrine.signature import Dialect, InputSpec, Instances, PictureInput, Signature

# Height and width of the pictures of MNIST and Fashion-MNIST, in pixels.
_SMALL_SIDE = 28
# The factor that pixel levels from 0 to 255 are multiplied by, for each range.
LEVELS = {"0-255": 1.0, "0-1": 1 / 255}

InputKind = Literal["picture", "row", "columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an imported network is served.

    Attributes:
        signature: Inputs and outputs of the published version.
        target: Name of the prediction.
        input_kind: What the saved network takes: a picture, all columns as one row, or one array
            for each column.
        tensors: Arrays that the saved network takes, in order.
        scale: Factor that the pixel levels of a picture are multiplied by first.
        output_kind: What the output of the saved network means.
        sample: Raw instances of the sample that the user gave; empty without one.
        dialect: How the file of the sample is written; None without one.
    """

    signature: Signature
    target: str
    input_kind: InputKind
    tensors: tuple[Tensor, ...]
    scale: float
    output_kind: OutputKind
    sample: Instances
    dialect: Dialect | None


def make_plan(interface: NetworkInterface, options: ImportOptions) -> Plan:
    """Decide how a network is served.

    Raises:
        CannotTrain: A bundle cannot describe the inputs or the output, or an option is missing.
    """
    output_kind = find_output_kind(interface, options)
    prediction = describe_prediction(interface, options, output_kind)
    input_kind = _find_input_kind(interface, options)
    inputs: tuple[InputSpec, ...]
    scale, columns = 1.0, InputColumns((), {}, None)
    if input_kind == "picture":
        inputs = (_describe_picture(interface, options),)
        scale = _find_scale(interface, options)
    else:
        columns = describe_columns(interface, options, in_one_row=input_kind == "row")
        inputs = columns.specs
    return Plan(
        signature=Signature(inputs=inputs, outputs=(prediction,)),
        target=name_target(prediction, options),
        input_kind=input_kind,
        tensors=interface.inputs,
        scale=scale,
        output_kind=output_kind,
        sample=columns.sample,
        dialect=columns.dialect,
    )


def _find_input_kind(interface: NetworkInterface, options: ImportOptions) -> InputKind:
    if all(tensor.shape in {(), (1,)} for tensor in interface.inputs):
        return "columns"
    first, *others = interface.inputs
    if not others and first.dtype != TEXT:
        if len(first.shape) == 1 and first.shape[0] is not None:
            is_picture = options.geometry is not None and first.shape[0] == _SMALL_SIDE**2
            return "picture" if is_picture else "row"
        has_channels = len(first.shape) == 3 and first.shape[2] in {1, 3}
        if None not in first.shape and (len(first.shape) == 2 or has_channels):
            return "picture"
    raise CannotTrain(
        "The network must take one picture of a fixed size, (height, width) or (height, width, "
        "1 or 3), one row of numbers, or single columns. "
        f"Received: {describe_tensors(interface.inputs)}."
    )


def _describe_picture(interface: NetworkInterface, options: ImportOptions) -> PictureInput:
    if options.sample is not None:
        raise CannotTrain("--sample is for networks of columns, but this one takes a picture.")
    height, width, channels = shape = _picture_shape(interface.inputs[0])
    is_small = shape == (_SMALL_SIDE, _SMALL_SIDE, 1)
    usual = "mnist" if is_small and interface.output.shape == (10,) else "fit"
    geometry = options.geometry or usual
    if geometry not in GEOMETRIES:
        known = ", ".join(GEOMETRIES)
        raise CannotTrain(f"There is no geometry {shown(geometry)}. Give --geometry {known}.")
    if geometry != "fit" and not is_small:
        raise CannotTrain(
            f"The geometry {geometry} makes pictures of 28 x 28 in gray. "
            f"Received: a network that takes {height} x {width} x {channels}."
        )
    return PictureInput(
        name="image",
        tensor="image",
        dtype="float32",
        shape=shape,
        geometry=geometry,
        geometry_version=GEOMETRIES[geometry].version,
    )


def _picture_shape(tensor: Tensor) -> tuple[int, int, int]:
    """Return height, width and channels of a picture, which may be flat or without channels."""
    lengths = [length or 0 for length in tensor.shape]
    if len(lengths) == 1:
        return _SMALL_SIDE, _SMALL_SIDE, 1
    height, width, channels = [*lengths, 1][:3]
    return height, width, channels


def _find_scale(interface: NetworkInterface, options: ImportOptions) -> float:
    if options.levels is None and not interface.scales:
        known = "does not scale" if interface.scales is False else "does not tell whether it scales"
        raise CannotTrain(
            f"The network {known} its pictures, and the service passes pictures with levels from 0 "
            "to 255. Give --levels 0-1 if the pictures were divided by 255 before training, and "
            "--levels 0-255 if they were not."
        )
    return LEVELS[options.levels or "0-255"]
