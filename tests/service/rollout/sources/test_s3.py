"""A bucket as a source: its keys, credentials and failures."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from service.rollout.sources.source import SourceUnreachable
from tests.bundles import write_table_bundle
from tests.publishers import S3Publisher, WebServer, require_credentials, update_cache
from tests.servers import ROOT
from vitrine import bundle


def test_keys_of_no_version_are_left_out(amazon: str, remote: Path, cache: Path) -> None:
    for odd in ("rooms/latest", "rooms/01", ".hidden/1", "deep/er/1", "."):
        (remote / odd).mkdir(parents=True, exist_ok=True)
        (remote / odd / "manifest.json").touch()
    publisher = S3Publisher(remote, amazon, f"b-{uuid4()}")
    publisher.publish()

    assert update_cache(publisher.url, cache) == {}
    assert [path.name for path in cache.rglob("manifest.json")] == ["manifest.json"]


def test_missing_bucket_leaves_the_cache_as_it_is(amazon: str, cache: Path) -> None:
    write_table_bundle(cache)

    with pytest.raises(SourceUnreachable, match=r"^s3://nowhere/models cannot be read: .*\.$"):
        update_cache("s3://nowhere/models", cache)
    assert list(bundle.list_versions(cache)) == ["rooms"]


def test_empty_prefix_leaves_the_cache_as_it_is(amazon: str, remote: Path, cache: Path) -> None:
    write_table_bundle(cache)
    publisher = S3Publisher(remote, amazon, f"b-{uuid4()}")

    with pytest.raises(SourceUnreachable, match="nothing is there"):
        update_cache(publisher.url, cache)
    assert list(bundle.list_versions(cache)) == ["rooms"]


def test_wrong_credentials_are_reported_without_being_shown(
    amazon: str, remote: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = S3Publisher(remote, amazon, f"b-{uuid4()}")
    publisher.publish()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
    require_credentials(amazon, after="0")
    try:
        with pytest.raises(SourceUnreachable, match="AWS error") as caught:
            update_cache(publisher.url, cache)
    finally:
        require_credentials(amazon, after="inf")
    assert "sesame" not in str(caught.value)


def test_requests_are_unsigned_only_when_asked_for(
    web: WebServer, amazon: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{web.host}")
    web.status = 400
    for unsigned in ("", "YES"):
        monkeypatch.setenv("AWS_NO_SIGN_REQUEST", unsigned)
        with pytest.raises(SourceUnreachable):
            update_cache("s3://bucket/x", cache)

    assert ["authorization" in {key.lower() for key in sent} for sent in web.headers] == [
        True,
        False,
    ]


_USE_S3 = """
import contextlib, sys, threading
from pathlib import Path
from service.rollout.sources.source import SourceUnreachable
from service.rollout.sources.url import open_mirror
mirror = open_mirror(sys.argv[1], timeout_seconds=5)
mirror.update(Path(sys.argv[2]))
def again():
    with contextlib.suppress(SourceUnreachable):  # the process is ending
        while True:
            mirror.update(Path(sys.argv[2]))
if sys.argv[3] == "busy":
    threading.Thread(target=again, daemon=True).start()
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_process_that_used_s3_ends_quietly(
    amazon: str, remote: Path, cache: Path, state: str
) -> None:
    publisher = S3Publisher(remote, amazon, f"b-{uuid4()}")
    publisher.publish()

    finished = subprocess.run(
        [sys.executable, "-c", _USE_S3, publisher.url, cache, state],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=20,
    )

    assert (finished.returncode, finished.stdout, finished.stderr) == (0, b"", b"")
    assert list(bundle.list_versions(cache)) == ["rooms"]
