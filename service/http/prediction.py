"""One request's way from blocks of instances to the pieces of its answer."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from service.http.answers import Answer, Answered, CsvAnswer, JsonAnswer, predict, predict_all
from service.http.bodies import Decoded
from service.http.context import RequestContext
from service.http.options import Options
from service.http.problems import broken_off
from service.http.transfer import AnswerBroken
from service.settings import Settings
from service.telemetry.metrics import Metrics
from vitrine.errors import Fault, InvalidInstances, TooManyInstances, VitrineError
from vitrine.explain import Explanation, explain
from vitrine.model import Model
from vitrine.predictions import Predictions
from vitrine.signature import Instances
from vitrine.tables import Block

Compare = Callable[[Instances, Predictions], None]


class Prediction:
    """What happens to the instances of one request.

    Args:
        model: Who answers.
        options: What the client asks for.
        exchange: Of the request.
        metrics: Where it is counted.
        settings: The default coverage, and how many instances may be explained.
        compare: Told what was asked and answered, where another version is to be compared.
    """

    def __init__(
        self,
        model: Model,
        options: Options,
        exchange: RequestContext,
        metrics: Metrics,
        *,
        settings: Settings,
        compare: Compare | None = None,
    ) -> None:
        """Settle what will be told.

        Raises:
            InvalidParameter: The client asks for what the model cannot tell.
        """
        self._model = model
        self._options = options
        self._asked = model.asked(
            coverage=options.coverage,
            default=settings.coverage,
            abstain_below=options.abstain_below,
        )
        self._max_explained = settings.max_explained
        self._exchange = exchange
        self._metrics = metrics
        self._compare = compare

    @property
    def coverage(self) -> float | None:
        """The coverage of sets and intervals, which may be less than the default."""
        return self._asked.coverage

    def answer(self, decoded: Decoded, *, as_csv: bool) -> Iterable[bytes]:
        """Answer a table as it comes in, and anything else as a whole.

        Raises:
            VitrineError: Some instances cannot be predicted, and nothing has been answered yet.
        """
        blocks = self._timed(decoded.blocks)
        if decoded.table is None:
            pieces = self._pieces(self._all(blocks), self._writer(decoded, as_csv=as_csv))
            return [b"".join(pieces)]
        answered = map(self._predict, blocks)
        # The first block's faults can still be a problem of their own, and it settles the dialect.
        first = list(filter(None, [next(answered, None)]))
        writer = self._writer(decoded, as_csv=as_csv)
        pieces = self._pieces(chain(first, answered), writer)
        return broken_off(self._ended(pieces, writer), self._exchange.request_id)

    def _timed(self, blocks: Iterable[Block]) -> Iterator[Block]:
        iterator = iter(blocks)
        while True:
            self._exchange.turn.take()
            with self._exchange.decode:
                block = next(iterator, None)
            if block is None:
                return
            yield block

    def _all(self, blocks: Iterable[Block]) -> list[Answered]:
        """Predict on every block, so that the faults of all are told at once."""
        answered = []
        faults: list[Fault] = []
        found = 0
        for block in blocks:
            try:
                answered.append(self._predict(block))
            except InvalidInstances as error:
                faults += error.faults
                found += max(block.fault_count, len(error.faults))
        if faults:
            raise InvalidInstances(faults, found=found)
        return answered

    def _predict(self, block: Block) -> Answered:
        first = self._exchange.instances
        self._exchange.instances += block.rows
        self._exchange.turn.take()  # it may have waited for the block
        if self._options.explain and self._exchange.instances > self._max_explained:
            raise TooManyInstances("instances to be explained", self._max_explained)
        with self._exchange.inference:
            if self._options.report:
                answered = predict(self._model, block, self._asked)
            else:
                answered = predict_all(self._model, block, self._asked, first=first)
        if self._options.explain and len(answered.predictions):
            answered = self._explained(answered)
        self._metrics.count_predictions(self._model, answered.predictions)
        # What the network took of a whole body would weigh more than the body.
        answered = replace(answered, predictions=replace(answered.predictions, tensors={}))
        if self._compare is not None and answered.is_of_all_instances:
            self._compare(block.instances, answered.predictions)
        if answered.errors:
            self._metrics.rejected.labels(InvalidInstances.slug()).inc(len(answered.errors))
        return answered

    def _explained(self, answered: Answered) -> Answered:
        steps = answered.block.steps_by_place()
        good = [steps[place] for place in answered.good_places()] if steps else ()
        found = explain(self._model, answered.predictions, good)
        explanations: list[Explanation] = []
        while True:
            with self._exchange.inference:
                each = next(found, None)
            if each is None:
                return replace(answered, explanations=explanations)
            explanations.append(each)
            # One costs as much as two hundred predictions: whoever waits for a turn goes first.
            self._exchange.turn.give()
            self._exchange.turn.take()

    def _writer(self, decoded: Decoded, *, as_csv: bool) -> Answer:
        if not as_csv:
            return JsonAnswer(
                self._model,
                self._asked,
                top=self._options.top,
                ignored_columns=decoded.ignored_columns,
            )
        table = decoded.table
        return CsvAnswer(
            self._model,
            self._asked,
            dialect=table.dialect if table else None,
            echo=table.names if table and self._options.echo else (),
            report=self._options.report,
        )

    def _pieces(self, answered: Iterable[Answered], writer: Answer) -> Iterator[bytes]:
        yield writer.begin()
        for some in answered:
            with self._exchange.encode:
                piece = writer.rows(some)
            yield piece
        yield writer.end()

    def _ended(self, pieces: Iterable[bytes], writer: Answer) -> Iterator[bytes]:
        try:
            yield from pieces
        except VitrineError as error:
            self._exchange.reason = error.slug()
            yield writer.break_off(error)
            raise AnswerBroken from None
