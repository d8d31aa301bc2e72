"""A folder of bundles, or a copy of one that lies elsewhere."""

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.rollout import sources
from service.rollout.model_store import FolderStore, MirroredStore, fingerprint, open_model_store
from service.rollout.sources import SourceUnreachable
from tests.bundles import write_table_bundle
from tests.places import WebPlace, web_server
from tests.servers import serving
from vitrine import bundle
from vitrine.bundle import InvalidBundle


@pytest.fixture
def place(tmp_path: Path) -> Iterator[WebPlace]:
    """A web server with one version."""
    write_table_bundle(tmp_path / "remote")
    with web_server(tmp_path / "remote") as server:
        found = WebPlace(tmp_path / "remote", server)
        found.publish()
        yield found


def shelf_of(place: WebPlace, tmp_path: Path, *, every_seconds: float = 0.0) -> MirroredStore:
    """Open a copy of what a place has."""
    return MirroredStore(place.url, tmp_path / "cache", every_seconds=every_seconds)


def until_listed(shelf: FolderStore, versions: list[int]) -> None:
    """Wait until the copy has these versions."""
    for _ in range(2000):
        if shelf.look().get("rooms") == versions:
            return
        threading.Event().wait(0.005)
    raise AssertionError(shelf.look())


def test_folder_is_its_own_shelf(tmp_path: Path) -> None:
    write_table_bundle(tmp_path, version=2)
    shelf = open_model_store(str(tmp_path), cache="", watch_seconds=1)

    shelf.refresh(wait=True)

    assert (shelf.look(), shelf.missing()) == ({"rooms": [2]}, {})


def test_absent_folder_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle, match="cannot be read: No such file or directory"):
        FolderStore(tmp_path / "absent").look()


def test_copy_is_made_when_it_is_waited_for(place: WebPlace, tmp_path: Path) -> None:
    shelf = open_model_store(place.url, cache=str(tmp_path / "cache"), watch_seconds=1)

    shelf.refresh(wait=True)

    assert shelf.look() == {"rooms": [1]}
    assert tmp_path / "cache" in shelf.folder.parents


def test_copies_of_two_places_are_kept_apart(place: WebPlace, tmp_path: Path) -> None:
    other = MirroredStore(f"{place.url}/other", tmp_path / "cache", every_seconds=0)

    assert other.folder != shelf_of(place, tmp_path).folder


def test_copy_goes_on_aside_when_it_is_not_waited_for(place: WebPlace, tmp_path: Path) -> None:
    shelf = shelf_of(place, tmp_path)
    shelf.refresh(wait=True)
    (write_table_bundle(place.folder, version=2) / bundle.ONNX_NAME).unlink()
    write_table_bundle(place.folder, version=3)
    place.publish()

    shelf.refresh(wait=False)

    until_listed(shelf, [1, 3])
    with shelf._busy:
        assert list(shelf.missing()["rooms"]) == [2]


def test_place_is_not_asked_again_too_soon(place: WebPlace, tmp_path: Path) -> None:
    shelf = shelf_of(place, tmp_path, every_seconds=3600)
    shelf.refresh(wait=True)
    write_table_bundle(place.folder, version=2)
    place.publish()

    shelf.refresh(wait=False)

    with shelf._busy:
        assert shelf.look() == {"rooms": [1]}


def test_lost_place_leaves_the_copy(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_table_bundle(tmp_path / "remote")
    with web_server(tmp_path / "remote") as server:
        place = WebPlace(tmp_path / "remote", server)
        place.publish()
        shelf = shelf_of(place, tmp_path)
        shelf.refresh(wait=True)

    with pytest.raises(SourceUnreachable):
        shelf.refresh(wait=True)
    for _ in range(3):
        shelf._refresh_aside()

    assert shelf.look() == {"rooms": [1]}
    assert [record.message for record in caplog.records] == ["models source"]


def test_cache_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    own = open_model_store("https://host/models", cache="", watch_seconds=1)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nothing")
    temporary = open_model_store("https://host/models", cache="", watch_seconds=1)

    assert own.folder.parent == tmp_path / "vitrine"
    assert temporary.folder.parent.name == f"vitrine-{os.getuid()}"


def test_fingerprint_changes_with_any_file(tmp_path: Path) -> None:
    folder = write_table_bundle(tmp_path)
    before = fingerprint(folder)
    assert fingerprint(folder) == before

    with (folder / bundle.ONNX_NAME).open("ab") as stream:
        stream.write(b"\0")

    assert fingerprint(folder) != before
    assert fingerprint(tmp_path / "absent") == ()


def test_worker_that_waits_long_for_its_models_lives(
    place: WebPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--timeout 1")
    place.server.delay_seconds = 1.2  # of each answer, and there are several

    with serving(models=place.url, cache=tmp_path / "cache", workers=1) as server:
        assert server.seconds_to_ready > 3


def test_server_serves_and_updates_what_a_place_has(place: WebPlace, tmp_path: Path) -> None:
    with serving(models=place.url, cache=tmp_path / "cache", workers=2) as server:
        write_table_bundle(place.folder, version=2)
        damaged = write_table_bundle(place.folder, version=3)
        (damaged / bundle.ONNX_NAME).write_bytes(b"other")
        (place.folder / sources.INDEX_NAME).write_bytes(sources.index(place.folder))
        with closing(server.connect()) as connection:
            connection.request("POST", "/models/rooms/load")
            refused = connection.getresponse()
            problem = refused.read()
            connection.request("GET", "/models/rooms")
            described = connection.getresponse().read()

    assert (refused.status, b"model.onnx" in problem) == (409, True)
    assert b'"versions":[1,2]' in described
