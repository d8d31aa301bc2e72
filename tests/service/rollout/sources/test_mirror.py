"""A cache folder gets what is published, whole or not at all."""

import os
import re
import socket
import time
from pathlib import Path

import msgspec
import pytest

from service.rollout.sources.source import SourceUnreachable
from service.rollout.sources.url import open_mirror
from service.rollout.sources.web import INDEX_NAME
from tests.bundles import write_report, write_table_bundle
from tests.publishers import TIMEOUT_SECONDS, Publisher, WebServer, publish_index, update_cache
from vitrine import bundle


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != INDEX_NAME
    }


def edit_file(folder: Path, name: str, body: bytes | None) -> None:
    (folder / "rooms" / "1" / name).unlink()
    if body is not None:
        (folder / "rooms" / "1" / name).write_bytes(body)


def rename_in_manifest(folder: Path, old: str, new: str) -> None:
    version = folder / "rooms" / "1"
    manifest = bundle.read_manifest(version)
    files = {new if name == old else name: file for name, file in manifest.files.items()}
    bundle.write_manifest(msgspec.structs.replace(manifest, files=files), version)


def test_published_versions_are_fetched(publisher: Publisher, cache: Path) -> None:
    write_table_bundle(publisher.folder, version=12)
    publisher.publish()

    assert update_cache(publisher.url, cache) == {}
    assert contents(cache) == contents(publisher.folder)
    assert bundle.versions(cache, "rooms") == [1, 12]


def test_only_named_files_are_fetched(publisher: Publisher, cache: Path) -> None:
    (publisher.folder / "rooms" / "1" / "CARD.md").touch()
    publisher.publish()

    update_cache(publisher.url, cache)

    assert not (cache / "rooms" / "1" / "CARD.md").exists()


def test_report_is_fetched_with_its_version(publisher: Publisher, cache: Path) -> None:
    write_report(publisher.folder / "rooms" / "1")
    publisher.publish()

    assert update_cache(publisher.url, cache) == {}
    assert contents(cache) == contents(publisher.folder)


@pytest.mark.parametrize(
    "body", [None, b"short", b"x" * 8, b"x" * 10**5], ids=["missing", "cut", "damaged", "longer"]
)
def test_version_is_fetched_without_a_file_of_its_report(
    publisher: Publisher, cache: Path, body: bytes | None
) -> None:
    write_report(publisher.folder / "rooms" / "1")
    edit_file(publisher.folder, "plots/loss.png", body)
    publisher.publish()

    assert update_cache(publisher.url, cache) == {}

    fetched = contents(cache)
    assert "rooms/1/plots/loss.png" not in fetched
    assert {"rooms/1/CARD.md", "rooms/1/history.csv", "rooms/1/model.onnx"} < fetched.keys()


def test_version_is_fetched_without_a_report_that_the_server_fails_to_send(
    web: WebServer, remote: Path, cache: Path
) -> None:
    write_report(remote / "rooms" / "1")
    web.failing.add("/rooms/1/CARD.md")

    assert update_cache(f"http://{web.host}", cache) == {}
    assert bundle.versions(cache, "rooms") == [1]


def test_version_is_fetched_once(remote: Path, web: WebServer, cache: Path) -> None:
    mirror = open_mirror(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)
    mirror.update(cache)
    web.fetched.clear()

    mirror.update(cache)

    assert web.fetched == ["/index.json"]


def test_new_process_fetches_nothing_that_is_cached(web: WebServer, cache: Path) -> None:
    update_cache(f"http://{web.host}", cache)
    web.fetched.clear()

    update_cache(f"http://{web.host}", cache)

    assert web.fetched == ["/index.json", "/rooms/1/manifest.json"]


def test_new_version_is_fetched_and_old_one_stays(publisher: Publisher, cache: Path) -> None:
    mirror = open_mirror(publisher.url, timeout_seconds=TIMEOUT_SECONDS)
    mirror.update(cache)
    before = (cache / "rooms" / "1").stat().st_ino
    write_table_bundle(publisher.folder, version=2)
    publisher.publish()

    assert mirror.update(cache) == {}
    assert bundle.versions(cache, "rooms") == [1, 2]
    assert (cache / "rooms" / "1").stat().st_ino == before


def test_removed_version_is_removed(publisher: Publisher, cache: Path) -> None:
    write_table_bundle(publisher.folder, "attics")
    publisher.publish()
    mirror = open_mirror(publisher.url, timeout_seconds=TIMEOUT_SECONDS)
    mirror.update(cache)
    (publisher.folder / "rooms").rename(publisher.folder.parent / "gone")
    publisher.publish()

    mirror.update(cache)

    assert list(bundle.list_versions(cache)) == ["attics"]
    assert [path.name for path in cache.iterdir()] == ["attics"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(
            b"short", r"model.onnx has 5 bytes; \d+ bytes were published.", id="truncated"
        ),
        pytest.param(b"x" * 10**5, r"model.onnx has more than \d+ bytes.", id="longer"),
        pytest.param(None, r"model.onnx is (missing|answered with 404).", id="missing"),
    ],
)
def test_damaged_version_is_refused_and_others_are_fetched(
    publisher: Publisher, cache: Path, body: bytes | None, reason: str
) -> None:
    write_table_bundle(publisher.folder, "suites")
    edit_file(publisher.folder, "model.onnx", body)
    publisher.publish()

    refused = update_cache(publisher.url, cache)

    assert list(refused) == ["rooms"]
    assert list(refused["rooms"]) == [1]
    assert re.fullmatch(reason, refused["rooms"][1])
    assert list(bundle.list_versions(cache)) == ["suites"]
    assert [path.name for path in cache.iterdir()] == ["suites"]


def test_corrupted_file_is_refused(publisher: Publisher, cache: Path) -> None:
    body = (publisher.folder / "rooms" / "1" / "model.onnx").read_bytes()
    edit_file(publisher.folder, "model.onnx", body[:-1] + bytes([body[-1] ^ 1]))
    publisher.publish()

    reason = update_cache(publisher.url, cache)["rooms"][1]

    assert reason == "model.onnx does not have the bytes that were published."


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", "/x", "a\\b", "a\0b", "x" * 256])
def test_file_name_that_leaves_the_folder_is_refused(
    web: WebServer, remote: Path, cache: Path, name: str
) -> None:
    rename_in_manifest(remote, "model.onnx", name)

    reason = update_cache(f"http://{web.host}", cache)["rooms"][1]

    assert reason.endswith("leaves the folder.")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"format": 99}', b" " * (2**24 + 1)], ids=len)
def test_manifest_that_cannot_be_read_is_refused(
    publisher: Publisher, cache: Path, body: bytes
) -> None:
    edit_file(publisher.folder, "manifest.json", body)
    publisher.publish()

    reason = update_cache(publisher.url, cache)["rooms"][1]

    assert str(cache) not in reason
    assert reason.endswith(".")


def test_version_larger_than_the_disk_is_refused(web: WebServer, remote: Path, cache: Path) -> None:
    version = remote / "rooms" / "1"
    manifest = bundle.read_manifest(version)
    huge = {**manifest.files, "huge": bundle.File(sha256="0" * 64, size_bytes=2**60)}
    bundle.write_manifest(msgspec.structs.replace(manifest, files=huge), version)

    assert "the cache folder has" in update_cache(f"http://{web.host}", cache)["rooms"][1]


def test_half_uploaded_version_is_fetched_once_complete(publisher: Publisher, cache: Path) -> None:
    network = (publisher.folder / "rooms" / "1" / "model.onnx").read_bytes()
    edit_file(publisher.folder, "model.onnx", None)
    publisher.publish()
    mirror = open_mirror(publisher.url, timeout_seconds=TIMEOUT_SECONDS)
    refused = mirror.update(cache)
    (publisher.folder / "rooms" / "1" / "model.onnx").write_bytes(network)
    publisher.publish()

    assert list(refused["rooms"]) == [1]
    assert mirror.update(cache) == {}
    assert contents(cache) == contents(publisher.folder)


def test_refused_version_is_not_fetched_again_unless_it_changes(
    web: WebServer, remote: Path, cache: Path
) -> None:
    edit_file(remote, "model.onnx", b"short")
    mirror = open_mirror(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)
    first = mirror.update(cache)
    web.fetched.clear()

    assert mirror.update(cache) == first
    assert "/rooms/1/model.onnx" not in web.fetched


def test_version_published_again_replaces_the_cached_one(publisher: Publisher, cache: Path) -> None:
    mirror = open_mirror(publisher.url, timeout_seconds=TIMEOUT_SECONDS)
    mirror.update(cache)
    version = publisher.folder / "rooms" / "1"
    manifest = bundle.read_manifest(version)
    bundle.write_manifest(msgspec.structs.replace(manifest, target="another"), version)
    publisher.publish()

    assert mirror.update(cache) == {}
    assert bundle.read_manifest(cache / "rooms" / "1").target == "another"


@pytest.mark.parametrize("scheme", ["http", "s3"])
def test_server_that_is_down_leaves_the_cache_as_it_is(
    amazon: str, cache: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    write_table_bundle(cache)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}")
        url = "s3://bucket/models" if scheme == "s3" else f"http://{host}/models"

        with pytest.raises(SourceUnreachable, match=r"/models cannot be read: .*\.$"):
            open_mirror(url, timeout_seconds=1).update(cache)
    assert list(bundle.list_versions(cache)) == ["rooms"]


@pytest.mark.parametrize("scheme", ["http", "s3"])
def test_server_that_stalls_is_given_up(
    amazon: str, web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    web.stalls = True
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{web.host}")
    url = "s3://bucket/models" if scheme == "s3" else f"http://{web.host}/models"
    started = time.monotonic()

    with pytest.raises(SourceUnreachable, match="cannot be read"):
        open_mirror(url, timeout_seconds=0.5).update(cache)
    assert time.monotonic() - started < 15


def test_only_old_leftovers_are_removed(publisher: Publisher, cache: Path) -> None:
    old, young, other = cache / f".{'a' * 32}", cache / f".{'b' * 32}", cache / ".keep"
    for folder in (old, young, other):
        folder.mkdir(parents=True)
    hours_ago = time.time() - 2 * 3600
    for folder in (old, other):
        os.utime(folder, (hours_ago, hours_ago))

    update_cache(publisher.url, cache)

    assert [folder.exists() for folder in (old, young, other)] == [False, True, True]


def test_look_at_what_has_not_changed_is_one_request(web: WebServer, cache: Path) -> None:
    mirror = open_mirror(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)
    mirror.update(cache)
    mirror.update(cache)
    web.headers.clear()

    mirror.update(cache, anew=False)

    assert len(web.headers) == 1


def test_refused_version_is_asked_for_without_its_manifest(
    web: WebServer, remote: Path, cache: Path
) -> None:
    edit_file(remote, "model.onnx", b"short")
    mirror = open_mirror(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)
    first = mirror.update(cache)
    web.fetched.clear()

    assert mirror.update(cache, anew=False) == first
    assert web.fetched == ["/index.json"]


def test_new_index_has_every_version_compared(web: WebServer, remote: Path, cache: Path) -> None:
    whole = (remote / "rooms/1/model.onnx").read_bytes()
    edit_file(remote, "model.onnx", b"short")
    mirror = open_mirror(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)
    mirror.update(cache)
    (remote / "rooms/1/model.onnx").write_bytes(whole)
    write_table_bundle(remote, version=2)
    publish_index(remote)

    assert mirror.update(cache, anew=False) == {}
    assert bundle.versions(cache, "rooms") == [1, 2]
