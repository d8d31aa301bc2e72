"""The text of metrics, and how those who ask at the same time share it."""

import itertools
import math
import threading
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from service.telemetry.exposition import Description, Sample, SharedText, Text

TEXTS = st.text(st.characters(codec="utf-8"))


class Given(Collector):
    """Gives the client library what it is to write."""

    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self._metrics


def of_library(*metrics: Metric) -> bytes:
    """Return what the client library writes."""
    registry = CollectorRegistry()
    registry.register(Given(*metrics))
    return generate_latest(registry)


@given(
    help_text=TEXTS,
    labels=st.lists(st.tuples(TEXTS, TEXTS), unique=True, max_size=3),
    data=st.data(),
)
def test_text_is_what_the_client_library_writes(
    help_text: str, labels: list[tuple[str, str]], data: st.DataObject
) -> None:
    # Nothing that is counted is -0.0, which Python cannot tell from the 0.0 of a line before.
    floats = st.floats().map(lambda number: number or 0.0)
    values = data.draw(st.lists(floats, min_size=len(labels), max_size=len(labels)))
    counter = CounterMetricFamily("c", help_text, labels=("b", "a"))
    gauge = GaugeMetricFamily("g", help_text, labels=("b", "a"))
    for each, value in zip(labels, values, strict=True):
        counter.add_metric(each, value)
        gauge.add_metric(each, value)

    samples = [Sample(each, (cell,)) for cell, each in enumerate(labels)]
    text = Text(
        [
            (Description("counter", "c", help_text, ("b", "a")), samples),
            (Description("gauge", "g", help_text, ("b", "a")), samples),
        ]
    )

    assert text.write(np.array(values)) == of_library(counter, gauge)


def test_histogram_is_what_the_client_library_writes() -> None:
    histogram = HistogramMetricFamily("h", "Help.", labels=("model",))
    buckets = [("0.001", 1.0), ("2.0", 1.0), ("+Inf", 5.0)]
    histogram.add_metric(("digits",), buckets, 12_345_678.5)

    samples = [Sample(("digits",), range(1, 5))]
    description = Description("histogram", "h", "Help.", ("model",), (0.001, 2.0))
    text = Text([(description, samples)])

    assert text.write(np.array([9, 1, 0, 4, 12_345_678.5])) == of_library(histogram)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e6, 999_999.0, 1e17, -1e7])
def test_number_is_written_as_the_client_library_writes_it(number: float) -> None:
    gauge = GaugeMetricFamily("g", "Help.", value=number)

    text = Text([(Description("gauge", "g", "Help."), [Sample((), (0,))])])

    assert text.write(np.array([number])) == of_library(gauge)


class Slow:
    """Writes texts, each of which waits until a test lets it go on."""

    def __init__(self) -> None:
        self.begun = 0
        self.has_begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def __call__(self) -> bytes:
        """Write the next text, which is its number."""
        self.begun += 1
        text = str(self.begun).encode()
        self.has_begun.release()
        self.may_end.acquire()
        return text


def asking(get: Callable[[], bytes], got: list[bytes]) -> threading.Thread:
    """Ask for a text in a thread."""
    thread = threading.Thread(target=lambda: got.append(get()))
    thread.start()
    return thread


class Moments:
    """Rising numbers, and how many of them were taken."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self.taken = threading.Semaphore(0)

    def __iter__(self) -> "Moments":
        return self

    def __next__(self) -> int:
        number = next(self._numbers)
        self.taken.release()
        return number


def test_all_who_wait_while_a_text_is_written_get_the_next_one() -> None:
    write, moments, got = Slow(), Moments(), list[bytes]()
    shared = SharedText(write, moments=moments)
    threads = [asking(shared.get, got)]
    write.has_begun.acquire()
    threads += [asking(shared.get, got) for _ in range(20)]
    for _ in range(22):  # 21 ask, and one text is begun
        moments.taken.acquire()

    write.may_end.release(2)
    for thread in threads:
        thread.join()

    assert sorted(got) == [b"1", *[b"2"] * 20]


def test_text_is_never_older_than_the_question() -> None:
    numbers = itertools.count()
    shared = SharedText(lambda: str(next(numbers)).encode())

    assert [shared.get() for _ in range(3)] == [b"0", b"1", b"2"]


def test_text_that_cannot_be_written_is_tried_again() -> None:
    failures = iter([True, False])

    def write() -> bytes:
        if next(failures):
            raise OSError("gone")
        return b"text"

    shared = SharedText(write)

    with pytest.raises(OSError, match="gone"):
        shared.get()
    assert shared.get() == b"text"
