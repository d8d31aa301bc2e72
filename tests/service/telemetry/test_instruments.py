"""The instruments of one process."""

import pytest
from prometheus_client import CollectorRegistry

from service.telemetry.instruments import BUCKETS, INSTANCE_BUCKETS
from service.telemetry.metrics import Metrics
from tests.bundles import table_manifest
from tests.fakes import metrics_of, price
from vitrine.model import Model


@pytest.mark.parametrize("buckets", [BUCKETS, INSTANCE_BUCKETS], ids=["seconds", "instances"])
def test_buckets_rise(buckets: tuple[float, ...]) -> None:
    assert list(buckets) == sorted(set(buckets))


def test_buckets_start_where_networks_answer() -> None:
    assert BUCKETS[0] == 0.0001


def test_gauge_is_set_and_added_to(registry: CollectorRegistry) -> None:
    waiting = Metrics(registry).waiting_requests.labels()

    waiting.set(5)
    waiting.add(-2)

    assert registry.get_sample_value("vitrine_waiting_requests") == 3


def test_batches_are_counted_by_their_instances(registry: CollectorRegistry) -> None:
    metrics = metrics_of(registry, Model(table_manifest(), price))
    batches = metrics.batch_instances.labels("rooms", 1)

    for instances in (1, 2, 3, 5000):
        batches.observe(instances)

    def count(bound: str) -> float | None:
        labels = {"model": "rooms", "version": "1", "le": bound}
        return registry.get_sample_value("vitrine_batch_instances_bucket", labels)

    assert [count(bound) for bound in ("1.0", "2.0", "4.0", "1024.0", "+Inf")] == [1, 2, 3, 3, 4]
    labels = {"model": "rooms", "version": "1"}
    assert registry.get_sample_value("vitrine_batch_instances_sum", labels) == 5006


@pytest.mark.parametrize("reason", ["overloaded", "deadline-exceeded", "out-of-memory"])
def test_refusals_of_too_much_are_zero_at_first(registry: CollectorRegistry, reason: str) -> None:
    Metrics(registry)

    assert registry.get_sample_value("vitrine_rejected_total", {"reason": reason}) == 0


def test_counters_without_labels_are_zero_at_first(registry: CollectorRegistry) -> None:
    Metrics(registry)

    assert registry.get_sample_value("vitrine_abandoned_requests_total") == 0
