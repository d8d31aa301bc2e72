"""The instruments of one process: names, help texts, labels and buckets.

They are used as those of the client library of Prometheus are, and cost a tenth of these: a request
changes ten of them.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Generic, TypeVar

from service.errors import DeadlineExceeded, KeyRequired, OutOfMemory, Overloaded, RateExceeded
from service.telemetry.exposition import Description, Metrics, Sample
from service.telemetry.numbers import Combining, Key, Numbers, Owner

# A network predicts in tens of microseconds; the client library's own buckets start at five
# milliseconds.
BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
# Of what is computed together.
INSTANCE_BUCKETS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
_VERSION = ("model", "version")


class _Cell:
    """One number."""

    __slots__ = ("_numbers", "_series")

    def __init__(self, numbers: Numbers, key: Key) -> None:
        self._numbers = numbers
        self._series = numbers.series(key, 1)


class Counter(_Cell):
    """A number that only rises."""

    __slots__ = ()

    def inc(self, amount: float = 1.0) -> None:
        """Add an amount."""
        with self._numbers.adding:
            self._series.cells[0] += amount


class Gauge(_Cell):
    """A number that rises and falls."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Replace the number."""
        with self._numbers.adding:
            self._series.cells[0] = value

    def add(self, amount: float) -> None:
        """Add an amount, which may be below 0."""
        with self._numbers.adding:
            self._series.cells[0] += amount


class Histogram:
    """Values counted by buckets, and their sum.

    Args:
        numbers: Where its numbers are kept.
        key: Key of its numbers.
        bounds: Upper bound of each bucket; one more bucket has none.
    """

    __slots__ = ("_bounds", "_numbers", "_series")

    def __init__(self, numbers: Numbers, key: Key, bounds: tuple[float, ...]) -> None:
        self._numbers = numbers
        self._bounds = bounds
        self._series = numbers.series(key, len(bounds) + 2)

    def observe(self, value: float) -> None:
        """Count a value."""
        self.observe_all((value,))

    def observe_all(self, values: Iterable[float]) -> None:
        """Count several values."""
        bounds = self._bounds
        with self._numbers.adding:
            cells = self._series.cells
            for value in values:
                cells[bisect_left(bounds, value)] += 1
                cells[-1] += value


Instrument = TypeVar("Instrument", Counter, Gauge, Histogram)


class Family(Generic[Instrument]):
    """The instruments of one name, by the values of their labels.

    Args:
        description: What the metric is.
        make: Makes an instrument, whose numbers are kept under a key.
        combining: How the numbers of several processes are combined.

    Attributes:
        description: What the metric is.
    """

    def __init__(
        self,
        description: Description,
        make: Callable[[Key], Instrument],
        *,
        combining: Combining = "sum",
    ) -> None:
        self.description = description
        self._make: Callable[[Key], Instrument] = make
        self._combining = combining
        self._owner_labels = sum(1 for name in description.labels if name in _VERSION)
        self._instruments: dict[tuple[str | int, ...], Instrument] = {}

    def labels(self, *values: str | int) -> Instrument:
        """Return the instrument with these values of the labels; its numbers are 0 at first."""
        instrument = self._instruments.get(values)
        if instrument is None:
            instrument = self._instruments[values] = self._make(self.key(*values))
        return instrument

    def key(self, *values: str | int) -> Key:
        """Return the key under which the numbers with these values of the labels are kept."""
        texts = tuple(map(str, values))
        owner = texts[: self._owner_labels]
        return Key(self._combining, self.description.name, texts, owner)

    def forget(self, owner: Owner) -> None:
        """Let go of the instruments that belong to a model or a version."""
        for values in list(self._instruments):
            if self._owner_labels == len(owner) and tuple(map(str, values[: len(owner)])) == owner:
                del self._instruments[values]


class Instruments:
    """Counters, gauges and histograms, the same in every worker.

    Labels come from what the repository and the routes know, never from what a client typed.

    Args:
        numbers: Where their numbers are kept.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._counters: list[Family[Counter]] = []
        self._gauges: list[Family[Gauge]] = []
        self._histograms: list[Family[Histogram]] = []
        self._add_requests()
        self._add_load()
        self._add_predictions()
        self._add_version_requests()
        self._add_versions()
        self._add_shadow()
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Set to 0 what alerts look at: Prometheus sees no rise from an absent counter."""
        for counters in self._counters:
            if not counters.description.labels:
                counters.labels()
        for error in (Overloaded, DeadlineExceeded, OutOfMemory, KeyRequired, RateExceeded):
            self.rejected.labels(error.slug())

    def _add_requests(self) -> None:
        labels = ("route", "method", "status")
        self.requests = self._counter("vitrine_requests", "Number of answered requests.", labels)
        self.key_requests = self._counter(
            "vitrine_key_requests",
            "Number of answered requests by the name of their API key.",
            ("key", "status"),
        )
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

    def _add_load(self) -> None:
        self.waiting_requests = self._gauge(
            "vitrine_waiting_requests", "Number of requests that wait to be computed."
        )
        self.waiting_seconds = self._gauge(
            "vitrine_waiting_seconds", "Estimated time that the waiting requests will take."
        )
        self.computing_requests = self._gauge(
            "vitrine_computing_requests", "Number of requests that are being computed."
        )
        self.body_memory = self._gauge(
            "vitrine_body_memory_bytes",
            "Memory that bodies and answers take which wait for their clients or for their turn.",
        )
        self.connections = self._gauge("vitrine_connections", "Number of open connections.")
        self.max_connections = self._gauge(
            "vitrine_max_connections", "Number of connections that may be open."
        )
        self.abandoned = self._counter(
            "vitrine_abandoned_requests",
            "Number of requests whose client left before their answer.",
            (),
        )
        self.wait_duration = self._histogram(
            "vitrine_wait_duration_seconds",
            "Time that a complete request waited to be computed.",
            (),
        )
        self.batch_instances = self._histogram(
            "vitrine_batch_instances",
            "Number of instances in one call of a network, of one request or several.",
            _VERSION,
            bounds=INSTANCE_BUCKETS,
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

        self.dropped_log_lines = self._counter(
            "vitrine_dropped_log_lines",
            "Number of lines that are missing in the log, since nobody took them.",
            (),
        )

    def _add_version_requests(self) -> None:
        self.version_request_duration = self._histogram(
            "vitrine_version_request_duration_seconds",
            "Time from the first look at a request to a version to the last byte of its answer. "
            "The result is `success` or `failure`.",
            (*_VERSION, "result"),
        )
        self.version_seconds = self._counter(
            "vitrine_version_seconds",
            "Time of a version's requests by part: `queue` until they were computed, `decode` and "
            "`encode` of their bodies and answers.",
            (*_VERSION, "part"),
        )
        self.last_prediction = self._gauge(
            "vitrine_last_prediction_timestamp_seconds",
            "Time at which a version last answered a request, in seconds since 1970.",
            _VERSION,
            combining="latest",
        )

    def _add_versions(self) -> None:
        self.models = self._gauge(
            "vitrine_models",
            "1 for a version that every worker serves, otherwise 0.",
            _VERSION,
            combining="min",
        )
        self.refused = self._gauge(
            "vitrine_refused_versions",
            "1 for a version that exists and cannot be served, otherwise 0.",
            _VERSION,
            combining="max",
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

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Family[Counter]:
        family = Family(
            Description("counter", name, text, labels), lambda key: Counter(self._numbers, key)
        )
        self._counters.append(family)
        return family

    def _histogram(
        self,
        name: str,
        text: str,
        labels: tuple[str, ...],
        *,
        bounds: tuple[float, ...] = BUCKETS,
    ) -> Family[Histogram]:
        family = Family(
            Description("histogram", name, text, labels, bounds),
            lambda key: Histogram(self._numbers, key, bounds),
        )
        self._histograms.append(family)
        return family

    def _gauge(
        self,
        name: str,
        text: str,
        labels: tuple[str, ...] = (),
        *,
        combining: Combining = "livesum",
    ) -> Family[Gauge]:
        family = Family(
            Description("gauge", name, text, labels),
            lambda key: Gauge(self._numbers, key),
            combining=combining,
        )
        self._gauges.append(family)
        return family

    def forget(self, owner: Owner) -> None:
        """Remove the series that belong to a model or to a version."""
        # In this order: an instrument made in between would count where nobody looks.
        self._numbers.forget(owner)
        for family in self.families:
            family.forget(owner)

    @property
    def families(self) -> Iterator[Family[Counter] | Family[Gauge] | Family[Histogram]]:
        """The instruments by their names."""
        return chain(self._counters, self._gauges, self._histograms)

    def described(self, series: Mapping[Key, slice]) -> Metrics:
        """Describe each metric and the series that it has among these.

        Args:
            series: Series -> indices of their cells.
        """
        samples: dict[str, list[Sample]] = defaultdict(list)
        for key, cells in sorted(series.items()):
            samples[key.name].append(Sample(key.labels, range(cells.start, cells.stop)))
        for family in self.families:
            yield family.description, samples[family.description.name]
