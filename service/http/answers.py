"""CSV -> blocks of instances -> predictions -> the bytes of an answer, JSON or CSV.

An answer is begun, continued block by block, and ended; one that fails on the way can at most say
so and break off.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from service.http.options import Options
from service.settings import Settings
from vitrine.errors import Fault, InvalidInstances, VitrineError
from vitrine.model import Model
from vitrine.predictions import NO_TRUST, Predictions, TrustOptions, values_shape
from vitrine.signature import Dialect, ValueOutput
from vitrine.tables import Block, CsvReader, Stream, write_csv

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv"


@dataclass(frozen=True, slots=True)
class Answered:
    """The rows of one block with what was found for each.

    Attributes:
        block: The rows as they came.
        predictions: For the rows without error, in order.
        errors: For the others, by place in the block.
        explanations: For the rows without error, in order; none where nobody asked for them.
    """

    block: Block
    predictions: Predictions
    errors: Mapping[int, str]
    explanations: Sequence[Mapping[str, Any]] = ()

    @property
    def is_of_all_instances(self) -> bool:
        """Whether there is a prediction for each of the block's instances."""
        return len(self.predictions) == len(next(iter(self.block.instances.values()), ()))

    def good_places(self) -> NDArray[np.intp]:
        """Return the places of the rows that have a prediction."""
        return _places_without(self.errors, self.block.rows)

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Give every row its value, a blank to those with an error."""
        blank = np.nan if values.dtype.kind == "f" else None
        if not self.errors:
            return values
        spread = np.full(self.block.rows, blank, dtype=values.dtype)
        spread[self.good_places()] = values
        return spread


def open_csv(model: Model, stream: Stream, options: Options, settings: Settings) -> CsvReader:
    """Start to read CSV, from wherever it comes, as instances of a model.

    Raises:
        VitrineError: The header does not fit, or the options cannot be what is said about it.
    """
    return CsvReader(
        stream,
        model.manifest.signature.columns,
        trained=model.manifest.dialect or Dialect(),
        delimiter=options.delimiter,
        decimal=options.decimal,
        thousands=options.thousands,
        max_row_bytes=settings.max_row_bytes,
        max_rows=settings.max_rows,
        echo=options.echo,
    )


def predict(model: Model, block: Block, asked: TrustOptions = NO_TRUST) -> Answered:
    """Predict on the good rows of a block; name what is wrong with each of the others."""
    places = _places_without(block.errors, block.rows)
    if not len(places):
        return Answered(block, _no_predictions(model), block.errors)
    predictions = model.predict(block.instances, asked)
    found = {int(places[place]): error.detail for place, error in predictions.errors.items()}
    return Answered(block, predictions.good(), {**block.errors, **found})


def predict_all(
    model: Model, block: Block, asked: TrustOptions = NO_TRUST, *, first: int
) -> Answered:
    """Predict on a block, all of whose rows must be good.

    Args:
        model: Who predicts.
        block: What on.
        asked: What to tell besides.
        first: Place of its first instance in the request.

    Raises:
        VitrineError: The request's only instance cannot be predicted.
        InvalidInstances: Some of several cannot, or are faulty.
    """
    if block.faults:
        raise InvalidInstances(block.faults, found=block.fault_count)
    answered = Answered(block, _no_predictions(model), {})
    if block.rows:
        answered = Answered(block, model.predict(block.instances, asked), {})
    errors = answered.predictions.errors
    if errors and first == 0 and block.rows == 1:
        raise errors[0]
    if errors:
        raise InvalidInstances(
            [
                Fault(detail=error.detail, pointer=f"#/instances/{first + place}")
                for place, error in sorted(errors.items())
            ]
        )
    return answered


def _no_predictions(model: Model) -> Predictions:
    output = model.manifest.signature.prediction
    return Predictions(output, np.empty((0, *values_shape(output)), dtype=np.float32))


def _places_without(errors: Mapping[int, str], count: int) -> NDArray[np.intp]:
    return np.setdiff1d(np.arange(count), np.fromiter(errors, dtype=np.intp, count=len(errors)))


class Answer(Protocol):
    """How predictions are written."""

    media_type: str

    def begin(self) -> bytes:
        """Return what stands before the first row."""

    def rows(self, answered: Answered) -> bytes:
        """Return one block's rows."""

    def end(self) -> bytes:
        """Return what stands after the last row."""

    def break_off(self, error: VitrineError) -> bytes:
        """Return what is said when no more rows will come."""


class JsonAnswer:
    """Predictions as one JSON object.

    Args:
        model: Who answers.
        asked: What is told besides.
        top: How many of the most probable classes or labels to list; None for all.
        ignored_columns: Columns that came and are no input.
    """

    media_type = JSON_TYPE

    def __init__(
        self,
        model: Model,
        asked: TrustOptions = NO_TRUST,
        *,
        top: int | None,
        ignored_columns: Sequence[str] = (),
    ) -> None:
        output = model.manifest.signature.prediction
        self._members: dict[str, Any] = {"model": model.name, "version": model.version}
        if isinstance(output, ValueOutput):
            self._members["unit"] = output.unit
        if asked.coverage is not None:
            self._members["coverage"] = asked.coverage
        if ignored_columns:
            self._members["ignored_columns"] = ignored_columns
        self._top = top
        self._separator = b""

    def begin(self) -> bytes:
        """Return all members but the predictions, and the opening of these."""
        return orjson.dumps(self._members)[:-1] + b',"predictions":['

    def rows(self, answered: Answered) -> bytes:
        """Return one block's predictions."""
        records = answered.predictions.records(top=self._top)
        for record, explanation in zip(records, answered.explanations, strict=False):
            record["explanation"] = explanation
        if answered.errors:
            good = iter(records)
            records = [
                {"error": answered.errors[place]} if place in answered.errors else next(good)
                for place in range(answered.block.rows)
            ]
        if not records:
            return b""
        text = self._separator + orjson.dumps(records, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        self._separator = b","
        return text

    def end(self) -> bytes:
        """Close the list and the object."""
        return b"]}\n"

    def break_off(self, error: VitrineError) -> bytes:  # noqa: ARG002 - nothing in JSON can say it
        """Return nothing: a text that stops in its middle is no JSON."""
        return b""


class CsvAnswer:
    """Predictions as the columns of a CSV file, which are settled before the first row.

    Args:
        model: Who answers.
        asked: What is told besides.
        dialect: What the body is written in, and so the answer.
        echo: Names of the body's columns, to be repeated before the predictions.
        report: Whether a column says what is wrong with faulty rows.
    """

    media_type = CSV_TYPE

    def __init__(
        self,
        model: Model,
        asked: TrustOptions = NO_TRUST,
        *,
        dialect: Dialect | None = None,
        echo: Sequence[str] = (),
        report: bool = False,
    ) -> None:
        self._dialect = dialect
        self._echo = echo
        own = [*model.columns(asked), "warnings", *(["error"] if report else [])]
        self._names: dict[str, str] = {}
        for name in own:
            others = {*own} - {name}
            self._names[name] = _distinct(name, {*echo, *others, *self._names.values()})

    def begin(self) -> bytes:
        """Return the header line."""
        names = [*self._echo, *self._names.values()]
        return write_csv(dict.fromkeys(names, ()), header=True, dialect=self._dialect)

    def rows(self, answered: Answered) -> bytes:
        """Return one block's lines."""
        own = {
            name: answered.spread(values) for name, values in answered.predictions.columns().items()
        }
        own["warnings"] = answered.spread(_sentences(answered.predictions))
        own["error"] = _at_places(answered.errors, answered.block.rows)
        echoed = {name: answered.block.echo[name] for name in self._echo}
        # A block without a single good row has no predictions, nor anything told of them.
        blanks = np.full(answered.block.rows, None, dtype=object)
        named = {shown: own.get(name, blanks) for name, shown in self._names.items()}
        return write_csv({**echoed, **named}, header=False, dialect=self._dialect)

    def end(self) -> bytes:
        """Return nothing: a CSV file ends with its last line."""
        return b""

    def break_off(self, error: VitrineError) -> bytes:
        """Return a line that no reader takes for a row."""
        return b"#error," + write_csv({"": [error.detail]}, header=False)


def _distinct(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _sentences(predictions: Predictions) -> NDArray[np.object_]:
    sentences = {place: "; ".join(texts) for place, texts in predictions.warnings.items()}
    return _at_places(sentences, len(predictions))


def _at_places(texts: Mapping[int, str], count: int) -> NDArray[np.object_]:
    column = np.full(count, None, dtype=object)
    for place, text in texts.items():
        column[place] = text
    return column
