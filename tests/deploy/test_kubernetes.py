"""The manifests for Kubernetes: kustomize builds them, and they keep what they promise."""

import copy
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from service.keys import read_keys
from service.settings import Settings
from tests.deploy.kubernetes import (
    FOLDER,
    Manifest,
    build,
    container,
    environment,
    faults,
    only,
)
from tests.servers import ROOT

OVERLAYS = ("base", "overlays/image", "overlays/init-container", "overlays/s3", "overlays/volume")
# What a Pod Security Admission of the level "restricted" asks of each container.
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
# What KEDA takes in the metadata of a Prometheus trigger.
KEDA_METADATA = {"serverAddress", "query", "threshold", "activationThreshold", "namespace"}

Built = Mapping[str, Sequence[Manifest]]


@pytest.fixture(scope="session")
def built(kubectl: None) -> Built:
    """What kustomize builds, by the folder."""
    return {name: build(FOLDER / name) for name in OVERLAYS}


def _pod(manifests: Sequence[Manifest]) -> Any:
    return only(manifests, "Deployment")["spec"]["template"]["spec"]


def _settings(manifests: Sequence[Manifest]) -> Settings:
    """Read the environment of the service as it does itself."""
    settings = only(manifests, "ConfigMap")
    maps = {settings["metadata"]["name"]: settings["data"], "vitrine-bucket": {}}
    return Settings.from_environment(dict(environment(container(_pod(manifests)), maps)))


def test_schemas_have_nothing_against_the_manifests(built: Built) -> None:
    assert faults([each for manifests in built.values() for each in manifests]) == []


def test_every_manifest_belongs_to_what_is_built(built: Built) -> None:
    named = {
        path.parent / name
        for path in FOLDER.rglob("kustomization.yaml")
        for member in ("resources", "components")
        for name in yaml.safe_load(path.read_text()).get(member, ())
    }
    files = {path.resolve() for path in named}

    loose = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*.yaml")
        if path.name != "kustomization.yaml" and path.resolve() not in files
    }

    # Values of a Helm chart; and examples, of which one at a time is applied.
    assert {each for each in loose if not each.startswith("kserve/examples/")} == {
        "components/autoscaling-hpa/metrics.yaml"
    }
    components = {path.parent.resolve() for path in FOLDER.glob("components/*/kustomization.yaml")}
    assert components <= files


@pytest.mark.parametrize(
    ("kind", "path", "fault"),
    [
        ("Deployment", "spec.template.spec.securityContext.runAsNonRot", "runAsNonRot"),
        ("Deployment", "spec.template.spec.containers.0.livenesProbe", "livenesProbe"),
        ("Service", "spec.port", "port"),
        ("PodDisruptionBudget", "spec.minAvailabel", "minAvailabel"),
        ("ScaledObject", "spec.triggers.0.metadat", "metadat"),
        ("ScaledObject", "spec.maxReplicas", "maxReplicas"),
        ("PodMonitor", "spec.podMetricsEndpoints.0.intervall", "intervall"),
    ],
)
def test_field_that_is_misspelt_is_refused(built: Built, kind: str, path: str, fault: str) -> None:
    manifest = copy.deepcopy(only(built["overlays/s3"], kind))
    *parents, name = path.split(".")
    place = manifest
    for each in parents:
        place = place[int(each)] if isinstance(place, list) else place[each]
    place[name] = "x"

    (found,) = faults([manifest])

    assert fault in found


def test_kind_that_does_not_exist_is_refused(built: Built) -> None:
    service = {**only(built["base"], "Service"), "kind": "Servise"}

    assert faults([service]) == ["Servise vitrine: there is no such kind"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_container_has_a_privilege(built: Built, name: str) -> None:
    pod = _pod(built[name])

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for each in (*pod["containers"], *pod.get("initContainers", ())):
        assert each["securityContext"] == RESTRICTED


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_container_has_requests_and_limits(built: Built, name: str) -> None:
    pod = _pod(built[name])

    for each in (*pod["containers"], *pod.get("initContainers", ())):
        assert set(each["resources"]["requests"]) == set(each["resources"]["limits"])
        assert set(each["resources"]["limits"]) == {"cpu", "memory"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_user_is_that_of_the_image(built: Built, name: str) -> None:
    (user,) = re.findall(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert _pod(built[name])["securityContext"]["runAsUser"] == int(user)


@pytest.mark.parametrize("name", OVERLAYS)
def test_command_is_that_of_the_image(built: Built, name: str) -> None:
    (entry_point,) = re.findall(
        r"^ENTRYPOINT (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )

    assert container(_pod(built[name]))["command"] == json.loads(entry_point)


@pytest.mark.parametrize("name", OVERLAYS)
def test_there_are_as_many_workers_as_cores(built: Built, name: str) -> None:
    limits = container(_pod(built[name]))["resources"]["limits"]

    assert _settings(built[name]).workers == int(limits["cpu"])


@pytest.mark.parametrize("name", OVERLAYS)
def test_pod_has_time_to_answer_what_it_has_begun(built: Built, name: str) -> None:
    pod = _pod(built[name])
    pause = container(pod)["lifecycle"]["preStop"]["sleep"]["seconds"]

    longest = pause + _settings(built[name]).graceful_timeout_seconds + 1

    assert longest < pod["terminationGracePeriodSeconds"] < longest + 15


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_volume_is_mounted_and_every_mount_has_a_volume(built: Built, name: str) -> None:
    pod = _pod(built[name])
    mounted = {
        mount["name"]
        for each in (*pod["containers"], *pod.get("initContainers", ()))
        for mount in each["volumeMounts"]
    }

    assert {each["name"] for each in pod["volumes"]} == mounted


@pytest.mark.parametrize("name", OVERLAYS)
def test_body_files_fit_into_their_volume(built: Built, name: str) -> None:
    volumes = {each["name"]: each for each in _pod(built[name])["volumes"]}
    settings = _settings(built[name])

    gibibytes = int(volumes["tmp"]["emptyDir"]["sizeLimit"].removesuffix("Gi"))

    assert settings.workers * settings.body_disk_bytes < gibibytes * 2**30


@pytest.mark.parametrize("name", OVERLAYS)
def test_rollout_takes_no_pod_away_before_another_is_ready(built: Built, name: str) -> None:
    deployment = only(built[name], "Deployment")["spec"]

    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize("name", OVERLAYS)
def test_selectors_find_the_pods(built: Built, name: str) -> None:
    manifests = built[name]
    template = only(manifests, "Deployment")["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    selectors = [
        only(manifests, "Service")["spec"]["selector"],
        *(
            only(manifests, kind)["spec"]["selector"]["matchLabels"]
            for kind in ("Deployment", "PodDisruptionBudget")
        ),
        only(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(
            each["labelSelector"]["matchLabels"]
            for each in template["spec"]["topologySpreadConstraints"]
        ),
    ]

    assert all(each.items() <= labels for each in selectors)
    assert len(selectors) == 6


@pytest.mark.parametrize("name", ["overlays/image", "overlays/init-container", "overlays/volume"])
def test_autoscaler_alone_says_how_many_pods_there_are(built: Built, name: str) -> None:
    scaler = only(built[name], "HorizontalPodAutoscaler")["spec"]
    deployment = only(built[name], "Deployment")

    assert "replicas" not in deployment["spec"]
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]


def test_keda_alone_says_how_many_pods_there_are(built: Built) -> None:
    scaled = only(built["overlays/s3"], "ScaledObject")["spec"]
    deployment = only(built["overlays/s3"], "Deployment")
    (trigger,) = scaled["triggers"]

    assert "replicas" not in deployment["spec"]
    assert scaled["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert set(trigger["metadata"]) <= KEDA_METADATA
    assert f'namespace="{deployment["metadata"]["namespace"]}"' in trigger["metadata"]["query"]


def test_autoscalers_aim_at_one_request_for_each_core(built: Built) -> None:
    cores = container(_pod(built["overlays/s3"]))["resources"]["limits"]["cpu"]
    (trigger,) = only(built["overlays/s3"], "ScaledObject")["spec"]["triggers"]
    (metric,) = only(built["overlays/volume"], "HorizontalPodAutoscaler")["spec"]["metrics"]

    assert trigger["metadata"]["threshold"] == cores
    assert metric["pods"]["target"]["averageValue"] == cores


def test_adapter_makes_the_metric_that_the_autoscaler_asks_for(built: Built) -> None:
    (metric,) = only(built["overlays/volume"], "HorizontalPodAutoscaler")["spec"]["metrics"]
    values = yaml.safe_load((FOLDER / "components/autoscaling-hpa/metrics.yaml").read_text())
    (rule,) = values["rules"]["custom"]

    assert rule["name"]["as"] == metric["pods"]["metric"]["name"]


def test_another_setting_makes_other_pods(built: Built, tmp_path: Path) -> None:
    names = {
        container(_pod(built[name]))["envFrom"][0]["configMapRef"]["name"]
        for name in ("base", "overlays/s3")
    }

    assert len(names) == 2


def test_example_of_keys_can_be_read(built: Built, tmp_path: Path) -> None:
    manifests = built["overlays/s3"]
    (path,) = (
        each["value"]
        for each in container(_pod(manifests))["env"]
        if each["name"] == "VITRINE_KEYS"
    )
    (mount,) = (
        each for each in container(_pod(manifests))["volumeMounts"] if each["name"] == "keys"
    )
    file = tmp_path / Path(path).relative_to(mount["mountPath"])
    file.write_text(only(manifests, "Secret")["stringData"][file.name])

    assert [(key.name, key.role) for key in read_keys(file)] == [("ana", "predict")]


def test_image_has_the_version_of_the_project(built: Built) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    runtime = only(build(FOLDER / "kserve"), "ClusterServingRuntime")

    for each in (*_pod(built["base"])["containers"], *runtime["spec"]["containers"]):
        assert each["image"] == f"registry.example.com/vitrine:{version}"
