"""The instances of several requests -> one call of the network.

A network takes little longer for eight instances than for one, and whatever it reads is read once.
Nothing waits for others: only requests that are there at the same moment are predicted together.
"""

import time
from collections.abc import Iterable, Sequence

import numpy as np

from service.http.predictor import Prepared
from service.telemetry.observer import DeferredObserver
from vitrine.model import Model
from vitrine.predictions import Predictions, TrustOptions
from vitrine.signature import Instances


def predict_together(requests: Iterable[Prepared]) -> list[tuple[Model, int]]:
    """Predict on the instances of requests that ask the same of the same model.

    A request that cannot be predicted together with others is left alone, and predicted when it is
    answered: that of a faulty instance has its error then, and no other request does.

    Args:
        requests: Requests whose blocks are decoded. Their pipelines get the predictions.

    Returns:
        The model and the number of instances of each call that was made.
    """
    alike: dict[tuple[int, TrustOptions], list[Prepared]] = {}
    for prepared in requests:
        blocks = prepared.stream.blocks
        if isinstance(blocks, list) and len(blocks) == 1 and _length(blocks[0].instances):
            key = (id(prepared.model), prepared.pipeline.trust)
            alike.setdefault(key, []).append(prepared)
    calls: list[tuple[Model, int]] = []
    for (_, trust), group in alike.items():
        if len(group) > 1:
            count = _predict(group, trust)
            calls += [(group[0].model, count)] if count else []
    return calls


def _predict(group: Sequence[Prepared], trust: TrustOptions) -> int:
    """Predict for requests together; return the number of instances, 0 where that fails."""
    model = group[0].model
    parts = [next(iter(prepared.stream.blocks)).instances for prepared in group]
    started = time.perf_counter()
    together = _predictions(model, parts, trust)
    if together is None:
        return 0
    seconds = (time.perf_counter() - started) / len(group)
    start = 0
    for prepared, part in zip(group, parts, strict=True):
        stop = start + _length(part)
        prepared.pipeline.predict_instances = _Found(together, start, stop)
        observer = prepared.pipeline.observer
        if isinstance(observer, DeferredObserver):
            observer.is_shared = True
            observer.inference.seconds += seconds
        start = stop
    return start


class _Found:
    """Gives a request its part of the predictions."""

    __slots__ = ("_start", "_stop", "_together")

    def __init__(self, together: Predictions, start: int, stop: int) -> None:
        self._together = together
        self._start = start
        self._stop = stop

    def __call__(self, _: Instances, __: TrustOptions) -> Predictions:
        return self._together.part(self._start, self._stop)


def _predictions(
    model: Model, parts: Sequence[Instances], trust: TrustOptions
) -> Predictions | None:
    """Predict on the instances of all requests; None where that fails, for whichever it is."""
    try:
        together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return model.predict(together, trust)
    except Exception:  # noqa: BLE001 - whose fault it is shows when each is predicted alone
        return None


def _length(instances: Instances) -> int:
    return len(next(iter(instances.values()), ()))
