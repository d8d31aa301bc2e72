"""The file that makes a bundle a model of MLflow: what it says, as a reader of YAML sees it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from msgspec.structs import replace

from tests.bundles import anomaly_manifest, labels_manifest, picture_manifest, table_manifest
from training.publishing.mlmodel import write_mlmodel
from vitrine import bundle
from vitrine.bundle import Manifest


def written(manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Write the file, and read it."""
    described = write_mlmodel(manifest, folder)
    path = folder / bundle.MLMODEL_NAME
    assert described == bundle.describe_file(path)
    members: dict[str, Any] = yaml.safe_load(path.read_text())
    return members


def signature(manifest: Manifest, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Write the file, and read the signature in it."""
    members = written(manifest, folder)["signature"]
    return {name: json.loads(text) for name, text in members.items()}


def test_loader_is_a_module_of_ours_and_no_code_of_the_bundle(tmp_path: Path) -> None:
    members = written(table_manifest(), tmp_path)

    (flavour,) = members["flavors"].values()
    assert members["flavors"].keys() == {"python_function"}
    assert flavour["loader_module"] == "vitrine.mlflow_loader"
    assert flavour.keys() == {"loader_module", "python_version"}


def test_numbers_are_doubles_so_that_blanks_pass(tmp_path: Path) -> None:
    inputs = signature(table_manifest(), tmp_path)["inputs"]

    assert inputs == [
        {"name": "size", "type": "double", "required": True},
        {"name": "colour", "type": "string", "required": True},
    ]


def test_pictures_may_come_in_any_form(tmp_path: Path) -> None:
    assert signature(picture_manifest(), tmp_path).keys() == {"outputs", "params"}


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        (
            picture_manifest(),
            {"label", "probability", "probabilities", "set", "credibility", "warnings"},
        ),
        (table_manifest(), {"value", "interval", "warnings"}),
        (labels_manifest(), {"labels", "probabilities", "warnings"}),
        (anomaly_manifest(), {"anomaly_score", "credibility", "warnings"}),
    ],
    ids=["classes", "value", "labels", "anomaly"],
)
def test_outputs_are_named(tmp_path: Path, manifest: Manifest, names: set[str]) -> None:
    assert {each["name"] for each in signature(manifest, tmp_path)["outputs"]} == names


def test_parameters_are_those_of_a_request(tmp_path: Path) -> None:
    parameters = signature(table_manifest(), tmp_path)["params"]

    assert {each["name"]: each["type"] for each in parameters} == {
        "coverage": "double",
        "abstain_below": "double",
        "top": "long",
        "explain": "boolean",
        "errors": "string",
    }
    assert all(each["default"] is None for each in parameters)


@pytest.mark.parametrize("name", ["it's", "größe", 'a"b', "a: b", "\u2028", "\N{GRINNING FACE}"])
def test_any_name_of_a_column_survives(tmp_path: Path, name: str) -> None:
    manifest = table_manifest()
    inputs = (replace(manifest.signature.inputs[0], name=name),)
    manifest = replace(manifest, signature=replace(manifest.signature, inputs=inputs))

    assert signature(manifest, tmp_path)["inputs"][0]["name"] == name
