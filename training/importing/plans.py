"""The interface of a network and the options of the user -> how the network is served.

This module knows nothing about Keras or ONNX.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from training.importing.input_columns import InputColumns, describe_columns
from training.importing.interfaces import (
    NetworkInterface,
    Tensor,
    describe_steps,
    describe_tensors,
)
from training.importing.options import ImportOptions
from training.importing.predictions import (
    OutputKind,
    describe_prediction,
    find_output_kind,
    name_target,
)
from training.importing.refusals import CannotImport
from vitrine.errors import shown
from vitrine.geometry import GEOMETRIES
from vitrine.signature import Dialect, InputSpec, Instances, PictureInput, Signature

# Height and width of the pictures of MNIST and Fashion-MNIST, in pixels.
_SMALL_SIDE = 28


@dataclass(frozen=True, slots=True)
class Levels:
    """The pixel levels that a network was trained on.

    Attributes:
        text: Their range in words.
        factor: What levels from 0 to 255 are multiplied by.
        shift: What is then added.
    """

    text: str
    factor: float = 1.0
    shift: float = 0.0


LEVELS = {
    "0-255": Levels("0 to 255"),
    "0-1": Levels("0 to 1", 1 / 255),
    "-1-1": Levels("-1 to 1", 1 / 127.5, -1.0),
}
_LEVELS_ADVICE = (
    "Give --levels 0-1 if the pictures were divided by 255 before training, --levels -1-1 if they "
    "were divided by 127.5 and reduced by 1, and --levels 0-255 if they were not changed."
)

InputKind = Literal["picture", "columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an imported network is served.

    Attributes:
        signature: Inputs and outputs of the published version.
        target: Name of the prediction.
        input_kind: What the saved network takes: a picture, or columns.
        tensors: Arrays that the saved network takes, in order. Columns fill them element by
            element.
        levels: Pixel levels of a picture.
        output_kind: What the output of the saved network means.
        sample: Raw instances of the sample that the user gave; empty without one.
        dialect: How the file of the sample is written; None without one.
        notes: What the user should know about decisions that the file does not tell.
    """

    signature: Signature
    target: str
    input_kind: InputKind
    tensors: tuple[Tensor, ...]
    levels: Levels
    output_kind: OutputKind
    sample: Instances
    dialect: Dialect | None
    notes: tuple[str, ...]


def make_plan(interface: NetworkInterface, options: ImportOptions) -> Plan:
    """Decide how a network is served.

    Raises:
        CannotImport: A bundle cannot describe the inputs or the output, or an option is missing.
    """
    output_kind = find_output_kind(interface, options)
    prediction = describe_prediction(interface, options, output_kind)
    input_kind = _find_input_kind(interface, options)
    inputs: tuple[InputSpec, ...]
    levels, columns = LEVELS["0-255"], InputColumns((), interface.inputs, {}, None)
    if input_kind == "picture":
        inputs = (_describe_picture(interface, options),)
        levels = _find_levels(interface, options)
    else:
        columns = describe_columns(interface, options)
        inputs = columns.specs
    return Plan(
        signature=Signature(inputs=inputs, outputs=(prediction,)),
        target=name_target(prediction, options),
        input_kind=input_kind,
        tensors=columns.tensors,
        levels=levels,
        output_kind=output_kind,
        sample=columns.sample,
        dialect=columns.dialect,
        notes=tuple(_notes(interface, columns, options, output_kind)),
    )


def _notes(
    interface: NetworkInterface, columns: InputColumns, options: ImportOptions, kind: OutputKind
) -> Iterator[str]:
    first = columns.tensors[0]
    if columns.specs and len(first.shape) == 2 and options.sample is None:
        yield (
            f"The network takes {describe_steps(first)}, so the model has {len(columns.specs)} "
            f"columns, {columns.specs[0].name} to {columns.specs[-1].name}. Give --sample with a "
            "file whose header names them, or --levels if the network takes a picture."
        )
    if interface.scales and options.levels not in {None, "0-255"}:
        yield (
            "The network scales its pictures itself, after they were brought to the range of "
            "--levels. Leave --levels out if they were not changed before training."
        )
    if kind == "shares" and options.task is None:
        yield (
            "The loss of the network was that of one class for each instance, so its sigmoids are "
            "divided by their sum. Give --task multilabel if an instance may have several labels."
        )


def _find_input_kind(interface: NetworkInterface, options: ImportOptions) -> InputKind:
    first, *others = interface.inputs
    says_picture = options.levels is not None or options.geometry is not None
    if all(len(tensor.shape) <= 1 for tensor in interface.inputs):
        if says_picture and not others and first.shape != (_SMALL_SIDE**2,):
            raise _not_a_picture(first)
        return "picture" if says_picture and not others else "columns"
    if not others and len(first.shape) == 2:
        return _kind_of_two_axes(interface, options, says_picture=says_picture)
    has_channels = len(first.shape) == 3 and first.shape[2] in {1, 3}
    if not others and None not in first.shape and has_channels:
        return "picture"
    raise CannotImport(
        "The network must take one picture of a fixed size, (height, width) or (height, width, "
        "1 or 3), time steps of features, rows of numbers, or single columns. "
        f"Received: {describe_tensors(interface.inputs)}.",
        way_out="Build a network around it that takes one of these, and save that: "
        "keras.Sequential([keras.Input((224, 224, 3)), network]) takes a picture of that size.",
    )


def _not_a_picture(tensor: Tensor) -> CannotImport:
    return CannotImport(
        "--levels and --geometry are for networks of pictures, but this one takes "
        f"{describe_tensors((tensor,))}.",
        way_out="Leave them out, or put the picture in front and save that: keras.Sequential(["
        "keras.Input((HEIGHT, WIDTH, 1)), keras.layers.Flatten(), network]).",
    )


def _kind_of_two_axes(
    interface: NetworkInterface, options: ImportOptions, *, says_picture: bool
) -> InputKind:
    """Decide whether two axes are a picture, or time steps of features, which become columns."""
    first = interface.inputs[0]
    if says_picture and None not in first.shape:
        return "picture"
    if options.sample is not None:
        return "columns"
    if first.shape[0] != first.shape[1] or None in first.shape:
        return "columns"
    if interface.takes_steps and not interface.scales:
        raise CannotImport(
            f"The network takes {describe_steps(first)}, which may also be the rows of a picture.",
            way_out=f"Give --sample with a file of {first.size} columns, the features of the first "
            f"time step first. {_LEVELS_ADVICE}",
        )
    return "picture"


def _describe_picture(interface: NetworkInterface, options: ImportOptions) -> PictureInput:
    if options.sample is not None:
        raise CannotImport(
            "--sample is for networks of columns, but this one takes a picture.",
            way_out="Leave it out, or leave --levels and --geometry out if the two axes of the "
            "network are time steps of features.",
        )
    height, width, channels = shape = _picture_shape(interface.inputs[0])
    is_small = shape == (_SMALL_SIDE, _SMALL_SIDE, 1)
    usual = "mnist" if is_small and interface.output.shape == (10,) else "fit"
    geometry = options.geometry or usual
    if geometry not in GEOMETRIES:
        raise CannotImport(
            f"There is no geometry {shown(geometry)}.",
            way_out=f"Give --geometry {' or '.join(GEOMETRIES)}.",
        )
    if geometry != "fit" and not is_small:
        raise CannotImport(
            f"The geometry {geometry} makes pictures of 28 x 28 in gray. "
            f"Received: a network that takes {height} x {width} x {channels}.",
            way_out="Give --geometry fit.",
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


def _find_levels(interface: NetworkInterface, options: ImportOptions) -> Levels:
    if options.levels is None and not interface.scales:
        raise _unknown_levels(interface)
    return LEVELS[options.levels or "0-255"]


def _unknown_levels(interface: NetworkInterface) -> CannotImport:
    known, way_out = "The network does not scale its pictures", _LEVELS_ADVICE
    if interface.scales is None:
        known = "The file does not tell whether the network scales its pictures"
        way_out += " Give --levels 0-255 also if the network changes them itself."
    if len(interface.inputs[0].shape) == 2:
        way_out += (
            " Give --sample with a file of columns if its two axes are time steps of features."
        )
    return CannotImport(
        f"{known}, and the service passes pictures with levels from 0 to 255.", way_out=way_out
    )
