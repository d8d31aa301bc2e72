"""Pictures of a folder or a bucket: which fault is that of a picture, and which is not."""

from uuid import uuid4

import pytest

from tests.fakes import picture
from vitrine.scoring.job import CannotScore
from vitrine.scoring.picture_files import PictureFiles
from vitrine.scoring.storage import Bucket, Storage


def test_missing_picture_of_a_bucket_is_one_fault(storage: Storage) -> None:
    paths = [f"{number:02}.png" for number in range(40)]
    for path in paths:
        if path != "20.png":
            with storage.writing(path) as stream:
                stream.write(picture())

    blocks = list(PictureFiles(storage, paths, "image", max_pixels=10_000))

    assert sum(block.rows for block in blocks) == 40
    (error,) = [error for block in blocks for error in block.errors.values()]
    assert error.startswith(f"{storage.url}/20.png cannot be read: ")


def test_file_larger_than_any_picture_is_a_fault_and_is_not_read(storage: Storage) -> None:
    with storage.writing("film.mov") as stream:
        stream.truncate(2**24 + 8 * 10_000 + 1)

    (block,) = PictureFiles(storage, ["film.mov"], "image", max_pixels=10_000)

    assert block.errors == {0: "The file has 16857217 bytes; a picture may have at most 16857216."}


def test_bucket_that_fails_is_no_fault_of_a_picture(
    amazon: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    unreachable = Bucket(f"s3://bucket/{uuid4()}")

    with pytest.raises(CannotScore, match="AWS error"):
        list(PictureFiles(unreachable, ["a.png"], "image", max_pixels=10_000))
