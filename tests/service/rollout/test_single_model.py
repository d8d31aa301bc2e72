"""Folders that are themselves a model or a version, as platforms hand them over."""

import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from service.rollout.model_store import open_model_store
from service.rollout.single_model import as_models_folder
from tests.bundles import write_table_bundle
from tests.servers import Server, serving
from vitrine import bundle
from vitrine.bundle import MANIFEST_NAME, InvalidBundle


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models, with two versions of one."""
    for version in (1, 2):
        write_table_bundle(tmp_path / "models", version=version)
    return tmp_path / "models"


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        pytest.param("", {"rooms": [1, 2]}, id="models"),
        pytest.param("rooms", {"rooms": [1, 2]}, id="model"),
        pytest.param("rooms/2", {"rooms": [2]}, id="version"),
    ],
)
@pytest.mark.parametrize("name", ["models", "mnt"], ids=["in place", "moved"])
def test_folder_is_listed_by_what_its_manifests_say(
    models: Path, tmp_path: Path, path: str, listed: dict[str, list[int]], name: str
) -> None:
    folder = tmp_path / name
    if not folder.exists():
        shutil.copytree(models / path, folder)
        path = ""

    store = open_model_store(str(folder / path), cache=str(tmp_path / "cache"), watch_seconds=1)

    assert store.list_versions() == listed


def test_folder_of_models_is_used_as_it_is(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "rooms/1", models / "3")

    assert as_models_folder(models, tmp_path / "cache") == models
    assert not (tmp_path / "cache").exists()


def test_absent_folder_is_left_to_whoever_lists_it(tmp_path: Path) -> None:
    assert as_models_folder(tmp_path / "absent", tmp_path) == tmp_path / "absent"


def test_relative_folder_is_found(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models / "rooms")

    found = as_models_folder(Path(), tmp_path / "cache")

    monkeypatch.chdir("/")
    assert bundle.list_versions(found) == {"rooms": [1, 2]}


def test_version_that_is_published_later_is_listed(models: Path, tmp_path: Path) -> None:
    store = open_model_store(str(models / "rooms"), cache=str(tmp_path / "cache"), watch_seconds=1)

    write_table_bundle(models, version=3)

    assert store.list_versions() == {"rooms": [1, 2, 3]}


def test_damaged_manifest_does_not_hide_the_model_of_the_others(
    models: Path, tmp_path: Path
) -> None:
    (models / "rooms/2" / MANIFEST_NAME).write_text("{}")

    folder = as_models_folder(models / "rooms", tmp_path / "cache")

    assert bundle.list_versions(folder) == {"rooms": [1, 2]}


def test_folder_whose_model_nobody_knows_is_refused(models: Path, tmp_path: Path) -> None:
    for version in ("1", "2"):
        (models / "rooms" / version / MANIFEST_NAME).write_text("{}")

    for path in ("rooms", "rooms/1"):
        with pytest.raises(InvalidBundle, match="rooms/1: The format must be"):
            as_models_folder(models / path, tmp_path / "cache")


@pytest.mark.parametrize("name", ["../rooms", "", "a/b"])
def test_manifest_cannot_lead_out_of_the_cache(models: Path, tmp_path: Path, name: str) -> None:
    manifest = models / "rooms/1" / MANIFEST_NAME
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "name": name}))

    with pytest.raises(InvalidBundle, match="no name and version"):
        as_models_folder(models / "rooms/1", tmp_path / "cache")


def test_cache_that_cannot_be_written_is_named(models: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")

    with pytest.raises(InvalidBundle, match=r"The cache folder .* cannot be written"):
        as_models_folder(models / "rooms", tmp_path / "cache")


def test_version_at_any_path_is_served_by_all_workers(models: Path, tmp_path: Path) -> None:
    mounted = tmp_path / "mnt"
    # As a container beside this one shows its own file system.
    mounted.symlink_to(f"/proc/{os.getpid()}/root{models / 'rooms/2'}")

    with serving(models=mounted, cache=tmp_path / "cache", workers=2) as server:
        assert _get(server, "/readyz") == {"status": "ready", "models": {"rooms": [2]}}
        assert _get(server, "/v2/models/rooms")["versions"] == ["2"]


def _get(server: Server, path: str) -> dict[str, object]:
    with closing(server.connect()) as connection:
        connection.request("GET", path)
        found: dict[str, object] = json.loads(connection.getresponse().read())
    return found
