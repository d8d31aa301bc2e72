"""A version on trial that answers nobody: it is asked the same, afterwards, and compared.

One thread in each worker asks it, so that nobody waits; what comes in faster than it can answer
is left out and counted.
"""

import logging
import queue
import threading

import numpy as np
from numpy.typing import NDArray

from service.telemetry.metrics import Metrics
from vitrine.model import Model
from vitrine.predictions import Predictions
from vitrine.signature import Instances, LabelsOutput, ProbabilitiesOutput

# Blocks that wait to be compared; each holds as many rows as are decoded at once.
_WAITING_BLOCKS = 16
# Two values further apart than this share of the larger one disagree.
VALUE_TOLERANCE = 0.01

_log = logging.getLogger(__name__)

_Task = tuple[Model, Model, Instances, Predictions]


class Shadow:
    """Compares answers with those that another version would have given.

    Args:
        metrics: Where comparisons are counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._tasks: queue.Queue[_Task] = queue.Queue(_WAITING_BLOCKS)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def offer(
        self, shadow: Model, answered: Model, instances: Instances, predictions: Predictions
    ) -> None:
        """Compare later, or not at all where too much is waiting.

        Args:
            shadow: The version on trial.
            answered: The version that answered.
            instances: What was asked.
            predictions: What was answered to all of them.
        """
        self._start()
        try:
            self._tasks.put_nowait((shadow, answered, instances, predictions))
        except queue.Full:
            self._metrics.shadow_skipped.labels(shadow.name, shadow.version).inc(len(predictions))

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            task = self._tasks.get()
            self._compare(*task)
            del task  # it would keep an unloaded model until the next one

    def _compare(
        self, shadow: Model, answered: Model, instances: Instances, predictions: Predictions
    ) -> None:
        labels = (shadow.name, shadow.version)
        try:
            apart = disagreements(predictions, shadow.predict(instances))
        except Exception as error:  # noqa: BLE001 - a version on trial may fail in any way
            self._metrics.shadow_failures.labels(*labels).inc(len(predictions))
            fields = {"model": shadow.name, "version": shadow.version, "than": answered.version}
            _log.warning("shadow failed: %s", type(error).__name__, extra={"fields": fields})
            return
        self._metrics.shadow_compared.labels(*labels).inc(len(predictions))
        self._metrics.shadow_disagreements.labels(*labels).inc(int(apart.sum()))


def disagreements(one: Predictions, other: Predictions) -> NDArray[np.bool_]:
    """Tell which instances two versions answer differently.

    Classes disagree where another label is the most probable; several labels where not the same
    ones are given; values and scores where they differ by more than `VALUE_TOLERANCE` of the larger
    one.

    What one cannot answer is a disagreement, and so is an answer of another kind.

    Shapes:
        (n,).
    """
    apart = _differ(one, other)
    apart[[*one.errors, *other.errors]] = True
    return apart


def _differ(one: Predictions, other: Predictions) -> NDArray[np.bool_]:
    if type(one.output) is not type(other.output):
        return np.ones(len(one), dtype=np.bool_)
    if isinstance(one.output, ProbabilitiesOutput):
        return np.asarray(one.labels() != other.labels())
    if isinstance(one.output, LabelsOutput):
        pairs = zip(one.label_lists(), other.label_lists(), strict=True)
        return np.array([set(labels) != set(others) for labels, others in pairs], dtype=np.bool_)
    larger = np.maximum(np.abs(one.values), np.abs(other.values))
    return np.asarray(np.abs(one.values - other.values) > VALUE_TOLERANCE * larger)
