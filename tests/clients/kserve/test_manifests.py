"""The manifests for KServe against the definitions that KServe's own library brings."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kserve.models
import kubernetes.client.models
import pytest
import yaml  # type: ignore[import-untyped]

FOLDER = Path(__file__).parents[3] / "deploy/kubernetes/kserve"
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
# How the library calls these kinds of ours.
KINDS = {
    ("serving.kserve.io/v1alpha1", "ClusterServingRuntime"): "V1alpha1ClusterServingRuntime",
    ("serving.kserve.io/v1beta1", "InferenceService"): "V1beta1InferenceService",
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "float": (int, float),
    "object": object,
}


def faults(manifest: dict[str, Any]) -> list[str]:
    """Return what the definitions have against a manifest."""
    kind = KINDS[manifest["apiVersion"], manifest["kind"]]
    return list(_faults(kind, manifest, manifest["kind"]))


def _faults(kind: str, value: Any, place: str) -> Iterator[str]:
    """Go through a value as far as its type is defined; an unknown member is a fault."""
    listed = re.fullmatch(r"[Ll]ist\[(.*)\]", kind)
    mapped = re.fullmatch(r"[Dd]ict[(\[]str, (.*)[)\]]", kind)
    if listed and isinstance(value, list):
        for index, each in enumerate(value):
            yield from _faults(listed[1], each, f"{place}[{index}]")
    elif mapped and isinstance(value, dict):
        for name, each in value.items():
            yield from _faults(mapped[1], each, f"{place}.{name}")
    elif kind in TYPES:
        if not isinstance(value, TYPES[kind]) or isinstance(value, bool) > (
            kind in {"bool", "object"}
        ):
            yield f"{place} must be of type {kind}"
    else:
        yield from _faults_of_members(kind, value, place)


def _faults_of_members(kind: str, value: Any, place: str) -> Iterator[str]:
    model = getattr(kserve.models, kind, None) or getattr(
        kubernetes.client.models, _plain(kind), None
    )
    if model is None or not isinstance(value, dict):
        yield f"{place} cannot be of type {kind}"
        return
    types = {name: model.openapi_types[own] for own, name in model.attribute_map.items()}
    for name, each in value.items():
        if name in types:
            yield from _faults(types[name], each, f"{place}.{name}")
        else:
            yield f"{place}.{name} is unknown"


def _plain(kind: str) -> str:
    """Return the name that the library of Kubernetes has for one of its definitions."""
    return re.sub(r"^K8sIoApi\w*?(V\d\w*)$", r"\1", kind)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_definitions_have_nothing_against_the_manifest(path: Path) -> None:
    assert faults(yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("runtime.yaml", "spec.supportedModelFormat"),
        ("runtime.yaml", "spec.containers.0.volumeMount"),
        ("runtime.yaml", "spec.containers.0.env.0.valeu"),
        ("runtime.yaml", "spec.containers.0.securityContext.runAsNonRot"),
        ("runtime.yaml", "spec.containers.0.readinessProbe.httpGet.pfad"),
        ("examples/s3.yaml", "spec.predictor.model.storageUrl"),
        ("examples/canary.yaml", "spec.predictor.canaryTraficPercent"),
        ("examples/transformer.yaml", "spec.transformer.containers.0.arguments"),
    ],
)
def test_field_that_is_misspelt_is_refused(name: str, path: str) -> None:
    manifest = copy.deepcopy(yaml.safe_load((FOLDER / name).read_text()))
    *parents, last = path.split(".")
    place = manifest
    for each in parents:
        place = place[int(each)] if isinstance(place, list) else place[each]
    place[last] = "x"

    (found,) = faults(manifest)

    assert found.endswith(f".{last} is unknown")


def test_value_of_another_type_is_refused() -> None:
    manifest = yaml.safe_load((FOLDER / "examples/canary.yaml").read_text())
    manifest["spec"]["predictor"]["canaryTrafficPercent"] = "10"

    assert faults(manifest) == [
        "InferenceService.spec.predictor.canaryTrafficPercent must be of type int"
    ]


def test_examples_ask_for_the_format_of_the_runtime() -> None:
    runtime = yaml.safe_load((FOLDER / "runtime.yaml").read_text())["spec"]
    formats = {each["name"] for each in runtime["supportedModelFormats"]}

    for path in (FOLDER / "examples").glob("*.yaml"):
        model = yaml.safe_load(path.read_text())["spec"]["predictor"]["model"]
        assert model["modelFormat"]["name"] in formats
        assert model["protocolVersion"] in runtime["protocolVersions"]
