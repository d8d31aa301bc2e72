"""The manifests under deploy/kubernetes, as kustomize builds them."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.servers import ROOT

FOLDER = ROOT / "deploy/kubernetes"
# Where `make .venv/kubernetes/installed` puts kubectl and what knows the schemas.
PROGRAMS = ROOT / ".venv/kubernetes/bin"
Manifest = Mapping[str, Any]


def build(folder: Path) -> list[Manifest]:
    """Build the manifests of a folder.

    Raises:
        subprocess.CalledProcessError: kustomize refuses them; its output says why.
    """
    command = [str(PROGRAMS / "kubectl"), "kustomize", str(folder)]
    return list(yaml.safe_load_all(subprocess.check_output(command, text=True)))


def faults(manifests: Sequence[Manifest]) -> list[str]:
    """Return what the schemas of Kubernetes, KEDA and the Prometheus Operator have against them."""
    command = [str(PROGRAMS / "python"), str(ROOT / "tests/deploy/check_manifests.py")]
    found: list[str] = json.loads(
        subprocess.check_output(command, input=json.dumps(manifests), text=True)
    )
    return found


def only(manifests: Sequence[Manifest], kind: str) -> Any:
    """Return the only manifest of a kind."""
    (found,) = (each for each in manifests if each["kind"] == kind)
    return found


def container(pod: Mapping[str, Any], name: str = "vitrine") -> Mapping[str, Any]:
    """Return a container of a pod."""
    found: Mapping[str, Any]
    (found,) = (each for each in pod["containers"] if each["name"] == name)
    return found


def environment(
    each: Mapping[str, Any], maps: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str]]:
    """Return the environment that Kubernetes gives a container.

    Args:
        each: The container.
        maps: Data of config maps and secrets by their names.
    """
    for source in each.get("envFrom", ()):
        (reference,) = source.values()
        yield from maps[reference["name"]].items()
    for variable in each.get("env", ()):
        if "value" in variable:
            yield variable["name"], variable["value"]
        else:
            kind, _, resource = variable["valueFrom"]["resourceFieldRef"]["resource"].partition(".")
            yield variable["name"], each["resources"][kind][resource]
