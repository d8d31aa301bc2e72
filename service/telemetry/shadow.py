"""The shadow version of a model: it predicts the same instances, and its predictions are compared.

A shadow version is on trial and answers nobody. One thread in each worker lets it predict after the
request was answered, so that no client waits. Instances that arrive faster than it can predict are
skipped and counted.
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

# Number of blocks that may wait to be compared. A block holds the rows that are decoded at once.
_WAITING_BLOCKS = 16
# Two values disagree if they differ by more than this share of the larger one.
VALUE_TOLERANCE = 0.01

_log = logging.getLogger(__name__)

_Task = tuple[Model, Model, Instances, Predictions]


class Shadow:
    """Compares the predictions of two versions of a model.

    Args:
        metrics: Metrics that count the comparisons.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._tasks: queue.Queue[_Task] = queue.Queue(_WAITING_BLOCKS)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def offer(
        self, shadow: Model, answered: Model, instances: Instances, predictions: Predictions
    ) -> None:
        """Compare a block later, or skip it if too many blocks are waiting.

        Args:
            shadow: Version on trial.
            answered: Version that answered.
            instances: Instances of the block.
            predictions: Predictions of the version that answered, for all instances.
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
            del task  # it would keep an unloaded model in memory until the next task

    def _compare(
        self, shadow: Model, answered: Model, instances: Instances, predictions: Predictions
    ) -> None:
        labels = (shadow.name, shadow.version)
        try:
            differs = disagreements(predictions, shadow.predict(instances))
        except Exception as error:  # noqa: BLE001 - a version on trial may fail in any way
            self._metrics.shadow_failures.labels(*labels).inc(len(predictions))
            fields = {"model": shadow.name, "version": shadow.version, "than": answered.version}
            _log.warning("shadow failed: %s", type(error).__name__, extra={"fields": fields})
            return
        self._metrics.shadow_compared.labels(*labels).inc(len(predictions))
        self._metrics.shadow_disagreements.labels(*labels).inc(int(differs.sum()))


def disagreements(one: Predictions, other: Predictions) -> NDArray[np.bool_]:
    """Tell for which instances two versions disagree.

    Two classifiers disagree if another label is the most probable one. Models of several labels
    disagree if they give different labels. Values and scores disagree if they differ by more than
    `VALUE_TOLERANCE` of the larger one. An instance that one version cannot predict is a
    disagreement, and so is every instance if the versions have outputs of different kinds.

    Shapes:
        (n,).
    """
    differs = _differ(one, other)
    differs[[*one.errors, *other.errors]] = True
    return differs


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
