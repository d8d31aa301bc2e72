"""Tests of the cluster that the other tests use."""

from tests.cluster.nodes import ray_cluster


def test_cluster_has_a_node_on_each_host() -> None:
    with ray_cluster(nodes=2) as cluster:
        status = cluster.run(
            ["ray", "status", "--address", cluster.address], capture_output=True
        ).stdout
    assert "0.0/2.0 CPU" in status
