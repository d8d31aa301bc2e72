"""A folder of bundles, or a copy of what a remote source has published."""

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.rollout.model_store import FolderStore, MirroredStore, fingerprint, open_model_store
from service.rollout.sources.source import SourceUnreachable
from tests.bundles import write_table_bundle
from tests.publishers import WebPublisher, publish_index, web_server
from tests.servers import serving
from vitrine import bundle
from vitrine.bundle import InvalidBundle


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[WebPublisher]:
    """A web server with one version."""
    write_table_bundle(tmp_path / "remote")
    with web_server(tmp_path / "remote") as server:
        found = WebPublisher(tmp_path / "remote", server)
        found.publish()
        yield found


def mirrored_store(
    publisher: WebPublisher, tmp_path: Path, *, every_seconds: float = 0.0
) -> MirroredStore:
    """Open a copy of what is published."""
    return MirroredStore(publisher.url, tmp_path / "cache", every_seconds=every_seconds)


def until_listed(store: FolderStore, versions: list[int]) -> None:
    """Wait until the copy has these versions."""
    for _ in range(2000):
        if store.list_versions().get("rooms") == versions:
            return
        threading.Event().wait(0.005)
    raise AssertionError(store.list_versions())


def test_folder_needs_no_refreshing(tmp_path: Path) -> None:
    write_table_bundle(tmp_path, version=2)
    store = open_model_store(str(tmp_path), cache="", watch_seconds=1)

    store.refresh(wait=True)

    assert (store.list_versions(), store.fetch_failures()) == ({"rooms": [2]}, {})


def test_absent_folder_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle, match="cannot be read: No such file or directory"):
        FolderStore(tmp_path / "absent").list_versions()


def test_version_whose_manifest_says_so_answers_only_by_number(tmp_path: Path) -> None:
    write_table_bundle(tmp_path)
    second = write_table_bundle(tmp_path, version=2, default=False)
    store = FolderStore(tmp_path)
    assert store.by_number(store.list_versions()) == {("rooms", 2)}

    manifest = second / bundle.MANIFEST_NAME
    manifest.write_bytes(manifest.read_bytes().replace(b'"default": false', b'"default": true'))

    assert store.by_number(store.list_versions()) == frozenset()


def test_copy_is_made_when_it_is_waited_for(publisher: WebPublisher, tmp_path: Path) -> None:
    store = open_model_store(publisher.url, cache=str(tmp_path / "cache"), watch_seconds=1)

    store.refresh(wait=True)

    assert store.list_versions() == {"rooms": [1]}
    assert tmp_path / "cache" in store.folder.parents


def test_copies_of_two_sources_have_folders_of_their_own(
    publisher: WebPublisher, tmp_path: Path
) -> None:
    other = MirroredStore(f"{publisher.url}/other", tmp_path / "cache", every_seconds=0)

    assert other.folder != mirrored_store(publisher, tmp_path).folder


def test_copy_is_made_meanwhile_when_it_is_not_waited_for(
    publisher: WebPublisher, tmp_path: Path
) -> None:
    store = mirrored_store(publisher, tmp_path)
    store.refresh(wait=True)
    (write_table_bundle(publisher.folder, version=2) / bundle.ONNX_NAME).unlink()
    write_table_bundle(publisher.folder, version=3)
    publisher.publish()

    store.refresh(wait=False)

    until_listed(store, [1, 3])
    with store._lock:
        assert list(store.fetch_failures()["rooms"]) == [2]


def test_source_is_not_asked_again_too_soon(publisher: WebPublisher, tmp_path: Path) -> None:
    store = mirrored_store(publisher, tmp_path, every_seconds=3600)
    store.refresh(wait=True)
    write_table_bundle(publisher.folder, version=2)
    publisher.publish()

    store.refresh(wait=False)

    with store._lock:
        assert store.list_versions() == {"rooms": [1]}


def test_unreachable_source_leaves_the_copy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_table_bundle(tmp_path / "remote")
    with web_server(tmp_path / "remote") as server:
        publisher = WebPublisher(tmp_path / "remote", server)
        publisher.publish()
        store = mirrored_store(publisher, tmp_path)
        store.refresh(wait=True)

    with pytest.raises(SourceUnreachable):
        store.refresh(wait=True)
    for _ in range(3):
        store._update_meanwhile()

    assert store.list_versions() == {"rooms": [1]}
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
    publisher: WebPublisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--timeout 1")
    publisher.server.delay_seconds = 1.2  # of each answer, and there are several

    with serving(models=publisher.url, cache=tmp_path / "cache", workers=1) as server:
        assert server.seconds_to_ready > 3


def test_server_serves_and_updates_what_is_published(
    publisher: WebPublisher, tmp_path: Path
) -> None:
    with serving(models=publisher.url, cache=tmp_path / "cache", workers=2) as server:
        write_table_bundle(publisher.folder, version=2)
        damaged = write_table_bundle(publisher.folder, version=3)
        (damaged / bundle.ONNX_NAME).write_bytes(b"other")
        publish_index(publisher.folder)
        with closing(server.connect()) as connection:
            connection.request("POST", "/models/rooms/load")
            refused = connection.getresponse()
            problem = refused.read()
            connection.request("GET", "/models/rooms")
            described = connection.getresponse().read()

    assert (refused.status, b"model.onnx" in problem) == (409, True)
    assert b'"versions":[1,2]' in described
