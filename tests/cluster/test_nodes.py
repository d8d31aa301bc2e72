"""Tests of the cluster that the other tests use."""

from tests.cluster.nodes import ray_cluster
from tests.traffic import until


def test_cluster_has_a_node_on_each_host() -> None:
    with ray_cluster(nodes=2) as cluster:
        words = ["ray", "status", "--address", cluster.address]
        # The status is some seconds old.
        until(lambda: "0.0/2.0 CPU" in cluster.run(words, capture_output=True).stdout)
