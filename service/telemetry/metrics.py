"""What the service counts and measures, and the text in which Prometheus reads it."""

import collections
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from service.rollout.repository import Entries
from service.telemetry import bins, multiprocess
from service.telemetry.exposition import SharedText, Text
from service.telemetry.instruments import Counter, Family, Gauge, Histogram, Instruments
from service.telemetry.numbers import Key, Numbers, Owner, Series, Values
from service.telemetry.retention import Retention
from service.telemetry.totals import Layout, Totals
from vitrine.drift import Counts
from vitrine.model import Model
from vitrine.predictions import Predictions, given_labels
from vitrine.signature import LabelsOutput, ProbabilitiesOutput

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics(Instruments):
    """The instruments, the bins of features, and the text that Prometheus scrapes.

    Args:
        registry: Registry of the client library that collects what the text says.
        folder: Folder in which all worker processes keep their numbers; None for one process.
        clock: Tells the time since which a version is not served; the same in all processes.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        numbers = Numbers(folder)
        super().__init__(numbers)
        self._shown: list[tuple[Family[Gauge], str, int]] = []
        self._served: tuple[Model, ...] = ()
        self._bins: dict[tuple[str, int], Series] = {}
        self._totals = Totals(numbers.areas if folder is None else multiprocess.Files(folder).areas)
        self._retention = Retention(numbers, self._totals, self.forget, folder=folder, clock=clock)
        self._text = SharedText(self._write)
        self._words: _Words | None = None
        registry.register(_Collector(self.exposition))

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
        self._bins = {
            (model.name, model.version): self._numbers.series(bins.key_of(model), len(model.bins))
            for model in self._served
            if len(model.bins)
        }
        versions = {(name, str(version)) for _, name, version in shown}
        self._retention.serve(versions | {(name,) for name in current})

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
        series = self._bins.get((model.name, model.version))
        if series is not None:
            for predictions in _gathered(parts):
                found = model.count(predictions)
                with self._numbers.adding:
                    counts = np.asarray(series.cells)
                    counts += found

    def feature_counts(self, model: Model) -> Counts:
        """Return the number of instances in each bin of a version, over all workers.

        Shapes:
            (bins,).
        """
        layout, values = self._totals.read()
        cells = layout.cells.get(bins.key_of(model))
        counts = np.zeros(len(model.bins)) if cells is None else values[cells]
        return counts.astype(np.int64)

    def look(self) -> "Look":
        """Return all numbers, of all workers, as they are now."""
        return Look(*self._totals.read())

    def exposition(self) -> bytes:
        """Write all numbers, of all workers, in the text format of Prometheus.

        Whoever asks while a text is written gets the next one, the same as all others who wait.
        """
        return self._text.get()

    def _write(self) -> bytes:
        layout, values = self._totals.read()
        shown = self._retention.shown(layout, values)
        words = self._words
        if words is None or not words.fit(layout, self._served, shown):
            words = self._words = self._compose(layout, self._served, shown)
        return words.text.write(np.concatenate([values, words.references]))

    def _compose(
        self, layout: Layout, served: tuple[Model, ...], shown: frozenset[Owner]
    ) -> "_Words":
        series = {
            key: cells for key, cells in layout.cells.items() if not key.owner or key.owner in shown
        }
        text = Text(chain(self.described(series), bins.described(served, layout)))
        return _Words(layout, served, shown, text, bins.references(served))


@dataclass(frozen=True, slots=True)
class Look:
    """All numbers, of all workers, at one moment."""

    _layout: Layout
    _values: Values

    def number(self, family: Family[Counter] | Family[Gauge], *labels: str | int) -> float:
        """Return the number of a counter or a gauge; 0 where there is none."""
        return float(self._cells(family.key(*labels)).sum())

    def count_and_sum(self, family: Family[Histogram], *labels: str | int) -> tuple[int, float]:
        """Return how many values a histogram has, and their sum; 0 where there is none."""
        cells = self._cells(family.key(*labels))
        return int(cells[:-1].sum()), float(cells[-1:].sum())

    def _cells(self, key: Key) -> Values:
        cells = self._layout.cells.get(key)
        return self._values[:0] if cells is None else self._values[cells]


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text, with what they were composed for."""

    layout: Layout
    served: tuple[Model, ...]
    shown: frozenset[Owner]
    text: Text
    references: Values

    def fit(self, layout: Layout, served: tuple[Model, ...], shown: frozenset[Owner]) -> bool:
        """Tell whether the words are still those of what there is."""
        return self.layout is layout and self.served is served and self.shown == shown


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
        counts = collections.Counter(chosen.tolist())
        without = len(withheld)
    elif isinstance(output, LabelsOutput):
        given = given_labels(values)
        counts = collections.Counter(given.nonzero()[1].tolist())
        without = len(predictions) - int(given.any(axis=1).sum())
    else:
        return {"": len(predictions)}
    return {**{output.labels[index]: count for index, count in counts.items()}, "": without}


class _Collector(Collector):
    """What the text says, for the client library."""

    def __init__(self, exposition: Callable[[], bytes]) -> None:
        self._exposition = exposition

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics."""
        text = self._exposition().decode()
        return iter(text_string_to_metric_families(text))
