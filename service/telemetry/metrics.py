"""What the service counts and measures, and the text in which Prometheus reads it."""

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.rollout.repository import Entries
from service.telemetry.feature_counters import FeatureCounters
from service.telemetry.instruments import Instruments
from service.telemetry.multiprocess import locked
from vitrine.drift import Counts
from vitrine.model import Model
from vitrine.predictions import Predictions, given_labels
from vitrine.signature import LabelsOutput, ProbabilitiesOutput

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics(Instruments):
    """The instruments, the bins of features, and the text that Prometheus scrapes.

    Args:
        registry: Registry that collects the instruments.
        folder: Folder in which all worker processes keep their numbers; None for one process.
    """

    def __init__(self, registry: CollectorRegistry, *, folder: Path | None = None) -> None:
        super().__init__(registry)
        self._folder = folder
        self._shown: list[tuple[Gauge, str, int]] = []
        self._served: tuple[Model, ...] = ()
        self._feature_counters = FeatureCounters(folder)
        if folder is None:
            registry.register(_Collector(self._feature_families))

    def show(self, current: Entries) -> None:
        """Show which versions are served and which are refused."""
        shown: list[tuple[Gauge, str, int]] = []
        for name, entry in current.items():
            shown += [(self.models, name, version) for version in entry.versions]
            shown += [(self.refused, name, version) for version in entry.serving.refused]
            for model in entry.versions.values():
                self._declare(model)
            if entry.shadow is not None:
                self._declare_shadow(entry.shadow)
        self._set(shown)
        entries = current.values()
        self._served = tuple(model for entry in entries for model in entry.versions.values())
        self._feature_counters.open(self._served)

    def _set(self, shown: list[tuple[Gauge, str, int]]) -> None:
        for gauge, name, version in set(self._shown) - set(shown):
            gauge.labels(name, version).set(0)
        for gauge, name, version in shown:
            gauge.labels(name, version).set(1)
        self._shown = shown

    def _declare(self, model: Model) -> None:
        """Set the counters of a version to 0: Prometheus sees no rise from an absent counter."""
        output = model.manifest.signature.prediction
        labels = output.labels if isinstance(output, ProbabilitiesOutput | LabelsOutput) else ()
        for label in (*labels, ""):
            self.predictions.labels(model.name, model.version, label)

    def _declare_shadow(self, model: Model) -> None:
        for counter in (
            self.shadow_compared,
            self.shadow_disagreements,
            self.shadow_failures,
            self.shadow_skipped,
        ):
            counter.labels(model.name, model.version)

    def count_predictions(self, model: Model, predictions: Predictions) -> None:
        """Count instances by their predicted labels and by the bins of their features."""
        if not len(predictions):
            return
        for label, count in _counts_by_label(predictions).items():
            if count:
                self.predictions.labels(model.name, model.version, label).inc(count)
        self._feature_counters.add(model, model.count(predictions))

    def feature_counts(self, model: Model) -> Counts:
        """Return the number of instances in each bin of a version, over all workers.

        Shapes:
            (bins,).
        """
        if self._folder is None:
            return self._feature_counters.total(model)
        with locked(self._folder, fcntl.LOCK_SH):
            return self._feature_counters.total(model)

    def exposition(self) -> bytes:
        """Write all numbers, of all workers, in the text format of Prometheus."""
        if self._folder is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        registry.register(_Collector(self._feature_families))
        with locked(self._folder, fcntl.LOCK_SH):
            return generate_latest(registry)

    def _feature_families(self) -> Iterator[Metric]:
        """Write, for each bin of each served version, its count and that of training."""
        labels = ("model", "version", "feature", "bin")
        counted = CounterMetricFamily(
            "vitrine_feature_instances",
            "Number of predicted instances in a bin of a feature.",
            labels=labels,
        )
        reference = GaugeMetricFamily(
            "vitrine_reference_instances",
            "Number of training instances in the same bin.",
            labels=labels,
        )
        for values, count, expected in self._bins():
            counted.add_metric(values, float(count))
            reference.add_metric(values, expected)
        yield counted
        yield reference

    def _bins(self) -> Iterator[tuple[tuple[str, str, str, str], int, int]]:
        for model in self._served:
            counts = model.bins.split(self._feature_counters.total(model))
            for feature in model.bins.features:
                for name, count, expected in zip(
                    feature.bins, counts[feature.name], feature.reference.counts, strict=True
                ):
                    yield (model.name, str(model.version), feature.name, name), count, expected


def _counts_by_label(predictions: Predictions) -> dict[str, int]:
    """Count the instances of each predicted label; those without a label count under ""."""
    output, values = predictions.output, predictions.values
    if isinstance(output, ProbabilitiesOutput):
        chosen = np.delete(values.argmax(axis=1), predictions.abstained())
        counts = np.bincount(chosen, minlength=len(output.labels))
        without = len(predictions) - len(chosen)
    elif isinstance(output, LabelsOutput):
        given = given_labels(values)
        counts = given.sum(axis=0)
        without = len(predictions) - int(given.any(axis=1).sum())
    else:
        return {"": len(predictions)}
    return {**dict(zip(output.labels, counts.tolist(), strict=True)), "": without}


class _Collector(Collector):
    """Families that the client library does not keep, made when they are scraped."""

    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics."""
        return self._collect()
