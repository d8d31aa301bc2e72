"""The command that asks a published version, run against a service."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from tests.bundles import rewrite_manifest, write_picture_bundle, write_table_bundle
from tests.servers import ROOT, Server, serving
from training.publishing.requests import curl_command
from vitrine import bundle


@pytest.fixture(scope="module")
def models(
    picture_bundle: Path, table_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with models of pictures and of tables, trained and made by code."""
    folder = tmp_path_factory.mktemp("served") / "models"
    for trained in (picture_bundle, table_bundle):
        shutil.copytree(trained, folder / trained.parent.name / "1")
    write_table_bundle(folder)
    for version in (1, 2):
        write_picture_bundle(folder, version=version)
    second = folder / "strokes" / "2"
    manifest = msgspec.structs.replace(bundle.read_manifest(second), default=False)
    (second / bundle.MANIFEST_NAME).unlink()
    rewrite_manifest(second, manifest)
    return folder


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Server]:
    with serving(models=models) as server:
        yield server


def ask(server: Server, folder: Path, file: Path | None) -> str:
    """Run the command about a version in the folder of the project, and return the answer."""
    command = curl_command(bundle.read_manifest(folder), folder, file)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace("http://127.0.0.1:8080", server.url)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_picture_of_the_set_is_predicted(server: Server, models: Path, tmp_path: Path) -> None:
    file = tmp_path / "it's a picture.png"
    Image.fromarray(np.pad(np.full((20, 4), 255, np.uint8), ((4, 4), (12, 12)))).save(file)

    answer = json.loads(ask(server, models / "drawn" / "1", file))

    assert set(answer["predictions"][0]) >= {"label", "probability", "set", "credibility"}


def test_example_is_sent_where_no_picture_is_at_hand(server: Server, models: Path) -> None:
    answer = json.loads(ask(server, models / "drawn" / "1", None))

    assert "label" in answer["predictions"][0]


def test_own_table_is_predicted_row_by_row(server: Server, models: Path, many_rents: Path) -> None:
    answer = ask(server, models / "rents" / "1", many_rents)

    assert answer.splitlines()[0].startswith("prediction,lower,upper")
    assert len(answer.splitlines()) == len(many_rents.read_text().splitlines())


def test_row_is_sent_where_no_table_is_at_hand(server: Server, models: Path) -> None:
    answer = json.loads(ask(server, models / "rooms" / "1", None))

    assert len(answer["predictions"]) == 1
    assert set(answer["predictions"][0]) == {"value"}


def test_version_that_answers_only_by_its_number_is_asked_by_it(
    server: Server, models: Path
) -> None:
    assert json.loads(ask(server, models / "strokes" / "2", None))["version"] == 2
    assert json.loads(ask(server, models / "strokes" / "1", None))["version"] == 1
