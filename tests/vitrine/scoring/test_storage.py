"""Folders and buckets: the same files in both, and what is said where they cannot be reached."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.fakes import picture, table
from tests.publishers import S3Publisher
from tests.scoring import joined, parts_of, scored
from vitrine.scoring.job import CannotScore
from vitrine.scoring.storage import Bucket, Folder, Storage


def write(storage: Storage, path: str, body: bytes) -> None:
    """Write a file."""
    with storage.writing(path) as stream:
        stream.write(body)


def test_files_are_listed_in_the_order_of_their_paths(storage: Storage) -> None:
    for path in ("b", "a/c", "a-b", "a/b/d"):
        write(storage, path, path.encode())

    assert [file.path for file in storage.files()] == ["a-b", "a/b/d", "a/c", "b"]
    assert [file.size_bytes for file in storage.files()] == [3, 5, 3, 1]


def test_links_are_followed_and_those_that_lead_nowhere_are_not(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"a")
    for name, target in {"b": "a", "loop": "loop", "self": ".", "gone": "missing"}.items():
        (tmp_path / "in" / name).symlink_to(target)

    assert [file.path for file in Folder(str(tmp_path / "in")).files()] == ["a", "b"]


def test_file_is_read_from_where_it_is_asked_for(storage: Storage) -> None:
    write(storage, "a", b"0123456789")

    with storage.open("a") as stream:
        stream.seek(4)
        assert (stream.read(2), stream.tell(), stream.read()) == (b"45", 6, b"6789")


def test_file_that_was_not_ended_well_does_not_appear(storage: Storage) -> None:
    def fail(writing: AbstractContextManager[object]) -> None:
        with writing:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail(storage.writing("a"))
    assert storage.describe("a") is None
    assert storage.files() == []


def test_missing_file_is_named(storage: Storage) -> None:
    with pytest.raises(CannotScore, match=rf"^{storage.url}/a cannot be read: "), storage.open("a"):
        pass


def test_removed_file_is_gone(storage: Storage) -> None:
    write(storage, "a", b"")

    storage.remove("a")

    assert storage.describe("a") is None


def test_bucket_that_is_not_there_is_named(amazon: str) -> None:
    with pytest.raises(CannotScore, match=r"^s3://nowhere/x/a cannot be written: AWS error \w+"):
        write(Bucket("s3://nowhere/x"), "a", b"")


@pytest.mark.parametrize("kind", ["rooms", "strokes"])
def test_bucket_is_scored_into_a_bucket_as_a_folder_into_a_folder(
    models: Path, source: Path, output: Path, amazon: str, kind: str
) -> None:
    write_input: dict[str, Callable[[Path], object]] = {
        "rooms": lambda folder: (folder / "rows.csv").write_bytes(table(2000, bad=[1500])),
        "strokes": lambda folder: (folder / "a.png").write_bytes(picture()),
    }
    write_input[kind](source)
    publisher = S3Publisher(source, amazon, f"b-{uuid4()}")
    publisher.publish()
    version, target = models / kind / "1", f"{publisher.url.removesuffix('store/models')}out"

    remote = scored(version, publisher.url, target, part_bytes=4000)
    again = scored(version, publisher.url, target, part_bytes=4000)
    local = scored(version, source, output, part_bytes=4000)

    assert remote.totals == local.totals == again.totals
    assert again.progress.parts == 0
    for path in parts_of(output):
        with Bucket(target).open(path.name) as stream:
            assert stream.read() == path.read_bytes()
    assert joined(output)
