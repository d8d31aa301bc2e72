"""Both kinds of place are real servers; what is published there is made by code."""

import datetime
import ipaddress
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.rollout import sources
from service.rollout.sources import SourceUnreachable, open_source
from tests.bundles import write_table_bundle
from tests.places import (
    S3Place,
    WebPlace,
    WebServer,
    ask_for_credentials,
    s3_server,
    web_server,
)
from tests.servers import ROOT
from vitrine import bundle

Place = WebPlace | S3Place
TIMEOUT_SECONDS = 5.0


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def amazon(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The variables that name the S3 server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return s3


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A folder with one version, which is to be published."""
    folder = tmp_path / "remote"
    write_table_bundle(folder)
    return folder


@pytest.fixture
def web(remote: Path) -> Iterator[WebServer]:
    (remote / sources.INDEX_NAME).write_bytes(sources.index(remote))
    with web_server(remote) as server:
        yield server


@pytest.fixture(params=["web", "s3"])
def place(request: pytest.FixtureRequest, remote: Path) -> Place:
    made: Place
    if request.param == "web":
        made = WebPlace(remote, request.getfixturevalue("web"))
    else:
        made = S3Place(remote, request.getfixturevalue("amazon"), f"b-{uuid4()}")
    made.publish()
    return made


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def mirror(place: Place, cache: Path) -> sources.Refused:
    return open_source(place.url, timeout_seconds=TIMEOUT_SECONDS).mirror(cache)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != sources.INDEX_NAME
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


@pytest.mark.parametrize(
    ("models", "remote"),
    [
        ("s3://bucket/models", True),
        ("https://host/models", True),
        ("http://host/models", True),
        ("models", False),
        ("/s3/https", False),
        ("file:///models", False),
        ("http", False),
    ],
)
def test_place_is_told_from_folder_by_its_scheme(models: str, remote: bool) -> None:
    assert sources.is_remote(models) is remote


@pytest.mark.parametrize("url", ["ftp://host/x", "https://", "https://host/x?token=secret", "s3:"])
def test_impossible_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SourceUnreachable, match=r"must be s3://") as caught:
        open_source(url, timeout_seconds=1)
    assert "secret" not in str(caught.value)


def test_published_versions_are_fetched(place: Place, cache: Path) -> None:
    write_table_bundle(place.folder, version=12)
    place.publish()

    assert mirror(place, cache) == {}
    assert contents(cache) == contents(place.folder)
    assert bundle.versions(cache, "rooms") == [1, 12]


def test_only_named_files_are_fetched(place: Place, cache: Path) -> None:
    (place.folder / "rooms" / "1" / "CARD.md").touch()
    place.publish()

    mirror(place, cache)

    assert not (cache / "rooms" / "1" / "CARD.md").exists()


def test_version_is_fetched_once(remote: Path, web: WebServer, cache: Path) -> None:
    source = open_source(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)
    source.mirror(cache)
    web.fetched.clear()

    source.mirror(cache)

    assert web.fetched == ["/index.json"]


def test_new_process_fetches_nothing_that_is_cached(web: WebServer, cache: Path) -> None:
    open_source(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS).mirror(cache)
    web.fetched.clear()

    open_source(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS).mirror(cache)

    assert web.fetched == ["/index.json", "/rooms/1/manifest.json"]


def test_new_version_is_fetched_and_old_one_stays(place: Place, cache: Path) -> None:
    source = open_source(place.url, timeout_seconds=TIMEOUT_SECONDS)
    source.mirror(cache)
    before = (cache / "rooms" / "1").stat().st_ino
    write_table_bundle(place.folder, version=2)
    place.publish()

    assert source.mirror(cache) == {}
    assert bundle.versions(cache, "rooms") == [1, 2]
    assert (cache / "rooms" / "1").stat().st_ino == before


def test_removed_version_is_removed(place: Place, cache: Path) -> None:
    write_table_bundle(place.folder, "attics")
    place.publish()
    source = open_source(place.url, timeout_seconds=TIMEOUT_SECONDS)
    source.mirror(cache)
    (place.folder / "rooms").rename(place.folder.parent / "gone")
    place.publish()

    source.mirror(cache)

    assert bundle.names(cache) == ["attics"]
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
    place: Place, cache: Path, body: bytes | None, reason: str
) -> None:
    write_table_bundle(place.folder, "suites")
    edit_file(place.folder, "model.onnx", body)
    place.publish()

    refused = mirror(place, cache)

    assert list(refused) == ["rooms"]
    assert list(refused["rooms"]) == [1]
    assert re.fullmatch(reason, refused["rooms"][1])
    assert bundle.names(cache) == ["suites"]
    assert [path.name for path in cache.iterdir()] == ["suites"]


def test_corrupted_file_is_refused(place: Place, cache: Path) -> None:
    body = (place.folder / "rooms" / "1" / "model.onnx").read_bytes()
    edit_file(place.folder, "model.onnx", body[:-1] + bytes([body[-1] ^ 1]))
    place.publish()

    reason = mirror(place, cache)["rooms"][1]

    assert reason == "model.onnx does not have the bytes that were published."


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", "/x", "a\\b", "a\0b", "x" * 256])
def test_file_name_that_leaves_the_folder_is_refused(
    web: WebServer, remote: Path, cache: Path, name: str
) -> None:
    rename_in_manifest(remote, "model.onnx", name)

    reason = mirror(WebPlace(remote, web), cache)["rooms"][1]

    assert reason.endswith("leaves the folder.")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"format": 99}', b" " * (2**24 + 1)], ids=len)
def test_manifest_that_cannot_be_read_is_refused(place: Place, cache: Path, body: bytes) -> None:
    edit_file(place.folder, "manifest.json", body)
    place.publish()

    reason = mirror(place, cache)["rooms"][1]

    assert str(cache) not in reason
    assert reason.endswith(".")


def test_version_larger_than_the_disk_is_refused(web: WebServer, remote: Path, cache: Path) -> None:
    version = remote / "rooms" / "1"
    manifest = bundle.read_manifest(version)
    huge = {**manifest.files, "huge": bundle.File(sha256="0" * 64, size_bytes=2**60)}
    bundle.write_manifest(msgspec.structs.replace(manifest, files=huge), version)

    assert "the cache folder has" in mirror(WebPlace(remote, web), cache)["rooms"][1]


def test_half_uploaded_version_is_fetched_once_complete(place: Place, cache: Path) -> None:
    network = (place.folder / "rooms" / "1" / "model.onnx").read_bytes()
    edit_file(place.folder, "model.onnx", None)
    place.publish()
    source = open_source(place.url, timeout_seconds=TIMEOUT_SECONDS)
    refused = source.mirror(cache)
    (place.folder / "rooms" / "1" / "model.onnx").write_bytes(network)
    place.publish()

    assert list(refused["rooms"]) == [1]
    assert source.mirror(cache) == {}
    assert contents(cache) == contents(place.folder)


def test_refused_version_is_not_fetched_again_unless_it_changes(
    web: WebServer, remote: Path, cache: Path
) -> None:
    edit_file(remote, "model.onnx", b"short")
    source = open_source(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)
    first = source.mirror(cache)
    web.fetched.clear()

    assert source.mirror(cache) == first
    assert "/rooms/1/model.onnx" not in web.fetched


def test_version_published_again_replaces_the_cached_one(place: Place, cache: Path) -> None:
    source = open_source(place.url, timeout_seconds=TIMEOUT_SECONDS)
    source.mirror(cache)
    version = place.folder / "rooms" / "1"
    manifest = bundle.read_manifest(version)
    bundle.write_manifest(msgspec.structs.replace(manifest, target="another"), version)
    place.publish()

    assert source.mirror(cache) == {}
    assert bundle.read_manifest(cache / "rooms" / "1").target == "another"


def test_strange_names_in_a_listing_are_passed_over(
    web: WebServer, remote: Path, cache: Path
) -> None:
    index = b'{"models": {"rooms": [1, 0, -1, "2", 1.5, true, null], "../up": [1], "a/b": [1]}}'
    (remote / sources.INDEX_NAME).write_bytes(index)
    source = open_source(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)

    assert source.mirror(cache) == {}
    assert bundle.names(cache) == ["rooms"]


def test_strange_keys_in_a_bucket_are_passed_over(amazon: str, remote: Path, cache: Path) -> None:
    for odd in ("rooms/latest", "rooms/01", ".hidden/1", "deep/er/1", "."):
        (remote / odd).mkdir(parents=True, exist_ok=True)
        (remote / odd / "manifest.json").touch()
    place = S3Place(remote, amazon, f"b-{uuid4()}")
    place.publish()

    assert mirror(place, cache) == {}
    assert [path.name for path in cache.rglob("manifest.json")] == ["manifest.json"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"models": [1]}', b"\xff"], ids=repr)
def test_malformed_index_leaves_the_cache_as_it_is(
    web: WebServer, remote: Path, cache: Path, body: bytes
) -> None:
    mirror(WebPlace(remote, web), cache)
    (remote / sources.INDEX_NAME).write_bytes(body)

    with pytest.raises(SourceUnreachable, match=r"index.json is malformed"):
        mirror(WebPlace(remote, web), cache)
    assert bundle.names(cache) == ["rooms"]


def test_index_lists_what_is_published(remote: Path) -> None:
    write_table_bundle(remote, version=10)

    assert sources.index(remote) == b'{"models":{"rooms":[1,10]}}\n'


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
            open_source(url, timeout_seconds=1).mirror(cache)
    assert bundle.names(cache) == ["rooms"]


@pytest.mark.parametrize("scheme", ["http", "s3"])
def test_server_that_stalls_is_given_up(
    amazon: str, web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    web.stalls = True
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{web.host}")
    url = "s3://bucket/models" if scheme == "s3" else f"http://{web.host}/models"
    started = time.monotonic()

    with pytest.raises(SourceUnreachable, match="cannot be read"):
        open_source(url, timeout_seconds=0.5).mirror(cache)
    assert time.monotonic() - started < 15


def test_status_of_a_broken_server_is_told(web: WebServer, remote: Path, cache: Path) -> None:
    web.status = 503

    with pytest.raises(SourceUnreachable, match=r"cannot be read: it answers 503\.$"):
        mirror(WebPlace(remote, web), cache)


def test_missing_bucket_leaves_the_cache_as_it_is(amazon: str, cache: Path) -> None:
    write_table_bundle(cache)

    with pytest.raises(SourceUnreachable, match=r"^s3://nowhere/models cannot be read: .*\.$"):
        open_source("s3://nowhere/models", timeout_seconds=TIMEOUT_SECONDS).mirror(cache)
    assert bundle.names(cache) == ["rooms"]


def test_empty_prefix_leaves_the_cache_as_it_is(amazon: str, remote: Path, cache: Path) -> None:
    write_table_bundle(cache)
    place = S3Place(remote, amazon, f"b-{uuid4()}")

    with pytest.raises(SourceUnreachable, match="nothing is there"):
        mirror(place, cache)
    assert bundle.names(cache) == ["rooms"]


def test_wrong_credentials_are_told_without_being_shown(
    amazon: str, remote: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = S3Place(remote, amazon, f"b-{uuid4()}")
    place.publish()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
    ask_for_credentials(amazon, after="0")
    try:
        with pytest.raises(SourceUnreachable, match="AWS error") as caught:
            mirror(place, cache)
    finally:
        ask_for_credentials(amazon, after="inf")
    assert "sesame" not in str(caught.value)


def test_requests_are_unsigned_only_when_asked_for(
    web: WebServer, amazon: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{web.host}")
    web.status = 400
    for unsigned in ("", "YES"):
        monkeypatch.setenv("AWS_NO_SIGN_REQUEST", unsigned)
        with pytest.raises(SourceUnreachable):
            open_source("s3://bucket/x", timeout_seconds=TIMEOUT_SECONDS).mirror(cache)

    assert ["authorization" in {key.lower() for key in sent} for sent in web.headers] == [
        True,
        False,
    ]


def test_login_is_sent_and_not_shown(web: WebServer, cache: Path) -> None:
    url = f"http://ada:p%40ss@{web.host}"
    open_source(url, timeout_seconds=TIMEOUT_SECONDS).mirror(cache)
    web.status = 500

    with pytest.raises(SourceUnreachable) as caught:
        open_source(url, timeout_seconds=TIMEOUT_SECONDS).mirror(cache)
    assert web.headers[0]["Authorization"] == "Basic YWRhOnBAc3M="
    assert web.headers[0]["User-Agent"] == "vitrine"
    assert "ada" not in str(caught.value)


def test_login_does_not_follow_to_another_host(web: WebServer, tmp_path: Path, cache: Path) -> None:
    with web_server(tmp_path) as other:
        other.redirect_to = f"http://{web.host}"
        url = f"http://ada:secret@{other.host}"
        open_source(url, timeout_seconds=TIMEOUT_SECONDS).mirror(cache)

    assert bundle.names(cache) == ["rooms"]
    assert all("Authorization" in sent for sent in other.headers)
    assert not any("Authorization" in sent for sent in web.headers)


@pytest.mark.parametrize("target", ["file://", "ftp://127.0.0.1"])
def test_redirect_to_another_scheme_is_refused(
    web: WebServer, remote: Path, cache: Path, target: str
) -> None:
    web.redirect_to = target

    with pytest.raises(SourceUnreachable, match="it answers 302"):
        mirror(WebPlace(remote, web), cache)


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    return path


@pytest.fixture
def tls(tmp_path: Path, remote: Path) -> Iterator[tuple[WebServer, Path]]:
    (remote / sources.INDEX_NAME).write_bytes(sources.index(remote))
    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with web_server(remote, context) as server:
        yield server, path


def test_trusted_certificate_is_accepted(
    tls: tuple[WebServer, Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, path = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    assert open_source(f"https://{server.host}", timeout_seconds=5).mirror(cache) == {}
    assert bundle.names(cache) == ["rooms"]


def test_unknown_certificate_is_refused(tls: tuple[WebServer, Path], cache: Path) -> None:
    with pytest.raises(SourceUnreachable, match=r"cannot be read: self-signed certificate\.$"):
        open_source(f"https://{tls[0].host}", timeout_seconds=5).mirror(cache)


def test_redirect_from_https_to_http_is_refused(
    tls: tuple[WebServer, Path], web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, path = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    server.redirect_to = f"http://{web.host}"

    with pytest.raises(SourceUnreachable, match="it answers 302"):
        open_source(f"https://{server.host}", timeout_seconds=5).mirror(cache)
    assert web.fetched == []


def test_only_old_leftovers_are_removed(place: Place, cache: Path) -> None:
    old, young, other = cache / f".{'a' * 32}", cache / f".{'b' * 32}", cache / ".keep"
    for folder in (old, young, other):
        folder.mkdir(parents=True)
    hours_ago = time.time() - 2 * 3600
    for folder in (old, other):
        os.utime(folder, (hours_ago, hours_ago))

    mirror(place, cache)

    assert [folder.exists() for folder in (old, young, other)] == [False, True, True]


_USES = """
import contextlib, sys, threading
from pathlib import Path
from service.rollout.sources import SourceUnreachable, open_source
source = open_source(sys.argv[1], timeout_seconds=5)
source.mirror(Path(sys.argv[2]))
def again():
    with contextlib.suppress(SourceUnreachable):  # as it is when the process has ended it
        while True:
            source.mirror(Path(sys.argv[2]))
if sys.argv[3] == "busy":
    threading.Thread(target=again, daemon=True).start()
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_process_that_used_s3_ends_quietly(
    amazon: str, remote: Path, cache: Path, state: str
) -> None:
    place = S3Place(remote, amazon, f"b-{uuid4()}")
    place.publish()

    finished = subprocess.run(
        [sys.executable, "-c", _USES, place.url, cache, state],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=20,
    )

    assert (finished.returncode, finished.stdout, finished.stderr) == (0, b"", b"")
    assert bundle.names(cache) == ["rooms"]
