"""The service on Ray Serve, on a cluster of three nodes."""

import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from tests.bundles import write_picture_bundle
from tests.cluster.callers import Calls, Question, Request, calling
from tests.cluster.nodes import Cluster, ray_cluster
from tests.fakes import picture
from tests.namespaces import Host
from tests.servers import ROOT

CONFIG = ROOT / "deploy/ray/serve.yaml"
PORT = 8000
PROBE = "/-/healthz"
REPLICAS = 3
QUESTION = Question("/models/strokes/predict", "image/png", picture())
_POLL_SECONDS = 0.2
# So many answers show how things go on.
_SOME = 60
_MOST_SECONDS = 240
_TITLE = b"ray::ServeReplica:vitrine:Vitrine"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The service on a cluster.

    Attributes:
        cluster: The cluster.
        folder: Folder for the files of its configuration.
        models: Folder of its models, beside a file of the trials that they have passed.
    """

    cluster: Cluster
    folder: Path
    models: Path

    def deploy(self, **settings: object) -> None:
        """Deploy the service, with these settings beside those of all tests."""
        config = self.folder / "serve.yaml"
        config.write_text(yaml.safe_dump(self._config(settings)))
        self.cluster.run(["serve", "deploy", config], capture_output=True)

    def _config(self, settings: Mapping[str, object]) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
        application = config["applications"][0]
        given = {"models": self.models, "tried": self.models.with_suffix(".json"), **settings}
        variables = {f"VITRINE_{name.upper()}": str(value) for name, value in given.items()}
        application["runtime_env"]["env_vars"] |= {"PYTHONPATH": str(ROOT), **variables}
        deployment = application["deployments"][0]
        deployment["autoscaling_config"] |= {"min_replicas": REPLICAS, "max_replicas": REPLICAS}
        # All at once is quickest.
        deployment["max_surge_percent"] = 100
        return config

    def addresses(self) -> list[str]:
        """Return the addresses of the nodes that take requests, as those with replicas do."""
        addresses = [host.address for host in self.cluster.hosts]
        return [each for each in addresses if get(each, PROBE)[0] == HTTPStatus.OK]

    def targets(self) -> dict[str, dict[str, str]]:
        """Return the labels of each replica that runs, by the address of its metrics."""
        status, body = get(self.cluster.head.address, "/metrics/targets")
        if status != HTTPStatus.OK:
            return {}
        return {each["targets"][0]: each["labels"] for each in json.loads(body)}

    def replicas(self) -> list[tuple[Host, int]]:
        """Return the host and the number of the process of each replica, the head's first."""
        return [
            (host, number)
            for host in self.cluster.hosts
            for number in host.processes()
            if _title(number).startswith(_TITLE)
        ]

    def folders(self) -> set[Path]:
        """Return the folders that hold the states of all replicas."""
        return {folder for _, number in self.replicas() for folder in _state_folders(number)}


def _title(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def _state_folders(process: int) -> Iterator[Path]:
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        path = descriptor.readlink()
        if path.name == "server.lock":
            yield path.parent


def get(address: str, path: str, *, port: int = PORT) -> tuple[int, bytes]:
    """Ask a node; return the status and the body of its answer, or 0 where it gives none."""
    with closing(http.client.HTTPConnection(address, port, timeout=60)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: It is not so for too long.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > _MOST_SECONDS:
            raise TimeoutError("What is waited for did not come about.")
        time.sleep(_POLL_SECONDS)


def write_models(folder: Path) -> None:
    """Publish two versions of a model, and try all models of a folder, beside which it is noted.

    Else each replica would try them when it starts.
    """
    for version in (1, 2):
        write_picture_bundle(folder, version=version)
    variables = {**os.environ, "VITRINE_TRIED": str(folder.with_suffix(".json"))}
    words = [sys.executable, "-m", "service", "try", str(folder)]
    subprocess.run(words, env=variables, cwd=ROOT, check=True, capture_output=True)


@contextmanager
def deployed(folder: Path, models: Path, **settings: object) -> Iterator[Deployed]:
    """Serve on three nodes until the block ends, with a replica on each and room for another.

    Args:
        folder: Folder for files.
        models: Folder of the models.
        settings: Of the service, by their names in `Settings`.
    """
    with ray_cluster(cpus=2, dashboard=True) as cluster:
        one = Deployed(cluster, folder, models)
        one.deploy(**settings)
        until(lambda: len(one.targets()) == REPLICAS)
        yield one


def scraped(target: str, name: str, **labels: str) -> float:
    """Return the sum of all counters of a name that have these labels, in one replica."""
    address, _, port = target.partition(":")
    status, body = get(address, "/metrics", port=int(port))
    assert status == HTTPStatus.OK
    return sum(
        sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def calling_all(service: Deployed) -> AbstractContextManager[Calls]:
    """Ask each node that takes requests until the block ends."""
    return calling(service.addresses(), PORT, QUESTION, probe=PROBE)


def upgrade(service: Deployed, **settings: object) -> tuple[Calls, list[Request]]:
    """Deploy other settings under load; return all requests, and those sent after the upgrade."""
    before = set(service.targets())
    with calling_all(service) as calls:
        calls.wait(_SOME)
        service.deploy(**settings)
        until(lambda: len(now := set(service.targets())) == REPLICAS and not now & before)
        upgraded = time.monotonic()
        calls.wait(_SOME)
    return calls, [request for request in calls.requests if request.sent > upgraded]


def _kill(process: int) -> tuple[float, float]:
    """Kill a process; return the moments before that and after its end."""
    descriptor = os.pidfd_open(process)
    try:
        started = time.monotonic()
        os.kill(process, signal.SIGKILL)
        select.select([descriptor], [], [])
        return started, time.monotonic()
    finally:
        os.close(descriptor)


def lose_replica(service: Deployed) -> list[Request]:
    """Kill a replica under load; return what failed that it cannot have been answering."""
    before = set(service.targets())
    with calling_all(service) as calls:
        calls.wait(_SOME)
        started, ended = _kill(service.replicas()[-1][1])
        calls.wait(_SOME)
        until(lambda: len(service.targets().keys() - before) == 1)
    until(lambda: len(service.targets()) == REPLICAS)
    return [each for each in calls.failed if each.sent > ended or each.ended < started]


def lose_node(service: Deployed) -> list[Request]:
    """Kill all of a host under load; return what failed that cannot have been answered there.

    What is sent to the host itself while it goes is lost with it.
    """
    lost, _ = service.replicas()[-1]
    with calling_all(service) as calls:
        calls.wait(_SOME)
        started = time.monotonic()
        lost.kill()
        ended = time.monotonic()
        calls.wait(_SOME)
        until(lambda: len(service.targets()) == REPLICAS)
    elsewhere = [request for request in calls.failed if request.address != lost.address]
    return [each for each in elsewhere if each.sent > ended or each.ended < started]
