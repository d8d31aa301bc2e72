"""A Ray cluster whose nodes are hosts of their own on this machine."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.namespaces import Host, network
from tests.servers import ROOT

# The environment of a node, and of the commands that use the cluster: `make cluster` makes both.
RAY = ROOT / ".venv/ray/bin"
RAY_TRAINING = ROOT / ".venv/ray-training/bin"

# A program of an environment, which runs the command `vitrine` of this checkout: the one beside it
# has the code of the checkout that made the environment.
VITRINE = ("python", "-c", "import runpy; runpy.run_path('bin/vitrine', run_name='__main__')")

_PORT = 6379
# Of the memory for objects on each node.
_STORE_BYTES = 200 * 2**20
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
# A node that was lost is noticed within seconds, as the tests wait for it.
_HEALTH = {
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "4",
    "RAY_health_check_initial_delay_ms": "0",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster.

    Attributes:
        head: Host of the head node, on which commands run, too.
        others: Hosts of the other nodes.
        environment: Folder of the programs that its nodes were started with.
    """

    head: Host
    others: list[Host]
    environment: Path

    @property
    def address(self) -> str:
        """Address that drivers connect to."""
        return f"{self.head.address}:{_PORT}"

    @property
    def hosts(self) -> list[Host]:
        """All hosts, the head first."""
        return [self.head, *self.others]

    def run(
        self, words: Sequence[str | Path], **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program of the environment on the head's host: the first word is its name."""
        return self.head.run(self._command(words), env=_variables(), cwd=ROOT, **options)

    def start(self, words: Sequence[str | Path], **options: Any) -> "subprocess.Popen[str]":
        """Start a program of the environment on the head's host."""
        return self.head.start(self._command(words), environment=_variables(), cwd=ROOT, **options)

    def _command(self, words: Sequence[str | Path]) -> list[str | Path]:
        return [self.environment / words[0], *words[1:]]


@contextmanager
def ray_cluster(
    nodes: int = 3,
    *,
    environment: Path = RAY,
    cpus: int = 1,
    dashboard: bool = False,
) -> Iterator[Cluster]:
    """Run a cluster until the block ends.

    Args:
        nodes: Number of nodes, with the head.
        environment: Folder of the programs of every node.
        cpus: CPUs that each node offers to tasks.
        dashboard: Whether the head takes what `serve deploy` sends to it.
    """
    with network(nodes) as hosts:
        cluster = Cluster(hosts[0], hosts[1:], environment)
        ray = environment / "ray"
        head = ["--head", "--port", str(_PORT), "--include-dashboard", str(dashboard).lower()]
        _start(cluster.head, [ray, "start", *head], cpus=cpus)
        for host in cluster.others:
            _start(host, [ray, "start", "--address", cluster.address], cpus=cpus)
        yield cluster


def _start(host: Host, words: Sequence[str | Path], *, cpus: int) -> None:
    options = [
        *("--node-ip-address", host.address, "--num-cpus", str(cpus)),
        *("--object-store-memory", str(_STORE_BYTES), "--disable-usage-stats"),
    ]
    host.run([*words, *options], env=_variables(), capture_output=True)


def _variables() -> Mapping[str, str]:
    return {**os.environ, **_QUIET, **_HEALTH}
