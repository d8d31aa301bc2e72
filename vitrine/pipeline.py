"""Blocks of instances -> predictions -> the pieces of an answer, for HTTP and files alike.

An answer is begun, continued block by block, and ended. The pipeline knows neither where the
instances come from nor where the answer goes.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from vitrine.block_stream import BlockStream, FileKind, first_names
from vitrine.errors import (
    BlankPicture,
    Fault,
    InvalidInstances,
    NoFiniteAnswer,
    TooManyInstances,
    VitrineError,
)
from vitrine.extras import needs
from vitrine.model import Model
from vitrine.observer import Observer, Slot, Unlimited
from vitrine.options import DEFAULT_COVERAGE, Options
from vitrine.overlap import overlapped
from vitrine.predictions import (
    NO_TRUST,
    PredictedBlock,
    Predictions,
    TrustOptions,
    rows_without,
)
from vitrine.signature import Dialect, Instances, ValueOutput
from vitrine.tables.blocks import Block
from vitrine.tables.writer import Column, write_csv

if TYPE_CHECKING:
    from vitrine.tables.typed_writer import TypedWriter

Predict = Callable[[Instances, TrustOptions], Predictions]

# A block with the index of its first instance in the body.
_NumberedBlock = tuple[Block, int]


class Pipeline:
    """The way of one caller's instances through one model.

    Args:
        model: The model that predicts.
        options: What the caller asks for.
        default_coverage: Coverage of sets and intervals where the caller asks for none.
        max_explained: Number of instances that may be explained; None for any number.
        slot: Compute slot, which the pipeline holds while it computes and never between two pieces.
        observer: Measures the work.

    Attributes:
        trust: The trust options that the model fulfils.
        observer: Measures the work.
        predict_instances: Predicts on the instances of a block. Who has predicted them together
            with others before hands over the results here.
        takes_infinite: Whether an answer that is no finite number is an answer, and no fault.

    Raises:
        InvalidParameter: The model does not support the trust options.
    """

    def __init__(
        self,
        model: Model,
        options: Options,
        *,
        default_coverage: float = DEFAULT_COVERAGE,
        max_explained: int | None = None,
        slot: Slot | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.predict_instances: Predict = model.predict
        self.takes_infinite = False
        self.trust = model.trust_options(
            coverage=options.coverage,
            default=default_coverage,
            abstain_below=options.abstain_below,
        )
        self._model = model
        self._output = model.manifest.signature.prediction
        self._options = options
        self._max_explained = max_explained
        self._slot = slot or Unlimited()
        self.observer = observer or Observer()
        self._instances = 0

    def answer(self, stream: BlockStream, make_encoder: "MakeEncoder") -> Iterable[bytes]:
        """Answer a table while it is read, and anything else as a whole.

        Args:
            stream: The instances.
            make_encoder: Makes what writes the answer, once the dialect of a table is settled.

        Raises:
            VitrineError: Some instances have no prediction, and nothing was answered yet. A table
                may raise it later, too, between two pieces of its answer.
        """
        with self._slot:
            if stream.table is None:
                return [self._whole_answer(stream, make_encoder(self, stream))]
            predicted = self._predict_stream(stream)
            # The first block's faults still refuse the whole body, and it settles the dialect.
            first = list(islice(predicted, 1))
        return self._pieces(chain(first, predicted), make_encoder(self, stream))

    def _whole_answer(self, stream: BlockStream, encoder: "Encoder") -> bytes:
        predicted = self._predict_all(self._decode(stream.blocks))
        with self.observer.encode:
            pieces = [encoder.begin(), *map(encoder.encode, predicted), encoder.end()]
        return b"".join(pieces)

    def json_encoder(self, stream: BlockStream) -> "JsonEncoder":
        """Return what writes predictions as JSON of our own."""
        return JsonEncoder(
            self._model,
            self.trust,
            top=self._options.top,
            ignored_columns=first_names(stream.ignored_columns),
        )

    def csv_encoder(self, stream: BlockStream) -> "CsvEncoder":
        """Return what writes predictions as CSV, in the dialect of a table that was begun."""
        return CsvEncoder(
            self._model,
            self.trust,
            dialect=stream.table.dialect if stream.table else None,
            echo=self._echoed(stream),
            report=self._options.report,
        )

    def arrow_encoder(self, stream: BlockStream) -> "TypedEncoder":
        """Return what writes predictions as an Arrow IPC stream."""
        with needs("tables"):
            from vitrine.tables.typed_writer import ArrowWriter  # noqa: PLC0415 - an extra

        return self._typed_encoder(stream, ArrowWriter)

    def parquet_encoder(self, stream: BlockStream) -> "TypedEncoder":
        """Return what writes predictions as a Parquet file."""
        with needs("tables"):
            from vitrine.tables.typed_writer import ParquetWriter  # noqa: PLC0415 - an extra

        return self._typed_encoder(stream, ParquetWriter)

    def _typed_encoder(
        self, stream: BlockStream, make_writer: Callable[[Any], "TypedWriter"]
    ) -> "TypedEncoder":
        from vitrine.tables.typed_writer import answer_schema  # noqa: PLC0415 - an extra

        echo = self._echoed(stream)
        columns = AnswerColumns(self._model, self.trust, echo=echo, report=self._options.report)
        coverage = self.trust.coverage
        schema = answer_schema(
            columns.own,
            echo=echo,
            echoed=stream.table.schema if stream.table else None,
            # A file is kept without the headers of its answer.
            metadata={
                "model": self._model.name,
                "version": str(self._model.version),
                **({} if coverage is None else {"coverage": str(coverage)}),
            },
        )
        return TypedEncoder(columns, make_writer(schema))

    def _echoed(self, stream: BlockStream) -> Sequence[str]:
        """Return the names of the columns that the answer repeats."""
        return stream.table.names if stream.table and self._options.echo else ()

    def predict(self, stream: BlockStream) -> Iterator[PredictedBlock]:
        """Predict a table block by block, as its blocks are asked for, and anything else at once.

        Raises:
            InvalidInstances: Some instances have faults, and these are not to be reported one by
                one. For anything but a table, it names the faults of all blocks.
            VitrineError: The only instance has no prediction.
        """
        return self._predict_stream(stream)

    def _predict_stream(self, stream: BlockStream) -> Iterator[PredictedBlock]:
        blocks = self._decode(stream.blocks)
        if stream.table is None:
            return iter(self._predict_all(blocks))
        if self._options.explain:  # explanations give way to others, one by one
            return map(self._observe, map(self._predict, blocks))
        predicted = overlapped(
            blocks, self._predict, slot=self._slot, is_ready=stream.table.is_ready
        )
        return map(self._observe, predicted)

    def _decode(self, blocks: Iterable[Block]) -> Iterator[_NumberedBlock]:
        iterator = iter(blocks)
        while True:
            with self.observer.decode:
                block = next(iterator, None)
            if block is None:
                return
            if self._instances:
                self._slot.give_way()
            first, self._instances = self._instances, self._instances + block.rows
            self.observer.decoded(block.rows)
            self._check_explained()
            yield block, first

    def _predict_all(self, blocks: Iterator[_NumberedBlock]) -> list[PredictedBlock]:
        predicted: list[PredictedBlock] = []
        faults: list[Fault] = []
        count = 0
        for outcome in self._outcomes(blocks):
            if isinstance(outcome, InvalidInstances):
                faults += outcome.faults
                count += outcome.count
            else:
                predicted.append(self._observe(outcome))
        if faults:
            raise InvalidInstances(faults, count=count)
        return predicted

    def _outcomes(
        self, blocks: Iterator[_NumberedBlock]
    ) -> Iterator[PredictedBlock | InvalidInstances]:
        """Predict each block of pictures while the next one is decoded."""
        if self._options.explain:  # explanations give way to others, one by one
            return map(self._outcome, blocks)
        # Most requests have a single block, which needs no second thread.
        first = map(self._outcome, islice(blocks, 1))
        others = overlapped(blocks, self._outcome, slot=self._slot, is_ready=lambda: True)
        return chain(first, others)

    def _outcome(self, numbered: _NumberedBlock) -> PredictedBlock | InvalidInstances:
        """Predict a block, or return its faults: those of all blocks are reported together."""
        try:
            return self._predict(numbered)
        except InvalidInstances as error:
            return error

    def _predict(self, numbered: _NumberedBlock) -> PredictedBlock:
        block, first = numbered
        with self.observer.inference:
            predicted = (
                self._predict_good_rows(block)
                if self._options.report
                else self._predict_every_row(block, first)
            )
        if self._options.explain and len(predicted.predictions.values):
            predicted = self._explain(predicted)
        return predicted

    def _observe(self, predicted: PredictedBlock) -> PredictedBlock:
        self.observer.predicted(predicted)
        return _without_tensors(predicted)

    def _check_explained(self) -> None:
        limit = self._max_explained
        if self._options.explain and limit is not None and self._instances > limit:
            raise TooManyInstances("instances to be explained", limit)

    def _predict_good_rows(self, block: Block) -> PredictedBlock:
        """Predict on the rows without a fault, and say what is wrong with the others."""
        rows = rows_without(block.errors, block.rows)
        if not len(rows):
            return PredictedBlock(block, Predictions.none(self._output), block.errors)
        predictions = self._predictions(block)
        errors = {int(rows[index]): error.detail for index, error in predictions.errors.items()}
        good = predictions.good() if errors else predictions
        return PredictedBlock(block, good, {**block.errors, **errors})

    def _predict_every_row(self, block: Block, first: int) -> PredictedBlock:
        """Predict on a block none of whose rows may have a fault.

        Args:
            block: The rows.
            first: Index of the block's first instance in the body.
        """
        # The good pictures are looked at nevertheless: blank ones are told with the broken ones.
        if block.faults and not block.count_frames:
            raise InvalidInstances(block.faults, count=block.fault_count)
        if not block.rows:
            return PredictedBlock(block, Predictions.none(self._output), {})
        predictions = self._predictions(block)
        if predictions.errors or block.faults:
            _refuse(block, predictions.errors, first)
        return PredictedBlock(block, predictions, {})

    def _predictions(self, block: Block) -> Predictions:
        """Predict, and say of a blank picture that its file has other frames."""
        predictions = self.predict_instances(block.instances, self.trust)
        errors = {
            index: BlankPicture(frames=block.count_frames[index]())
            if isinstance(error, BlankPicture)
            else error
            for index, error in predictions.errors.items()
            if not (self.takes_infinite and isinstance(error, NoFiniteAnswer))
        }
        return replace(predictions, errors=errors) if predictions.errors else predictions

    def _explain(self, predicted: PredictedBlock) -> PredictedBlock:
        with needs("pictures"):
            from vitrine.explain import explain  # noqa: PLC0415 - few ask for it

        steps = predicted.block.steps_by_index()
        steps_of_good = [steps[row] for row in predicted.good_rows()] if steps else ()
        made = explain(self._model, predicted.predictions, steps_of_good)
        explanations: list[Mapping[str, Any]] = []
        while True:
            with self.observer.inference:
                explanation = next(made, None)
            if explanation is None:
                return replace(predicted, explanations=explanations)
            explanations.append(explanation)
            # An explanation costs as much as two hundred predictions: those who wait go first.
            self._slot.give_way()

    def _pieces(self, predicted: Iterator[PredictedBlock], encoder: "Encoder") -> Iterator[bytes]:
        yield encoder.begin()
        while True:
            with self._slot:
                block = next(predicted, None)
                if block is None:
                    break
                with self.observer.encode:
                    piece = encoder.encode(block)
            yield piece
        yield encoder.end()


def _without_tensors(predicted: PredictedBlock) -> PredictedBlock:
    """Forget the network's input: that for a whole body would weigh more than the body."""
    made = predicted.predictions
    # `dataclasses.replace` takes three times as long.
    predictions = Predictions(
        made.output, made.values, made.warnings, made.errors, made.confidence, {}, made.steps
    )
    return PredictedBlock(predicted.block, predictions, predicted.errors, predicted.explanations)


def _refuse(block: Block, errors: Mapping[int, VitrineError], first: int) -> None:
    """Raise the error of the only instance, or else those of all.

    Args:
        block: The instances.
        errors: Error of each instance without a prediction, by its index among those that have no
            fault.
        first: Index of the block's first instance in the body.
    """
    if first == 0 and block.rows == 1:
        raise errors[0]
    rows = rows_without(block.errors, block.rows)
    details = {**block.errors, **{int(rows[index]): errors[index].detail for index in errors}}
    raise InvalidInstances(
        [
            Fault(detail=detail, pointer=f"#/instances/{first + row}")
            for row, detail in sorted(details.items())
        ]
    )


class Encoder(Protocol):
    """How predictions are written."""

    def begin(self) -> bytes:
        """Return the bytes before the first row."""

    def encode(self, predicted: PredictedBlock) -> bytes:
        """Return the bytes of one block's rows."""

    def end(self) -> bytes:
        """Return the bytes after the last row."""


MakeEncoder = Callable[[Pipeline, BlockStream], Encoder]

# How a file of each kind is written.
FILE_ENCODERS: Mapping[FileKind, MakeEncoder] = {
    FileKind.CSV: Pipeline.csv_encoder,
    FileKind.ARROW: Pipeline.arrow_encoder,
    FileKind.PARQUET: Pipeline.parquet_encoder,
}


class JsonEncoder:
    """Writes predictions as one JSON object.

    Args:
        model: The model that predicted.
        trust: The trust options that it fulfilled.
        top: Number of the most probable classes or labels to list; None for all.
        ignored_columns: Columns of the body that the model does not have, the first of them.
    """

    def __init__(
        self,
        model: Model,
        trust: TrustOptions = NO_TRUST,
        *,
        top: int | None,
        ignored_columns: Sequence[str] = (),
    ) -> None:
        output = model.manifest.signature.prediction
        self._members: dict[str, Any] = {"model": model.name, "version": model.version}
        if isinstance(output, ValueOutput):
            self._members["unit"] = output.unit
        if trust.coverage is not None:
            self._members["coverage"] = trust.coverage
        if ignored_columns:
            self._members["ignored_columns"] = ignored_columns
        self._top = top
        self._separator = b""

    def begin(self) -> bytes:
        """Return all members but the predictions, and the opening of these."""
        return orjson.dumps(self._members)[:-1] + b',"predictions":['

    def encode(self, predicted: PredictedBlock) -> bytes:
        """Return the predictions of one block."""
        records = predicted.predictions.records(top=self._top)
        for record, explanation in zip(records, predicted.explanations, strict=False):
            record["explanation"] = explanation
        if predicted.errors:
            good = iter(records)
            records = [
                {"error": predicted.errors[row]} if row in predicted.errors else next(good)
                for row in range(predicted.block.rows)
            ]
        if not records:
            return b""
        text = self._separator + orjson.dumps(records, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        self._separator = b","
        return text

    def end(self) -> bytes:
        """Close the list and the object."""
        return b"]}\n"


class AnswerColumns:
    """Predictions as the columns of a table, which are settled before the first row.

    Args:
        model: The model that predicted.
        trust: The trust options that it fulfilled.
        echo: Columns of the body that are repeated before the predictions.
        report: Whether a column says what is wrong with faulty rows.

    Attributes:
        echo: Columns of the body that are repeated.
        own: Name of each other column -> the name that it has beside those of the body.
    """

    def __init__(
        self,
        model: Model,
        trust: TrustOptions = NO_TRUST,
        *,
        echo: Sequence[str] = (),
        report: bool = False,
    ) -> None:
        self.echo = echo
        names = [*model.columns(trust), "warnings", *(["error"] if report else [])]
        self.own: dict[str, str] = {}
        for name in names:
            others = {*names} - {name}
            self.own[name] = _distinct(name, {*echo, *others, *self.own.values()})

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [*self.echo, *self.own.values()]

    def typed(self, predicted: PredictedBlock) -> dict[str, Column]:
        """Return the columns of one block, in which several texts of a cell are a list."""
        return self._columns(predicted, lists=True)

    def _columns(self, predicted: PredictedBlock, *, lists: bool = False) -> dict[str, Column]:
        """Return the columns of one block.

        Args:
            predicted: The block.
            lists: Whether several texts in a cell stay a list, and are not joined to one.
        """
        count = predicted.block.rows
        predictions = predicted.predictions
        warnings = {
            index: texts if lists else " ".join(texts)
            for index, texts in predictions.warnings.items()
        }
        own = {
            **predictions.columns(lists=lists),
            "warnings": _column(warnings, len(predictions.values)),
        }
        if predicted.errors:
            own = {name: predicted.spread(values) for name, values in own.items()}
        own["error"] = _column(predicted.errors, count)
        echoed = {name: predicted.block.echo[name] for name in self.echo}
        # A block without a single good row has no predictions, and none of their columns.
        blanks = np.full(count, None, dtype=object)
        return {**echoed, **{shown: own.get(name, blanks) for name, shown in self.own.items()}}


class CsvEncoder(AnswerColumns):
    """Writes predictions as CSV.

    Args:
        model, trust, echo, report: As for `AnswerColumns`.
        dialect: Dialect of the body, which the answer takes over.
    """

    def __init__(
        self,
        model: Model,
        trust: TrustOptions = NO_TRUST,
        *,
        dialect: Dialect | None = None,
        echo: Sequence[str] = (),
        report: bool = False,
    ) -> None:
        super().__init__(model, trust, echo=echo, report=report)
        self._dialect = dialect

    def begin(self) -> bytes:
        """Return the header line."""
        return write_csv(dict.fromkeys(self.names, ()), header=True, dialect=self._dialect)

    def encode(self, predicted: PredictedBlock) -> bytes:
        """Return the lines of one block."""
        return write_csv(self._columns(predicted), header=False, dialect=self._dialect)

    def end(self) -> bytes:
        """Return nothing: a CSV file ends with its last line."""
        return b""


class TypedEncoder:
    """Writes predictions as columns that have types.

    Args:
        columns: The columns of the answer.
        writer: Writes them.
    """

    def __init__(self, columns: AnswerColumns, writer: "TypedWriter") -> None:
        self._columns = columns
        self._writer = writer

    def begin(self) -> bytes:
        """Return the bytes before the first row."""
        return self._writer.begin()

    def encode(self, predicted: PredictedBlock) -> bytes:
        """Return the bytes of one block, as far as they are written at once."""
        return self._writer.write(self._columns.typed(predicted))

    def end(self) -> bytes:
        """Return the bytes after the last row."""
        return self._writer.end()


def _distinct(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _column(texts: Mapping[int, object], count: int) -> NDArray[np.object_]:
    column = np.full(count, None, dtype=object)
    for index, text in texts.items():
        column[index] = text
    return column
