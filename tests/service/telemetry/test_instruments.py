"""The instruments of one process."""

from service.telemetry.instruments import BUCKETS


def test_buckets_start_where_networks_answer() -> None:
    assert BUCKETS[0] == 0.0001
    assert list(BUCKETS) == sorted(BUCKETS)
