"""The instruments, in one process or many.

With several worker processes each writes its numbers to files of its own in one folder, and
whichever worker is asked adds them all up. That is settled by `PROMETHEUS_MULTIPROC_DIR` before
prometheus_client is first imported, and nothing here can change it.
"""

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from service.rollout.repository import Catalogue
from service.telemetry import counters as tallies
from service.telemetry.counters import FeatureCounters
from vitrine.drift import Counts
from vitrine.model import Model
from vitrine.predictions import Predictions, given_labels
from vitrine.signature import LabelsOutput, ProbabilitiesOutput

# A network answers in tens of microseconds; the client library's own buckets start at five
# milliseconds.
BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# The first worker that cannot start leaves this file beside the numbers, and says why.
REFUSED = "refused"
# Scrapes and merges take milliseconds.
_LOCK_TRIES = 100
_LOCK_PAUSE_SECONDS = 0.01
_RETIRED = "0"  # no process has this number
# Of the files of one worker, and what each takes from the start: more than a thousand numbers.
_KINDS = ("counter", "histogram", "gauge_livemin", "gauge_livemax")
_ROOM_BYTES = 2**17


class Metrics:
    """What is counted and timed; the same instruments in every worker.

    Labels come from what the repository and the routes know, never from what a client typed.
    """

    def __init__(self, registry: CollectorRegistry, *, folder: Path | None = None) -> None:
        """Make the instruments.

        Args:
            registry: Where they are registered.
            folder: Of the numbers of all worker processes, where there are several.
        """
        self._registry = registry
        self._folder = folder
        self.requests = Counter(
            "vitrine_requests", "Requests answered.", ("route", "method", "status"),
            registry=registry,
        )  # fmt: skip
        self.request_duration = _histogram(
            "vitrine_request_duration", "From the first look at a request to its last byte.",
            ("route",), registry,
        )  # fmt: skip
        self.decode_duration = _histogram(
            "vitrine_decode_duration", "Bytes to instances, without waiting for the bytes.",
            ("model",), registry,
        )  # fmt: skip
        self.inference_duration = _histogram(
            "vitrine_inference_duration", "Instances to predictions.",
            ("model", "version"), registry,
        )  # fmt: skip
        self.encode_duration = _histogram(
            "vitrine_encode_duration", "Predictions to bytes.", ("model",), registry
        )
        self.predictions = Counter(
            "vitrine_predictions",
            "Instances predicted, by each label given; no label for a value, or for none given.",
            ("model", "version", "label"), registry=registry,
        )  # fmt: skip
        self.rejected = Counter(
            "vitrine_rejected", "Requests refused, and rows reported as faulty, by reason.",
            ("reason",), registry=registry,
        )  # fmt: skip
        self.models = Gauge(
            "vitrine_models", "1 for a version that every worker serves.",
            ("model", "version"), registry=registry, multiprocess_mode="livemin",
        )  # fmt: skip
        self.refused = Gauge(
            "vitrine_refused_versions", "1 for a version on disk that cannot be served.",
            ("model", "version"), registry=registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self.shadow_compared = Counter(
            "vitrine_shadow_compared", "Instances that a shadow version was asked as well.",
            ("model", "version"), registry=registry,
        )  # fmt: skip
        self.shadow_disagreements = Counter(
            "vitrine_shadow_disagreements", "Instances that it would have answered otherwise.",
            ("model", "version"), registry=registry,
        )  # fmt: skip
        self.shadow_failures = Counter(
            "vitrine_shadow_failures", "Instances that it could not answer.",
            ("model", "version"), registry=registry,
        )  # fmt: skip
        self.shadow_skipped = Counter(
            "vitrine_shadow_skipped", "Instances that it was not asked, for want of time.",
            ("model", "version"), registry=registry,
        )  # fmt: skip
        self._shown: list[tuple[Gauge, str, int]] = []
        self._tallies = FeatureCounters(folder)
        self._served: tuple[Model, ...] = ()
        if folder is None:
            registry.register(_Collector(self._features))

    def show(self, catalogue: Catalogue) -> None:
        """Tell what is served now, and what is refused."""
        shown: list[tuple[Gauge, str, int]] = []
        for name, entry in catalogue.entries.items():
            shown += [(self.models, name, version) for version in entry.versions]
            shown += [(self.refused, name, version) for version in entry.serving.refused]
            for model in entry.versions.values():
                self._declare(model)
            if entry.shadow is not None:
                self._declare_shadow(entry.shadow)
        for gauge, name, version in set(self._shown) - set(shown):
            gauge.labels(name, version).set(0)
        for gauge, name, version in shown:
            gauge.labels(name, version).set(1)
        self._shown = shown
        entries = catalogue.entries.values()
        self._served = tuple(model for entry in entries for model in entry.versions.values())
        self._tallies.open(self._served)

    def _declare_shadow(self, model: Model) -> None:
        for counter in (
            self.shadow_compared,
            self.shadow_disagreements,
            self.shadow_failures,
            self.shadow_skipped,
        ):
            counter.labels(model.name, model.version)

    def _declare(self, model: Model) -> None:
        """Set a version's counters to 0: what is absent cannot be seen to rise."""
        output = model.manifest.signature.prediction
        labels = output.labels if isinstance(output, ProbabilitiesOutput | LabelsOutput) else ()
        for label in (*labels, ""):
            self.predictions.labels(model.name, model.version, label)

    def count_predictions(self, model: Model, predictions: Predictions) -> None:
        """Count instances by the label they were given, and into the bins of their features."""
        if not len(predictions):
            return
        for label, count in _counts_by_label(predictions).items():
            if count:
                self.predictions.labels(model.name, model.version, label).inc(count)
        self._tallies.add(model, model.count(predictions))

    def feature_counts(self, model: Model) -> Counts:
        """Return how many instances, of all workers, were counted into each of a version's bins.

        Shapes:
            (bins,).
        """
        if self._folder is None:
            return self._tallies.total(model)
        with _locked(self._folder, fcntl.LOCK_SH):
            return self._tallies.total(model)

    def _features(self) -> Iterator[Metric]:
        """Write what came in and what training saw, by the bins of every version that is served."""
        labels = ("model", "version", "feature", "bin")
        found = CounterMetricFamily(
            "vitrine_feature_instances", "Instances predicted, by the bin of a feature.",
            labels=labels,
        )  # fmt: skip
        expected = GaugeMetricFamily(
            "vitrine_reference_instances", "Instances that training counted into the same bin.",
            labels=labels,
        )  # fmt: skip
        for model in self._served:
            counts = model.bins.split(self._tallies.total(model))
            for feature in model.bins.features:
                places = zip(
                    feature.bins, counts[feature.name], feature.reference.counts, strict=True
                )
                for name, count, reference in places:
                    values = (model.name, str(model.version), feature.name, name)
                    found.add_metric(values, float(count))
                    expected.add_metric(values, reference)
        yield found
        yield expected

    def exposition(self) -> bytes:
        """Write all numbers, of all workers, in Prometheus' text format."""
        if self._folder is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        registry.register(_Collector(self._features))
        with _locked(self._folder, fcntl.LOCK_SH):
            return generate_latest(registry)


def _counts_by_label(predictions: Predictions) -> dict[str, int]:
    """Count the instances that were given each label; under "" those that were given none."""
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
    """What is not kept by the library, as it asks for it."""

    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics."""
        return self._collect()


def _histogram(
    name: str, text: str, labels: tuple[str, ...], registry: CollectorRegistry
) -> Histogram:
    return Histogram(f"{name}_seconds", text, labels, registry=registry, buckets=BUCKETS)


def clear(folder: Path) -> None:
    """Make the folder of numbers, without those of an earlier server.

    Raises:
        OSError: It cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*folder.glob("*.db"), folder / REFUSED]:
        path.unlink(missing_ok=True)
    tallies.clear(folder)
    (folder / "lock").touch()


def reserve(folder: Path, process: int) -> None:
    """Take the room that a worker's numbers need, while it can still be told that there is none.

    They are written through mapped memory: where the disk is full then, the process is killed.

    Raises:
        OSError: There is no room.
    """
    for kind in _KINDS:
        _allocate(folder / f"{kind}_{process}.db", _ROOM_BYTES)


def _allocate(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except OSError:
            path.unlink()
            raise


def retire(folder: Path, process: int) -> None:
    """Add the numbers of a worker that ended to those of all ended before it.

    Without this each worker that ever ran leaves files behind, and every look at the metrics
    reads them all; without its numbers the counters would fall.

    Raises:
        OSError: The folder cannot be written; the numbers stay where they are, and count.
    """
    mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
    with _locked(folder, fcntl.LOCK_EX):
        for path in sorted(folder.glob(f"*_{process}.db")):
            kind = path.name.removesuffix(f"_{process}.db")
            _merge([folder / f"{kind}_{_RETIRED}.db", path], folder / f"{kind}_{_RETIRED}.db")
            path.unlink()
        tallies.retire(folder, process)


def _merge(sources: Sequence[Path], target: Path) -> None:
    sums: dict[str, float] = {}
    for source in sources:
        for key, value in _read(source):
            sums[key] = sums.get(key, 0.0) + value
    # Not named *.db until it is whole: readers take every such file.
    unfinished = target.with_suffix(".new")
    _allocate(unfinished, max(_ROOM_BYTES, sum(_size(source) for source in sources)))
    numbers = MmapedDict(str(unfinished))  # type: ignore[no-untyped-call]
    for key, value in sums.items():
        numbers.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    numbers.close()  # type: ignore[no-untyped-call]
    unfinished.replace(target)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(path: Path) -> Iterator[tuple[str, float]]:
    # A worker killed at its very start leaves no file, or one without a word in it.
    with contextlib.suppress(FileNotFoundError, struct.error):
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            yield key, value


@contextlib.contextmanager
def _locked(folder: Path, operation: int) -> Iterator[None]:
    """Wait for the lock, but not for one who has stopped moving.

    Raises:
        BlockingIOError: Somebody keeps it.
    """
    with (folder / "lock").open("a") as stream:
        for _ in range(_LOCK_TRIES):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(stream, operation | fcntl.LOCK_NB)
                break
            time.sleep(_LOCK_PAUSE_SECONDS)
        else:
            fcntl.flock(stream, operation | fcntl.LOCK_NB)
        yield
