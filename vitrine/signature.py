"""What goes into a version and what comes out: the named, typed, shaped inputs and outputs.

Training writes a signature into the manifest, whoever loads the version reads it.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from numpy.typing import NDArray

# Input name -> raw values, axis 0 the instance: pictures as an object array of uint8 arrays
# (height, width, channels), numbers and dates as float32 with NaN for a blank, categories as an
# object array of str with None for a blank.
Instances = Mapping[str, NDArray[Any]]

# A category's code in the network: blank, any text that training did not see, the vocabulary.
MISSING_CODE = 0
OTHER_CODE = 1
FIRST_CODE = 2


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the manifest; immutable."""


class TensorSpec(Record, tag_field="kind", frozen=True, kw_only=True):
    """One named array that goes into or comes out of the network.

    Attributes:
        name: What a client calls it: the column's name, or "image".
        tensor: What the saved network calls it.
        dtype: The network's element type.
        shape: Of one instance; () is a single number.
    """

    name: str
    tensor: str
    dtype: Literal["float32", "int32"]
    shape: tuple[int, ...]


class PictureInput(TensorSpec, tag="picture", frozen=True, kw_only=True):
    """A picture, brought to the network's geometry before it enters.

    Attributes:
        geometry: The name of the geometry training used.
        geometry_version: Its version; a service with another one refuses the bundle.
    """

    geometry: str
    geometry_version: int

    @property
    def inked(self) -> bool:
        """Whether the geometry makes it something bright on bare black."""
        return self.geometry != "fit"


class NumberInput(TensorSpec, tag="number", frozen=True, kw_only=True):
    """A numeric column; NaN in the network stands for a blank.

    Attributes:
        unit: Of the values, where it is known.
        minimum, maximum: The range seen in training; None where every value was blank.
        median: The middle value seen in training.
        blanks: Whether training saw blanks.
    """

    unit: str | None = None
    minimum: float | None
    maximum: float | None
    median: float | None
    blanks: bool


class DateInput(TensorSpec, tag="date", frozen=True, kw_only=True):
    """A column of dates or times, in days since 1970-01-01 UTC.

    Attributes:
        format: Of the training file's text, as `strptime` writes it, such as "%Y-%m-%d".
        minimum, maximum, median: The range seen in training, in days.
        blanks: Whether training saw blanks.
    """

    format: str
    minimum: float | None
    maximum: float | None
    median: float | None
    blanks: bool


class CategoryInput(TensorSpec, tag="category", frozen=True, kw_only=True):
    """A column of text with few distinct values; its code enters the network.

    Attributes:
        vocabulary: The texts seen in training; code = place + `FIRST_CODE`.
        blanks: Whether training saw blanks.
    """

    vocabulary: tuple[str, ...]
    blanks: bool

    @property
    def codes(self) -> dict[str | None, int]:
        """The code of a blank and of each text that has its own."""
        codes: dict[str | None, int] = {None: MISSING_CODE}
        codes.update((text, FIRST_CODE + place) for place, text in enumerate(self.vocabulary))
        return codes


class ProbabilitiesOutput(TensorSpec, tag="probabilities", frozen=True, kw_only=True):
    """One probability a class label, summing to 1.

    Attributes:
        labels: The class labels, in the order of the last axis.
    """

    labels: tuple[str, ...]


class ValueOutput(TensorSpec, tag="value", frozen=True, kw_only=True):
    """One number in the target's unit.

    Attributes:
        unit: Of the target, where it is known.
    """

    unit: str | None = None


class LabelsOutput(TensorSpec, tag="labels", frozen=True, kw_only=True):
    """One probability a label, each by itself: an instance may have any of them, or none.

    Attributes:
        labels: In the order of the last axis.
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse other than one probability a label."""
        if not self.labels or self.shape != (len(self.labels),):
            raise ValueError("labels need a probability each")


class AnomalyOutput(TensorSpec, tag="anomaly", frozen=True, kw_only=True):
    """One number, how badly the network reconstructs an instance; more is stranger."""

    def __post_init__(self) -> None:
        """Refuse other than one number."""
        if self.shape != (1,):
            raise ValueError("an anomaly's score is one number")


class QuantilesOutput(TensorSpec, tag="quantiles", frozen=True, kw_only=True):
    """Two quantiles of the target given the instance, the value between them.

    Attributes:
        levels: Of the lower and the upper one, as training aimed at them.
        unit: Of the target, where it is known.
    """

    levels: tuple[float, float]
    unit: str | None = None


class NoveltyOutput(TensorSpec, tag="novelty", frozen=True, kw_only=True):
    """How far an instance lies from all that the network was trained on; more is stranger."""


InputSpec = PictureInput | NumberInput | DateInput | CategoryInput
ColumnSpec = NumberInput | DateInput | CategoryInput
PredictionOutput = ProbabilitiesOutput | ValueOutput | LabelsOutput | AnomalyOutput
OutputSpec = PredictionOutput | QuantilesOutput | NoveltyOutput
Task = Literal["classification", "regression", "multi-label classification", "anomaly detection"]


class Signature(Record, frozen=True, kw_only=True):
    """What goes in and what comes out of a version.

    Attributes:
        inputs: A picture, or the columns of a table.
        outputs: The prediction first, then what tells how far to trust it.
    """

    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]

    def __post_init__(self) -> None:
        """Refuse a signature that predicts nothing."""
        if not (self.inputs and self.outputs and isinstance(self.outputs[0], PredictionOutput)):
            raise ValueError("a signature needs inputs, and a prediction as its first output")

    @property
    def prediction(self) -> PredictionOutput:
        """What is predicted."""
        return next(spec for spec in self.outputs if isinstance(spec, PredictionOutput))

    @property
    def quantiles(self) -> QuantilesOutput | None:
        """The quantiles that an interval is made of, where the network gives them."""
        return next((spec for spec in self.outputs if isinstance(spec, QuantilesOutput)), None)

    @property
    def novelty(self) -> NoveltyOutput | None:
        """The score of how new an instance looks, where the network gives it."""
        return next((spec for spec in self.outputs if isinstance(spec, NoveltyOutput)), None)

    @property
    def picture(self) -> PictureInput | None:
        """The picture input of a model that looks at pictures."""
        first = self.inputs[0]
        return first if isinstance(first, PictureInput) else None

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """The columns of a model that reads tables."""
        return tuple(spec for spec in self.inputs if not isinstance(spec, PictureInput))


class Dialect(Record, frozen=True, kw_only=True):
    """How the numbers and columns of a CSV file are written.

    Attributes:
        delimiter: Between columns, one character.
        decimal: Between whole and fraction, "." or ",".
        thousands: Between groups of three digits, or "".
    """

    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
