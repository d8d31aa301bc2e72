"""What is measured of one request's predictions: time by part, labels, drift, disagreements."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace

from service.telemetry.metrics import Metrics
from vitrine.errors import InvalidInstances
from vitrine.model import Model
from vitrine.observer import Observer
from vitrine.predictions import PredictedBlock, Predictions
from vitrine.signature import Instances

Compare = Callable[[Instances, Predictions], None]


class Stopwatch(AbstractContextManager[None]):
    """The time spent inside `with`, summed over all times that it was entered.

    Attributes:
        seconds: The sum.
    """

    __slots__ = ("_started", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started


class PredictionObserver(Observer):
    """Measures one request's predictions.

    Args:
        metrics: Where they are counted.

    Attributes:
        metrics: Where they are counted.
        model: The version that answers, once it is known.
        instances: Number of instances that were to be predicted.
        compare: Called with what was predicted, where a shadow version is to be compared.
        decode, inference, encode: Time of each part.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.model: Model | None = None
        self.instances = 0
        self.compare: Compare | None = None
        self.decode: Stopwatch = Stopwatch()
        self.inference: Stopwatch = Stopwatch()
        self.encode: Stopwatch = Stopwatch()

    def decoded(self, instances: int) -> None:
        """Count the instances that are predicted next."""
        self.instances += instances

    def predicted(self, predicted: PredictedBlock) -> None:
        """Count a block's labels, features and faults, and have its predictions compared."""
        if self.model is not None:
            self.metrics.count_predictions(self.model, [predicted.predictions])
            _count_call(self.metrics, self.model, predicted)
        self.compare_and_reject(predicted)

    def compare_and_reject(self, predicted: PredictedBlock) -> None:
        """Have a block's predictions compared, and count its faults."""
        if self.compare is not None and predicted.is_complete:
            # The network's input would weigh more than the instances, which are kept for a while.
            self.compare(predicted.block.instances, replace(predicted.predictions, tensors={}))
        if predicted.errors:
            self.metrics.rejected.labels(InvalidInstances.slug()).inc(len(predicted.errors))


class DeferredObserver(PredictionObserver):
    """Measures one request's predictions, and keeps them to be counted with those of others.

    Attributes:
        blocks: What was predicted.
        is_shared: Whether it was predicted in one call with the instances of other requests.
    """

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(metrics)
        self.blocks: list[PredictedBlock] = []
        self.is_shared = False

    def predicted(self, predicted: PredictedBlock) -> None:
        """Keep a block."""
        self.blocks.append(predicted)


def count_together(observers: Iterable[DeferredObserver], metrics: Metrics) -> None:
    """Count what several requests kept, each model's predictions in one go.

    Args:
        observers: Observers of the requests.
        metrics: Where they are counted.
    """
    together: dict[Model, list[Predictions]] = {}
    for observer in observers:
        for block in observer.blocks:
            if observer.model is not None:
                together.setdefault(observer.model, []).append(block.predictions)
                if not observer.is_shared:
                    _count_call(metrics, observer.model, block)
            observer.compare_and_reject(block)
    for model, predictions in together.items():
        metrics.count_predictions(model, predictions)


def _count_call(metrics: Metrics, model: Model, predicted: PredictedBlock) -> None:
    instances = len(predicted.predictions.values)
    if instances:
        metrics.batch_instances.labels(model.name, model.version).observe(instances)
