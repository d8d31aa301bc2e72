"""The service as the manifests start it: command, environment, user, volumes, probes, metrics."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests import houses
from tests.bundles import write_table_bundle
from tests.deploy.containers import Container, children, running, status, until_started
from tests.deploy.kubernetes import FOLDER, build, container, environment, only
from tests.namespaces import Host, network
from tests.prometheus import RULES, Prometheus
from tests.prometheus import running as prometheus_running
from tests.servers import ROOT
from tests.soak.ballast import add_ballast
from tests.traffic import until
from vitrine import bundle

CLIENTS = 4
PASS_SECONDS = 0.03
NAMESPACE, POD = "predictions", "vitrine-1"


@pytest.fixture(scope="module")
def hosts(kubectl: None) -> Iterator[list[Host]]:
    """A host for the service that most tests ask, and one for the others, one after the other."""
    with network(2) as made:
        yield made


@pytest.fixture
def host(hosts: list[Host]) -> Host:
    """A host on which nothing runs."""
    return hosts[1]


@contextmanager
def started(
    host: Host, overlay: str, folder: Path, volumes: Mapping[str, Path]
) -> Iterator[Container]:
    """Run the service of an overlay, and wait until its startup probe has passed."""
    manifests = build(FOLDER / overlay)
    pod = only(manifests, "Deployment")["spec"]["template"]["spec"]
    settings = only(manifests, "ConfigMap")
    spec = container(pod)
    variables = dict(environment(spec, {settings["metadata"]["name"]: settings["data"]}))
    folder.mkdir()
    with running(host, pod, spec, variables, volumes, folder) as found:
        until_started(found, spec["startupProbe"])
        yield found


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume with a quick model and a slow one, which the group of the pod may write to."""
    models = tmp_path_factory.mktemp("volume")
    write_table_bundle(models, "rooms")
    add_ballast(models, houses.HOUSING, "slow", seconds=PASS_SECONDS)
    for path in (models, *models.rglob("*")):
        os.chown(path, -1, 10001)
        path.chmod(0o2775 if path.is_dir() else 0o664)
    return models


@pytest.fixture(scope="module")
def served(
    hosts: list[Host], volume: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    """The service of the overlay whose models are in a volume."""
    folder = tmp_path_factory.mktemp("root") / "root"
    with started(hosts[0], "overlays/volume", folder, {"models": volume}) as found:
        yield found


def test_probes_pass(served: Container) -> None:
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert served.passes(served.spec[name]), name


def test_models_of_the_volume_are_served(served: Container) -> None:
    _, body = served.ask("/readyz", port="http")

    assert json.loads(body)["models"] == {"rooms": [1], "slow": [1]}


def test_every_process_is_without_privileges(served: Container) -> None:
    processes = set(served.host.processes()) - {served.launcher.pid}

    assert len(processes) >= 3
    for process in processes:
        found = status(process)
        assert set(found["Uid"].split()) == {"10001"}
        assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0
        assert found["NoNewPrivs"] == "1"


def test_root_file_system_cannot_be_written(served: Container) -> None:
    root = Path(f"/proc/{served.process}/root")

    for path in ("app/x", "venv/x", "x"):
        with pytest.raises(OSError, match="Read-only file system"):
            (root / path).touch()


def test_there_is_a_worker_for_each_core(served: Container) -> None:
    workers = children(served.process)

    assert len(workers) == int(served.spec["resources"]["limits"]["cpu"])


def test_metrics_are_where_the_annotations_say(served: Container) -> None:
    template = only(build(FOLDER / "overlays/volume"), "Deployment")["spec"]["template"]
    said = template["metadata"]["annotations"]

    code, body = served.ask(said["prometheus.io/path"], port=int(said["prometheus.io/port"]))

    assert (said["prometheus.io/scrape"], code) == ("true", 200)
    assert b"\nvitrine_request_duration_seconds_sum{" in body


def test_metrics_are_where_the_pod_monitor_says(served: Container) -> None:
    (endpoint,) = only(build(FOLDER / "overlays/s3"), "PodMonitor")["spec"]["podMetricsEndpoints"]

    code, _ = served.ask(endpoint["path"], port=endpoint["port"])

    assert code == 200


@dataclass(slots=True)
class Clients:
    """Clients of the slow model, each of which always waits for an answer."""

    is_done: bool = False
    answered: int = 0

    def send(self, address: str, port: int, body: bytes) -> None:
        """Send one request after the other."""
        connection = HTTPConnection(address, port, timeout=60)
        while not self.is_done:
            headers = {"Content-Type": "text/csv"}
            connection.request("POST", "/models/slow/predict", body, headers)
            answer = connection.getresponse()
            answer.read()
            self.answered += answer.status == 200
        connection.close()


@contextmanager
def loaded(served: Container) -> Iterator[Clients]:
    """Keep some requests in flight until the block ends."""
    clients = Clients()
    header, row, *_ = (ROOT / "examples/houses.csv").read_text().splitlines()
    body = f"{header}\n{row}\n".encode()
    arguments = (served.host.address, served.port("http"), body)
    threads = [threading.Thread(target=clients.send, args=arguments) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.is_done = True
        for thread in threads:
            thread.join()


@pytest.fixture
def prometheus(programs: None, served: Container) -> Iterator[Prometheus]:
    """A Prometheus that finds the pod as those of a cluster do."""
    target = f"{served.host.address}:{served.port('http')}"
    labels = {"namespace": NAMESPACE, "pod": POD}
    job = {"job_name": "pods", "static_configs": [{"targets": [target], "labels": labels}]}
    with prometheus_running([job], RULES.read_text()) as found:
        yield found


def _query_of_keda() -> str:
    (trigger,) = only(build(FOLDER / "overlays/s3"), "ScaledObject")["spec"]["triggers"]
    query: str = trigger["metadata"]["query"]
    return query


def _query_of_the_adapter() -> str:
    """Fill in its template as the Prometheus Adapter does for the pods of a namespace."""
    values = yaml.safe_load((FOLDER / "components/autoscaling-hpa/metrics.yaml").read_text())
    (rule,) = values["rules"]["custom"]
    filled = {
        "<<.Series>>": rule["seriesQuery"].partition("{")[0],
        "<<.LabelMatchers>>": f'namespace="{NAMESPACE}",pod=~"{POD}"',
        "<<.GroupBy>>": "pod",
    }
    query: str = rule["metricsQuery"]
    for name, text in filled.items():
        query = query.replace(name, text)
    return query


def test_queries_of_the_autoscalers_count_the_requests_in_flight(
    served: Container, prometheus: Prometheus
) -> None:
    # A minute is long for a test.
    queries = [each.replace("[1m]", "[5s]") for each in (_query_of_keda(), _query_of_the_adapter())]

    def counted() -> list[float]:
        found = [prometheus.ask(query, "pod") for query in queries]
        return [value for each in found for value in each.values()]

    with loaded(served) as clients:
        # The rest of the time, a client writes its request and reads its answer.
        until(lambda: len(counted()) == 2 and min(counted()) > 0.6 * CLIENTS)
        most = max(counted())

    assert clients.answered > 0
    assert most < 1.2 * CLIENTS
    until(lambda: max(counted(), default=1) < 0.2)


def test_term_ends_the_service_well(served: Container) -> None:
    """The last test of this service."""
    assert served.stop() == 0


def model_image(name: str, version: int, root: Path) -> Path:
    """Do what deploy/image/Dockerfile.model says, below a folder."""
    text = (ROOT / "deploy/image/Dockerfile.model").read_text()
    for argument, value in {"NAME": name, "VERSION": str(version)}.items():
        assert f"ARG {argument}\n" in text
        text = text.replace(f"${{{argument}}}", value)
    ((source, target),) = re.findall(r"^COPY (\S+) (\S+)$", text, re.MULTILINE)
    # Left out by .dockerignore.
    leave_out = shutil.ignore_patterns("model.keras")
    shutil.copytree(ROOT / source, root / target.lstrip("/"), ignore=leave_out)
    return root


def test_service_serves_an_image_that_is_a_volume(host: Host, tmp_path: Path) -> None:
    image = model_image("digits", 1, tmp_path / "image")

    with started(host, "overlays/image", tmp_path / "root", {"digits": image}) as found:
        _, body = found.ask("/readyz", port="http")

    assert json.loads(body)["models"] == {"digits": [1]}


def test_init_container_copies_a_model_to_where_the_service_reads_it(
    kubectl: None, tmp_path: Path
) -> None:
    image = model_image("digits", 1, tmp_path / "image")
    (tmp_path / "volume").mkdir()
    pod = only(build(FOLDER / "overlays/init-container"), "Deployment")["spec"]["template"]["spec"]
    (first,) = pod["initContainers"]
    (target,) = first["volumeMounts"]
    mounts = {each["name"]: each["mountPath"] for each in container(pod)["volumeMounts"]}

    here = {"/models": f"{image}/models", target["mountPath"]: f"{tmp_path}/volume"}
    words = [re.sub(r"^/\w+", lambda found: here[found[0]], word) for word in first["command"]]
    subprocess.run(words, check=True)

    assert {"name": "VITRINE_MODELS", "value": mounts[target["name"]]} in container(pod)["env"]
    assert bundle.list_versions(tmp_path / "volume") == {"digits": [1]}
    bundle.verify_files(
        bundle.read_manifest(tmp_path / "volume/digits/1"), tmp_path / "volume/digits/1"
    )


def beside(served: Container, command: str) -> "subprocess.Popen[bytes]":
    """Run a command as another container of the same pod would: its processes see each other's."""
    found = status(served.process)
    uid, gid = (found[kind].split()[0] for kind in ("Uid", "Gid"))
    words = ["nsenter", f"--target={served.process}", "--pid", "--mount", "--net", "--root"]
    user = [
        "setpriv",
        f"--reuid={uid}",
        f"--regid={gid}",
        "--clear-groups",
        "--no-new-privs",
        "--bounding-set=-all",
    ]
    return subprocess.Popen([*words, *user, "sh", "-c", command])


def test_runtime_of_kserve_waits_for_a_modelcar(host: Host, tmp_path: Path) -> None:
    shared = tmp_path / "mnt"
    model_image("digits", 1, shared / "image")
    shared.chmod(0o777)
    spec = only(build(FOLDER / "kserve"), "ClusterServingRuntime")["spec"]
    (stated,) = spec["containers"]
    # So KServe changes a container that gets a modelcar: its user, and the folder for the link.
    mount = {"name": "kserve-provision-location", "mountPath": "/mnt"}
    changed = {
        **stated,
        "securityContext": {"runAsUser": 1010},
        "volumeMounts": [*stated["volumeMounts"], mount],
    }
    (tmp_path / "root").mkdir()
    volumes = {"kserve-provision-location": shared}
    variables = dict(environment(changed, {}))

    with running(host, spec, changed, variables, volumes, tmp_path / "root") as found:
        until(lambda: status(found.process)["Uid"].startswith("1010"))
        assert not found.passes(stated["readinessProbe"])
        # The models are in the image of the modelcar, at a path that its process alone has.
        modelcar = beside(found, "ln -sf /proc/$$/root/mnt/image/models /mnt/models && sleep 300")
        until(lambda: found.passes(stated["readinessProbe"]))
        ready, _ = found.ask("/v2/models/digits/ready", port=8080)
        said = spec["annotations"]
        code, metrics = found.ask(
            said["prometheus.kserve.io/path"], port=int(said["prometheus.kserve.io/port"])
        )
        assert found.passes(stated["livenessProbe"])
        ended = found.stop()
    modelcar.wait(60)

    assert (ready, code, b"vitrine_models{" in metrics, ended) == (200, 200, True, 0)
