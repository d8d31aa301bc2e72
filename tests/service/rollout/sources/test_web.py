"""A web server as a source: its index, logins, redirects and certificates."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.rollout.sources.source import SourceUnreachable
from service.rollout.sources.url import open_mirror
from service.rollout.sources.web import INDEX_NAME, build_index
from tests.bundles import write_table_bundle
from tests.certificates import write_certificate
from tests.publishers import (
    TIMEOUT_SECONDS,
    WebServer,
    publish_index,
    update_cache,
    web_server,
)
from vitrine import bundle


def test_invalid_names_and_versions_in_an_index_are_left_out(
    web: WebServer, remote: Path, cache: Path
) -> None:
    index = b'{"models": {"rooms": [1, 0, -1, "2", 1.5, true, null], "../up": [1], "a/b": [1]}}'
    (remote / INDEX_NAME).write_bytes(index)
    mirror = open_mirror(f"http://{web.host}", timeout_seconds=TIMEOUT_SECONDS)

    assert mirror.update(cache) == {}
    assert list(bundle.list_versions(cache)) == ["rooms"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"models": [1]}', b"\xff"], ids=repr)
def test_malformed_index_leaves_the_cache_as_it_is(
    web: WebServer, remote: Path, cache: Path, body: bytes
) -> None:
    update_cache(f"http://{web.host}", cache)
    (remote / INDEX_NAME).write_bytes(body)

    with pytest.raises(SourceUnreachable, match=r"index.json is malformed"):
        update_cache(f"http://{web.host}", cache)
    assert list(bundle.list_versions(cache)) == ["rooms"]


def test_index_lists_what_is_published(remote: Path) -> None:
    write_table_bundle(remote, version=10)

    assert build_index(remote) == b'{"models":{"rooms":[1,10]}}\n'


def test_status_of_a_broken_server_is_reported(web: WebServer, remote: Path, cache: Path) -> None:
    web.status = 503

    with pytest.raises(SourceUnreachable, match=r"cannot be read: it answers 503\.$"):
        update_cache(f"http://{web.host}", cache)


def test_login_is_sent_and_not_shown(web: WebServer, cache: Path) -> None:
    url = f"http://ada:p%40ss@{web.host}"
    update_cache(url, cache)
    web.status = 500

    with pytest.raises(SourceUnreachable) as caught:
        update_cache(url, cache)
    assert web.headers[0]["Authorization"] == "Basic YWRhOnBAc3M="
    assert web.headers[0]["User-Agent"] == "vitrine"
    assert "ada" not in str(caught.value)


def test_login_does_not_follow_to_another_host(web: WebServer, tmp_path: Path, cache: Path) -> None:
    with web_server(tmp_path) as other:
        other.redirect_to = f"http://{web.host}"
        url = f"http://ada:secret@{other.host}"
        update_cache(url, cache)

    assert list(bundle.list_versions(cache)) == ["rooms"]
    assert all("Authorization" in sent for sent in other.headers)
    assert not any("Authorization" in sent for sent in web.headers)


@pytest.mark.parametrize("target", ["file://", "ftp://127.0.0.1"])
def test_redirect_to_another_scheme_is_refused(
    web: WebServer, remote: Path, cache: Path, target: str
) -> None:
    web.redirect_to = target

    with pytest.raises(SourceUnreachable, match="it answers 302"):
        update_cache(f"http://{web.host}", cache)


@pytest.fixture
def tls(tmp_path: Path, remote: Path) -> Iterator[tuple[WebServer, Path]]:
    publish_index(remote)
    path = tmp_path / "server.pem"
    write_certificate(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with web_server(remote, context) as server:
        yield server, path


def test_trusted_certificate_is_accepted(
    tls: tuple[WebServer, Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, path = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    assert open_mirror(f"https://{server.host}", timeout_seconds=5).update(cache) == {}
    assert list(bundle.list_versions(cache)) == ["rooms"]


def test_unknown_certificate_is_refused(tls: tuple[WebServer, Path], cache: Path) -> None:
    with pytest.raises(SourceUnreachable, match=r"cannot be read: self-signed certificate\.$"):
        open_mirror(f"https://{tls[0].host}", timeout_seconds=5).update(cache)


def test_redirect_from_https_to_http_is_refused(
    tls: tuple[WebServer, Path], web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, path = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    server.redirect_to = f"http://{web.host}"

    with pytest.raises(SourceUnreachable, match="it answers 302"):
        open_mirror(f"https://{server.host}", timeout_seconds=5).update(cache)
    assert web.fetched == []
