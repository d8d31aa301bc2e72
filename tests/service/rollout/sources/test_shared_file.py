"""A file that many servers read and write: in a folder, in a bucket, on a web server."""

import os
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from service.rollout.sources import folder
from service.rollout.sources.folder import FolderFile
from service.rollout.sources.source import NotWritable, SharedFile, SourceUnreachable
from service.rollout.sources.url import open_shared_file
from tests.publishers import TIMEOUT_SECONDS, S3Publisher, WebServer, require_credentials

NAME = "desired.json"
LIMIT = 100


@pytest.fixture(params=["folder", "s3"])
def models(request: pytest.FixtureRequest, remote: Path) -> str:
    """A store that can be written, with one version."""
    if request.param == "folder":
        return str(remote)
    publisher = S3Publisher(remote, request.getfixturevalue("amazon"), f"b-{uuid4()}")
    publisher.publish()
    return publisher.url


def shared_file(models: str) -> SharedFile:
    """Find the file of a store."""
    return open_shared_file(models, NAME, timeout_seconds=TIMEOUT_SECONDS)


def test_file_is_read_by_others_as_it_was_written_last(models: str) -> None:
    writer, reader = shared_file(models), shared_file(models)
    assert reader.read(LIMIT) is None

    for body in (b"one", b"two", b"six"):  # as long, and within one second
        writer.write(body)
        assert (reader.read(LIMIT), reader.read(LIMIT)) == (body, body)


def test_no_more_is_read_than_tells_that_it_is_too_much(models: str) -> None:
    file = shared_file(models)
    file.write(b"x" * (LIMIT + 50))

    assert len(file.read(LIMIT) or b"") == LIMIT + 1


def test_writers_of_a_folder_exclude_each_other(remote: Path) -> None:
    file, order, is_waiting = FolderFile(remote / NAME), [], threading.Event()

    def write() -> None:
        is_waiting.set()
        with FolderFile(remote / NAME).exclusively() as is_alone:
            order.append(("second", is_alone))

    with file.exclusively() as is_alone:
        second = threading.Thread(target=write)
        second.start()
        is_waiting.wait()
        order.append(("first", is_alone))
    second.join()

    assert order == [("first", True), ("second", True)]


def test_bucket_promises_no_exclusion(amazon: str) -> None:
    with shared_file("s3://bucket/models").exclusively() as is_alone:
        assert not is_alone


def test_folder_without_models_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="the models folder is empty; perhaps its disk is lost"):
        FolderFile(tmp_path / NAME).write(b"{}")
    assert list(tmp_path.iterdir()) == []


def test_folder_in_its_place_costs_no_descriptor(remote: Path) -> None:
    (remote / NAME).mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(3):
        with pytest.raises(SourceUnreachable, match=r"cannot be read: Is a directory"):
            FolderFile(remote / NAME).read(LIMIT)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_pipe_in_its_place_is_read_as_nothing(remote: Path) -> None:
    os.mkfifo(remote / NAME)
    descriptor = os.open(remote / NAME, os.O_RDWR)

    assert FolderFile(remote / NAME).read(LIMIT) == b""
    os.close(descriptor)


def test_file_that_fails_to_be_written_leaves_nothing(remote: Path) -> None:
    (remote / NAME).mkdir()

    with pytest.raises(OSError, match="directory"):
        folder.write_whole(remote / NAME, b"{}")

    assert sorted(path.name for path in remote.iterdir()) == [NAME, "rooms"]


def test_folder_in_the_place_of_the_file_is_an_error(remote: Path) -> None:
    (remote / NAME).mkdir()

    with pytest.raises(SourceUnreachable, match=r"^desired\.json in the models folder "):
        FolderFile(remote / NAME).read(LIMIT)


def test_file_in_a_missing_bucket_cannot_be_written(amazon: str) -> None:
    with pytest.raises(SourceUnreachable, match="AWS error NO_SUCH_BUCKET"):
        shared_file("s3://nowhere/models").write(b"{}")


def test_file_that_credentials_do_not_allow_to_write_is_read_only(
    amazon: str, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = S3Publisher(remote, amazon, f"b-{uuid4()}")
    publisher.publish()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
    file = shared_file(publisher.url)
    require_credentials(amazon, after="0")
    try:
        with pytest.raises((NotWritable, SourceUnreachable)) as caught:
            file.write(b"{}")
    finally:
        require_credentials(amazon, after="inf")
    assert "sesame" not in str(caught.value)


def test_file_of_a_web_server_is_read_and_not_written(web: WebServer, remote: Path) -> None:
    file = shared_file(f"http://{web.host}")
    assert file.read(LIMIT) is None
    (remote / NAME).write_bytes(b"{}")

    assert file.read(LIMIT) == b"{}"
    with pytest.raises(NotWritable, match=r"^a web server is only read\. Upload http://"):
        file.exclusively()
    with pytest.raises(NotWritable):
        file.write(b"{}")


def test_web_server_that_fails_is_unreachable(web: WebServer) -> None:
    web.status = 503

    with pytest.raises(SourceUnreachable, match="it answers 503"):
        shared_file(f"http://{web.host}").read(LIMIT)
