"""What the service counts and measures, and the text in which Prometheus reads it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.rollout.repository import Entries
from service.telemetry import multiprocess
from service.telemetry.instruments import Family, Gauge, Instruments
from service.telemetry.numbers import Key, Numbers, Values
from vitrine.drift import Counts
from vitrine.model import Model
from vitrine.predictions import Predictions, given_labels
from vitrine.signature import LabelsOutput, ProbabilitiesOutput

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FEATURES = "vitrine_feature_instances"


class Metrics(Instruments):
    """The instruments, the bins of features, and the text that Prometheus scrapes.

    Args:
        registry: Registry that collects the instruments.
        folder: Folder in which all worker processes keep their numbers; None for one process.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """

    def __init__(self, registry: CollectorRegistry, *, folder: Path | None = None) -> None:
        super().__init__(Numbers(folder))
        self._registry = registry
        self._folder = folder
        self._shown: list[tuple[Family[Gauge], str, int]] = []
        self._served: tuple[Model, ...] = ()
        self._bin_counts: dict[tuple[str, int], Values] = {}
        registry.register(_Collector(self._collect))

    def show(self, current: Entries) -> None:
        """Show which versions are served and which are refused."""
        shown: list[tuple[Family[Gauge], str, int]] = []
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
        self._bin_counts = {
            (model.name, model.version): self._open_bins(model) for model in self._served
        }

    def _set(self, shown: list[tuple[Family[Gauge], str, int]]) -> None:
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

    def _open_bins(self, model: Model) -> Values:
        """Return the counts of a version's bins in this process, to add to."""
        if not len(model.bins):
            return np.zeros(0)
        return np.asarray(self._numbers.cells(_bins_key(model), len(model.bins)))

    def count_predictions(self, model: Model, parts: Sequence[Predictions]) -> None:
        """Count instances by their predicted labels and by the bins of their features.

        Args:
            model: The model that predicted them.
            parts: Predictions of one request or several.
        """
        for predictions in parts:
            for label, count in _counts_by_label(predictions).items():
                if count:
                    self.predictions.labels(model.name, model.version, label).inc(count)
        counts = self._bin_counts.get((model.name, model.version))
        if counts is not None and counts.size:
            for predictions in _gathered(parts):
                found = model.count(predictions)
                with self._numbers.adding:
                    counts += found

    def feature_counts(self, model: Model) -> Counts:
        """Return the number of instances in each bin of a version, over all workers.

        Shapes:
            (bins,).
        """
        return _feature_counts(model, self._read())

    def exposition(self) -> bytes:
        """Write all numbers, of all workers, in the text format of Prometheus."""
        return generate_latest(self._registry)

    def _read(self) -> dict[Key, Values]:
        return self._numbers.read() if self._folder is None else multiprocess.read(self._folder)

    def _collect(self) -> Iterator[Metric]:
        numbers = self._read()
        yield from self.families(numbers)
        yield from self._feature_families(numbers)

    def _feature_families(self, numbers: dict[Key, Values]) -> Iterator[Metric]:
        """Write, for each bin of each served version, its count and that of training."""
        labels = ("model", "version", "feature", "bin")
        counted = CounterMetricFamily(
            _FEATURES, "Number of predicted instances in a bin of a feature.", labels=labels
        )
        reference = GaugeMetricFamily(
            "vitrine_reference_instances",
            "Number of training instances in the same bin.",
            labels=labels,
        )
        for model in self._served:
            counts = model.bins.split(_feature_counts(model, numbers))
            for feature in model.bins.features:
                for name, count, expected in zip(
                    feature.bins, counts[feature.name], feature.reference.counts, strict=True
                ):
                    values = (model.name, str(model.version), feature.name, name)
                    counted.add_metric(values, float(count))
                    reference.add_metric(values, expected)
        yield counted
        yield reference


def _bins_key(model: Model) -> Key:
    # A version that was published again may have other bins.
    return ("sum", _FEATURES, model.name, str(model.version), str(len(model.bins)))


def _feature_counts(model: Model, numbers: dict[Key, Values]) -> Counts:
    counts = numbers.get(_bins_key(model), np.zeros(len(model.bins)))
    return counts.astype(np.int64)


def _gathered(parts: Sequence[Predictions]) -> Iterator[Predictions]:
    """Yield the values and tensors of all predictions as those of one batch; nothing for none."""
    filled = [predictions for predictions in parts if len(predictions)]
    if len(filled) == 1:
        yield filled[0]
    elif filled:
        tensors = {
            name: np.concatenate([predictions.tensors[name] for predictions in filled])
            for name in filled[0].tensors
        }
        values = np.concatenate([predictions.values for predictions in filled])
        yield Predictions(filled[0].output, values, tensors=tensors)


def _counts_by_label(predictions: Predictions) -> dict[str, int]:
    """Count the instances of each predicted label; those without a label count under ""."""
    output, values = predictions.output, predictions.values
    if isinstance(output, ProbabilitiesOutput):
        chosen, withheld = values.argmax(axis=1), predictions.abstained()
        if len(withheld):
            chosen = np.delete(chosen, withheld)
        counts = Counter(chosen.tolist())
        without = len(withheld)
    elif isinstance(output, LabelsOutput):
        given = given_labels(values)
        counts = Counter(given.nonzero()[1].tolist())
        without = len(predictions) - int(given.any(axis=1).sum())
    else:
        return {"": len(predictions)}
    return {**{output.labels[index]: count for index, count in counts.items()}, "": without}


class _Collector(Collector):
    """Families that the client library does not keep, made when they are scraped."""

    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics."""
        return self._collect()
