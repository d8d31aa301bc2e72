"""The signature of a version: its inputs and outputs, each with a name, a type and a shape.

Training writes a signature into the manifest, and whoever loads the version reads it.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from numpy.typing import NDArray

# Name of each input -> its raw values; axis 0 is the instance. Pictures are an object array of
# uint8 arrays (height, width, channels). Numbers and dates are float32, with NaN for a blank.
# Categories are an object array of str, with None for a blank.
Instances = Mapping[str, NDArray[Any]]

# The codes of a category in the network: of a blank, of every text that training did not see, and
# of the first text of the vocabulary.
MISSING_CODE = 0
OTHER_CODE = 1
FIRST_CODE = 2


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the manifest; immutable."""


class TensorSpec(Record, tag_field="kind", frozen=True, kw_only=True):
    """One array that goes into the network or comes out of it.

    Attributes:
        name: Name that a client uses: that of the column, or "image".
        tensor: Name that the saved network uses.
        dtype: Element type in the network.
        shape: Shape of one instance; () is a single number.
    """

    name: str
    tensor: str
    dtype: Literal["float32", "int32"]
    shape: tuple[int, ...]


class PictureInput(TensorSpec, tag="picture", frozen=True, kw_only=True):
    """A picture, brought to the network's geometry before it enters.

    Attributes:
        geometry: Name of the geometry that training used.
        geometry_version: Version of that geometry. A service with another version refuses the
            bundle.
    """

    geometry: str
    geometry_version: int

    @property
    def inked(self) -> bool:
        """Whether the geometry turns it into something bright on black, without a background."""
        return self.geometry != "fit"


class NumberInput(TensorSpec, tag="number", frozen=True, kw_only=True):
    """A numeric column; in the network NaN stands for a blank.

    Attributes:
        unit: Unit of the values, where it is known; the text of a value may have it, such as "$5".
        minimum: Lowest value of the training data; None where every value was blank.
        maximum: Highest value of the training data; None where every value was blank.
        median: Median of the training data; None where every value was blank.
        blanks: Whether the training data had blanks.
    """

    unit: str | None = None
    minimum: float | None
    maximum: float | None
    median: float | None
    blanks: bool


class DateInput(TensorSpec, tag="date", frozen=True, kw_only=True):
    """A column of dates or times, in days since 1970-01-01 UTC.

    Attributes:
        format: Format of the dates in the training file, as `strptime` takes it, such as
            "%Y-%m-%d".
        minimum: Earliest date of the training data, in days; None where every value was blank.
        maximum: Latest date of the training data, in days; None where every value was blank.
        median: Median of the training data, in days; None where every value was blank.
        blanks: Whether the training data had blanks.
    """

    format: str
    minimum: float | None
    maximum: float | None
    median: float | None
    blanks: bool


class CategoryInput(TensorSpec, tag="category", frozen=True, kw_only=True):
    """A column of text with few distinct values; the code of a text enters the network.

    Attributes:
        vocabulary: Texts of the training data. The code of a text is its index + `FIRST_CODE`.
        blanks: Whether the training data had blanks.
    """

    vocabulary: tuple[str, ...]
    blanks: bool

    @property
    def codes(self) -> dict[str | None, int]:
        """The codes of a blank, which is None, and of each text of the vocabulary."""
        codes: dict[str | None, int] = {None: MISSING_CODE}
        codes.update((text, code) for code, text in enumerate(self.vocabulary, start=FIRST_CODE))
        return codes


class ProbabilitiesOutput(TensorSpec, tag="probabilities", frozen=True, kw_only=True):
    """A probability for each class label; they sum to 1.

    Attributes:
        labels: Class labels, in the order of the last axis.
    """

    labels: tuple[str, ...]


class ValueOutput(TensorSpec, tag="value", frozen=True, kw_only=True):
    """One number in the target's unit.

    Attributes:
        unit: Unit of the target, where it is known.
    """

    unit: str | None = None


class LabelsOutput(TensorSpec, tag="labels", frozen=True, kw_only=True):
    """A probability for each label, independent of the others: an instance may have any, or none.

    Attributes:
        labels: Labels, in the order of the last axis.
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a shape other than one probability for each label."""
        if not self.labels or self.shape != (len(self.labels),):
            raise ValueError("every label must have one probability")


class AnomalyOutput(TensorSpec, tag="anomaly", frozen=True, kw_only=True):
    """How badly the network reconstructs an instance; a higher score is stranger."""

    def __post_init__(self) -> None:
        """Refuse a shape other than one number."""
        if self.shape != (1,):
            raise ValueError("an anomaly score must be one number")


class QuantilesOutput(TensorSpec, tag="quantiles", frozen=True, kw_only=True):
    """Two quantiles of the target for an instance; the predicted value is between them.

    Attributes:
        levels: Levels of the lower and the upper quantile that training aimed at.
        unit: Unit of the target, where it is known.
    """

    levels: tuple[float, float]
    unit: str | None = None


class NoveltyOutput(TensorSpec, tag="novelty", frozen=True, kw_only=True):
    """How far an instance is from the training data; a higher score is stranger."""


InputSpec = PictureInput | NumberInput | DateInput | CategoryInput
ColumnSpec = NumberInput | DateInput | CategoryInput
PredictionOutput = ProbabilitiesOutput | ValueOutput | LabelsOutput | AnomalyOutput
OutputSpec = PredictionOutput | QuantilesOutput | NoveltyOutput
Task = Literal["classification", "regression", "multi-label classification", "anomaly detection"]


class Signature(Record, frozen=True, kw_only=True):
    """The inputs and outputs of a version.

    Attributes:
        inputs: One picture, or the columns of a table.
        outputs: The prediction, and after it the outputs that tell how far to trust it.
    """

    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]

    def __post_init__(self) -> None:
        """Refuse a signature that predicts nothing."""
        if not (self.inputs and self.outputs and isinstance(self.outputs[0], PredictionOutput)):
            raise ValueError("a signature must have inputs, and a prediction as its first output")

    @property
    def prediction(self) -> PredictionOutput:
        """The output that is the prediction."""
        return next(spec for spec in self.outputs if isinstance(spec, PredictionOutput))

    @property
    def quantiles(self) -> QuantilesOutput | None:
        """The quantiles that an interval is made of, where the network has them."""
        return next((spec for spec in self.outputs if isinstance(spec, QuantilesOutput)), None)

    @property
    def novelty(self) -> NoveltyOutput | None:
        """The novelty score, where the network has it."""
        return next((spec for spec in self.outputs if isinstance(spec, NoveltyOutput)), None)

    @property
    def picture(self) -> PictureInput | None:
        """The picture input of a model of pictures; None for a model of tables."""
        first = self.inputs[0]
        return first if isinstance(first, PictureInput) else None

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """The columns of a model of tables; empty for a model of pictures."""
        return tuple(spec for spec in self.inputs if not isinstance(spec, PictureInput))


class Dialect(Record, frozen=True, kw_only=True):
    """The characters that mark the columns and numbers of a CSV file.

    Attributes:
        delimiter: Character between columns.
        decimal: Decimal mark, "." or ",".
        thousands: Character between groups of three digits; "" where they are not grouped.
    """

    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
