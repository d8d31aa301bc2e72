"""What goes into the image, and the bill of materials that says so."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
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


def make_model_image(folder: Path, *variables: str) -> "subprocess.CompletedProcess[str]":
    """Run `make model-image` with a program in the place of Docker that prints what it is asked."""
    builder = folder / "docker"
    builder.write_text('#!/bin/sh\n[ "$1" = info ] || echo "$@"\n')
    builder.chmod(0o755)
    return subprocess.run(
        ["make", "--silent", "model-image", *variables],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("version", [(), ("VERSION=1",)], ids=["newest", "named"])
def test_image_of_a_model_holds_one_version(tmp_path: Path, version: tuple[str, ...]) -> None:
    finished = make_model_image(tmp_path, "NAME=digits", *version, "BASE=busybox@sha256:0")

    assert finished.returncode == 0
    assert finished.stdout.split() == [
        *("build", "--tag", "vitrine-model-digits:1"),
        *("--build-arg", "BASE=busybox@sha256:0"),
        *("--build-arg", "NAME=digits", "--build-arg", "VERSION=1"),
        *("--file", "deploy/image/Dockerfile.model", "."),
    ]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ((), "NAME= must name a model under models/"),
        (("NAME=nobody",), "NAME= must name a model under models/"),
        (("NAME=digits", "VERSION=7"), "There is no version 7 under models/digits/."),
    ],
    ids=["no name", "no model", "no version"],
)
def test_image_of_what_does_not_exist_is_refused(
    tmp_path: Path, variables: tuple[str, ...], sentence: str
) -> None:
    finished = make_model_image(tmp_path, *variables)

    assert finished.returncode != 0
    assert sentence in finished.stderr
    assert finished.stdout == ""


def test_image_of_a_model_runs_as_the_user_of_the_service() -> None:
    users = [
        re.findall(r"^USER .*$", (ROOT / path).read_text(), re.MULTILINE)
        for path in ("Dockerfile", "deploy/image/Dockerfile.model")
    ]

    assert users == [["USER 10001"], ["USER 10001:10001"]]
