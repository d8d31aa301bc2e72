"""A network's tensors, and what a person says of them -> the signature it is served with.

Knows nothing of Keras or ONNX.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.columns import Overrides, learn_specs, tell_kinds, tensor_names
from training.datasets.tables import read_whole
from training.errors import CannotTrain
from vitrine.errors import nearest, shown
from vitrine.geometry import GEOMETRIES
from vitrine.signature import (
    CategoryInput,
    ColumnSpec,
    Dialect,
    InputSpec,
    Instances,
    LabelsOutput,
    NumberInput,
    PictureInput,
    ProbabilitiesOutput,
    Signature,
    ValueOutput,
)
from vitrine.tables.cells import parse

_SIDE = 28
_TEXT = "string"
# What pictures of levels from 0 to 255 are multiplied by.
LEVELS = {"0-255": 1.0, "0-1": 1 / 255}

# What is predicted, where the person does not say.
_TARGETS = {ProbabilitiesOutput: "label", LabelsOutput: "labels", ValueOutput: "value"}

Takes = Literal["picture", "row", "columns"]
Ending = Literal["softmax", "logits", "sigmoid", "logit", "sigmoids", "value"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One array that the saved network takes or gives.

    Attributes:
        name: What the network calls it.
        shape: Of one instance; None for an axis of any length.
        dtype: Its element type.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a saved network takes and gives.

    Attributes:
        inputs: In order.
        output: The only one.
        activation: Its last; "linear" where there is none.
        scales: Whether scaling is part of the network; None where that cannot be seen.
        vocabularies: Of the inputs that are text, by name.
    """

    inputs: tuple[Tensor, ...]
    output: Tensor
    activation: str
    scales: bool | None
    vocabularies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the person at the terminal says beyond the file.

    Attributes:
        sample: A CSV file with a header, whose columns are the inputs.
        labels: Of the classes, in the network's order.
        target: What is predicted.
        unit: Of a value.
        geometry: What pictures are brought to.
        levels: Of pictures, as the network was trained on: one of `LEVELS`.
        logits: Whether the network gives logits.
    """

    sample: Path | None = None
    labels: tuple[str, ...] | None = None
    target: str | None = None
    unit: str | None = None
    geometry: str | None = None
    levels: str | None = None
    logits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a network is to be served.

    Attributes:
        signature: What it will take and give.
        target: What is predicted.
        takes: What it takes now: a picture, all columns as one row, or a tensor each.
        tensors: That it takes now, in order.
        scale: What levels of a picture are multiplied by first.
        ending: What comes out now.
        sample: Raw instances that the person gave; empty where there are none.
        dialect: Of their file.
    """

    signature: Signature
    target: str
    takes: Takes
    tensors: tuple[Tensor, ...]
    scale: float
    ending: Ending
    sample: Instances
    dialect: Dialect | None


@dataclass(frozen=True, slots=True)
class _Columns:
    specs: tuple[ColumnSpec, ...]
    sample: Instances
    dialect: Dialect | None


def make_plan(found: Found, told: Told) -> Plan:
    """Work out how a network is served.

    Raises:
        CannotTrain: It takes or gives what no bundle can say, or something must be told first.
    """
    ending = _ending(found, told)
    output = _output(found, told, ending)
    target = told.target or _TARGETS[type(output)]
    takes = _takes(found, told)
    inputs: tuple[InputSpec, ...]
    if takes == "picture":
        if told.sample is not None:
            raise CannotTrain("--sample is for a network of columns; this one takes a picture.")
        inputs = (_picture(found.inputs[0], found.output, told),)
        columns = _Columns((), {}, None)
    else:
        columns = _columns(found, told, takes)
        inputs = columns.specs
    return Plan(
        signature=Signature(inputs=inputs, outputs=(output,)),
        target=target,
        takes=takes,
        tensors=found.inputs,
        scale=_scale(found, told) if takes == "picture" else 1.0,
        ending=ending,
        sample=columns.sample,
        dialect=columns.dialect,
    )


def _takes(found: Found, told: Told) -> Takes:
    tensors = found.inputs
    if all(tensor.shape in {(), (1,)} for tensor in tensors):
        return "columns"
    first = tensors[0]
    if len(tensors) == 1 and first.dtype != _TEXT:
        if len(first.shape) == 1 and first.shape[0] is not None:
            is_picture = told.geometry is not None and first.shape[0] == _SIDE**2
            return "picture" if is_picture else "row"
        has_channels = len(first.shape) == 3 and first.shape[2] in {1, 3}
        if None not in first.shape and (len(first.shape) == 2 or has_channels):
            return "picture"
    raise CannotTrain(
        "The network must take one picture of a fixed size, (height, width) or (height, width, "
        f"1 or 3), one row of numbers, or single columns. Received: {_listed(tensors)}."
    )


def _picture(tensor: Tensor, output: Tensor, told: Told) -> PictureInput:
    lengths = tuple(length or 0 for length in tensor.shape)
    height, width, channels = {
        1: (_SIDE, _SIDE, 1),
        2: (*lengths, 1)[:3],
        3: lengths,
    }[len(lengths)]
    is_small = (height, width, channels) == (_SIDE, _SIDE, 1)
    geometry = told.geometry or ("mnist" if is_small and output.shape == (10,) else "fit")
    if geometry not in GEOMETRIES:
        known = ", ".join(GEOMETRIES)
        raise CannotTrain(f"There is no geometry {shown(geometry)}; say --geometry {known}.")
    if geometry != "fit" and not is_small:
        raise CannotTrain(
            f"Geometry {geometry} gives pictures of 28 x 28 in gray. "
            f"Received: a network of {height} x {width} x {channels}."
        )
    return PictureInput(
        name="image",
        tensor="image",
        dtype="float32",
        shape=(height, width, channels),
        geometry=geometry,
        geometry_version=GEOMETRIES[geometry].version,
    )


def _scale(found: Found, told: Told) -> float:
    if told.levels is None and not found.scales:
        seen = "does not scale" if found.scales is False else "does not tell whether it scales"
        raise CannotTrain(
            f"The network {seen} its pictures, which it is handed with levels from 0 to 255: say "
            "--levels 0-1 if they were divided by 255 before training, --levels 0-255 if not."
        )
    return LEVELS[told.levels or "0-255"]


def _columns(found: Found, told: Told, takes: Takes) -> _Columns:
    count = found.inputs[0].shape[0] or 0
    names = (
        [f"x{place}" for place in range(1, count + 1)]
        if takes == "row"
        else [tensor.name for tensor in found.inputs]
    )
    if told.sample is None:
        tensors = tensor_names(names)
        return _Columns(tuple(_spec(name, tensors[name], found) for name in names), {}, None)
    table = read_whole(told.sample)
    columns = {name: texts for name, texts in table.columns.items() if name != told.target}
    if takes == "row":
        names = _in_order(list(columns), count)
    for name in names:
        if name not in columns:
            raise CannotTrain(f"--sample has no column {shown(name)}.{nearest(name, columns)}")
    return _sampled(names, columns, table.dialect, found)


def _in_order(names: list[str], count: int) -> list[str]:
    if len(names) != count:
        raise CannotTrain(
            f"--sample must have {count} columns, as the network takes, in its order, besides the "
            f"one that --target names. Received: {len(names)}."
        )
    return names


def _sampled(
    names: Sequence[str],
    columns: Mapping[str, list[str | None]],
    dialect: Dialect,
    found: Found,
) -> _Columns:
    texts = tuple(name for name in names if name in found.vocabularies)
    numbers = tuple(name for name in names if name not in found.vocabularies)
    taken = {name: columns[name] for name in names}
    if not any(map(len, taken.values())):
        raise CannotTrain("--sample must have a row.")
    kinds = tell_kinds(taken, dialect, Overrides(numeric=numbers, categorical=texts))
    specs = tuple(
        msgspec.structs.replace(spec, vocabulary=found.vocabularies[spec.name])
        if isinstance(spec, CategoryInput)
        else spec
        for spec in learn_specs(taken, kinds, dialect)
    )
    sample: dict[str, NDArray[Any]] = {
        spec.name: parse(spec, [text or "" for text in taken[spec.name]], dialect).values
        for spec in specs
    }
    return _Columns(specs, sample, dialect)


def _spec(name: str, tensor: str, found: Found) -> ColumnSpec:
    """Describe a column of which nothing is known but what the network says."""
    if name in found.vocabularies:
        return CategoryInput(
            name=name,
            tensor=tensor,
            dtype="int32",
            shape=(1,),
            vocabulary=found.vocabularies[name],
            blanks=False,
        )
    return NumberInput(
        name=name,
        tensor=tensor,
        dtype="float32",
        shape=(1,),
        minimum=None,
        maximum=None,
        median=None,
        blanks=False,
    )


def _ending(found: Found, told: Told) -> Ending:
    shape, activation = found.output.shape, found.activation
    if len(shape) > 1 or None in shape:
        raise CannotTrain(
            "The network must give one number or one row of numbers. "
            f"Received: {_listed([found.output])}."
        )
    units = shape[0] if shape else 1
    if units == 1 and activation != "softmax":
        if activation == "sigmoid":
            return "sigmoid"
        if told.logits:
            return "logit"
        if told.labels is not None:
            raise CannotTrain("One unit without a sigmoid gives a value; say --logits if not.")
        return "value"
    if units != 1 and activation in {"softmax", "sigmoid"}:
        return "softmax" if activation == "softmax" else "sigmoids"
    if told.logits and activation == "linear":
        return "logits"
    raise CannotTrain(
        "The network must end in a softmax over the classes, a sigmoid, or one unit for a value; "
        "say --logits if its last layer has no activation because the loss applied the softmax. "
        f"Received: {units} units, {activation}."
    )


def _output(
    found: Found, told: Told, ending: Ending
) -> ProbabilitiesOutput | LabelsOutput | ValueOutput:
    if ending == "value":
        return ValueOutput(
            name="value", tensor="value", dtype="float32", shape=(1,), unit=told.unit
        )
    units = 2 if ending in {"sigmoid", "logit"} else (found.output.shape[0] or 0)
    labels = told.labels or tuple(str(place) for place in range(units))
    if len(labels) != units or len(set(labels)) != units:
        raise CannotTrain(f"--labels must be {units} different ones. Received: {len(labels)}.")
    kind = LabelsOutput if ending == "sigmoids" else ProbabilitiesOutput
    return kind(
        name="probabilities",
        tensor="probabilities",
        dtype="float32",
        shape=(units,),
        labels=labels,
    )


def _listed(tensors: Sequence[Tensor]) -> str:
    return "; ".join(
        f"{tensor.name} ({', '.join('any' if n is None else str(n) for n in tensor.shape)}) of "
        f"{tensor.dtype}"
        for tensor in tensors
    )[:300]


def made_up_rows(specs: Sequence[ColumnSpec], sample: Instances, count: int = 8) -> Instances:
    """Make rows up without blanks, of which an imported network may know nothing.

    Numbers are drawn between the tenth and the ninetieth percentile of the sample and rounded, or
    between 0 and 1 where there is none.
    """
    rng = np.random.default_rng(0)
    rows: dict[str, NDArray[Any]] = {}
    for spec in specs:
        if isinstance(spec, CategoryInput):
            texts = np.array([*spec.vocabulary, "never seen"], dtype=object)
            rows[spec.name] = rng.choice(texts, count)
            continue
        known = np.array(sample.get(spec.name, [0.0, 1.0]), np.float64)
        known = known[~np.isnan(known)]
        drawn = np.quantile(known if len(known) else [0.0], rng.uniform(0.1, 0.9, count))
        rows[spec.name] = np.array([float(f"{value:.3g}") for value in drawn], np.float32)
    return rows
