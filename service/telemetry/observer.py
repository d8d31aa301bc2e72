"""What is measured of one request's predictions: time by part, labels, drift, disagreements."""

import time
from collections.abc import Callable
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
        model: The version that answers, once it is known.
        instances: Number of instances that were to be predicted.
        compare: Called with what was predicted, where a shadow version is to be compared.
        decode, inference, encode: Time of each part.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
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
        if self.model is None:
            return
        self._metrics.count_predictions(self.model, predicted.predictions)
        if self.compare is not None and predicted.is_complete:
            # The network's input would weigh more than the instances, which are kept for a while.
            self.compare(predicted.block.instances, replace(predicted.predictions, tensors={}))
        if predicted.errors:
            self._metrics.rejected.labels(InvalidInstances.slug()).inc(len(predicted.errors))
