"""What goes into the image, and the bill of materials that says so."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest

from tests.servers import ROOT
from vitrine.bundle import KERAS_NAME


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    """The bill of materials of this environment, made twice."""
    command = [sys.executable, "deploy/image/sbom.py", "models"]
    texts = {subprocess.check_output(command, cwd=ROOT, text=True) for _ in range(2)}
    (text,) = texts
    found: dict[str, Any] = json.loads(text)
    return found


def test_bill_names_every_package_of_the_service(bill: dict[str, Any]) -> None:
    lock = (ROOT / "requirements/service.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))
    found = {each["purl"] for each in bill["components"] if each["type"] == "library"}

    assert len(locked) > 10
    assert {f"pkg:pypi/{name}@{version(name)}" for name in locked} <= found


def test_bill_names_the_models(bill: dict[str, Any]) -> None:
    models = [each for each in bill["components"] if each["type"] == "machine-learning-model"]

    assert [(each["name"], each["version"]) for each in models] == [
        ("digits", "1"),
        ("fashion", "1"),
        ("housing", "1"),
    ]
    manifest = json.loads((ROOT / "models/digits/1/manifest.json").read_text())
    digest = manifest["files"]["model.onnx"]["sha256"]
    assert models[0]["hashes"] == [{"alg": "SHA-256", "content": digest}]


def test_bill_refers_to_each_component_once(bill: dict[str, Any]) -> None:
    references = [each["bom-ref"] for each in bill["components"]]

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert len(references) == len(set(references))
    assert bill["dependencies"] == [{"ref": "vitrine", "dependsOn": references}]


def test_image_leaves_out_what_only_training_reads_and_nothing_else_of_the_models() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()

    assert [line for line in ignored if "models" in line] == [
        "!models",
        f"models/*/*/{KERAS_NAME}",
    ]


def test_image_can_be_built_on_a_base_that_is_named_by_its_digest() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()

    assert lines[0].startswith("ARG BASE=")
    assert [line for line in lines if line.startswith("FROM ")] == [
        "FROM ${BASE} AS build",
        "FROM ${BASE}",
    ]
