"""The instruments of one process: names, help texts, labels and buckets."""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A network predicts in tens of microseconds; the client library's own buckets start at five
# milliseconds.
BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_VERSION = ("model", "version")


class Instruments:
    """Counters, gauges and histograms, the same in every worker.

    Labels come from what the repository and the routes know, never from what a client typed.

    Args:
        registry: Registry that collects them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._add_requests()
        self._add_predictions()
        self._add_versions()
        self._add_shadow()

    def _add_requests(self) -> None:
        labels = ("route", "method", "status")
        self.requests = self._counter("vitrine_requests", "Number of answered requests.", labels)
        self.request_duration = self._histogram(
            "vitrine_request_duration_seconds",
            "Time from the first look at a request to the last byte of its answer.",
            ("route",),
        )
        self.decode_duration = self._histogram(
            "vitrine_decode_duration_seconds",
            "Time to turn bytes into instances, without the wait for the bytes.",
            ("model",),
        )
        self.inference_duration = self._histogram(
            "vitrine_inference_duration_seconds",
            "Time to turn instances into predictions.",
            _VERSION,
        )
        self.encode_duration = self._histogram(
            "vitrine_encode_duration_seconds",
            "Time to turn predictions into bytes.",
            ("model",),
        )

    def _add_predictions(self) -> None:
        self.predictions = self._counter(
            "vitrine_predictions",
            "Number of predicted instances for each predicted label. The label is empty for values "
            "and for instances without a label.",
            (*_VERSION, "label"),
        )
        self.rejected = self._counter(
            "vitrine_rejected",
            "Number of refused requests and of rows reported as faulty, by reason.",
            ("reason",),
        )

    def _add_versions(self) -> None:
        self.models = self._gauge(
            "vitrine_models", "1 for a version that every worker serves, otherwise 0.", "livemin"
        )
        self.refused = self._gauge(
            "vitrine_refused_versions",
            "1 for a version that exists and cannot be served, otherwise 0.",
            "livemax",
        )

    def _add_shadow(self) -> None:
        self.shadow_compared = self._counter(
            "vitrine_shadow_compared",
            "Number of instances that the shadow version predicted too.",
            _VERSION,
        )
        self.shadow_disagreements = self._counter(
            "vitrine_shadow_disagreements",
            "Number of compared instances that the shadow version predicted differently.",
            _VERSION,
        )
        self.shadow_failures = self._counter(
            "vitrine_shadow_failures",
            "Number of instances that the shadow version could not predict.",
            _VERSION,
        )
        self.shadow_skipped = self._counter(
            "vitrine_shadow_skipped",
            "Number of instances that the shadow version was not given for lack of time.",
            _VERSION,
        )

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=BUCKETS)

    def _gauge(self, name: str, text: str, mode: Literal["livemin", "livemax"]) -> Gauge:
        return Gauge(name, text, _VERSION, registry=self._registry, multiprocess_mode=mode)
