"""Published files are found or downloaded, and verified."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.training.conftest import set_of
from tests.training.datasets.conftest import load, unreachable
from training.datasets.picture_sets import PictureSet
from training.datasets.pictures import load_pictures
from training.datasets.published import Published
from training.errors import CannotTrain


def test_missing_file_is_named_with_how_to_give_it(drawn_set: PictureSet, tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match=r"drawn/train-images\.gz is missing\. .*--data or VIT"):
        load(drawn_set, tmp_path)


def test_offline_without_files_is_refused_in_one_sentence(
    drawn_set: PictureSet, tmp_path: Path
) -> None:
    with pytest.raises(CannotTrain) as raised:
        load_pictures(drawn_set, data=None, cache=tmp_path, seed=0, fetch=unreachable)

    assert str(raised.value) == (
        "train-images.gz of drawn is not on this machine and cannot be downloaded. Connect to the "
        "internet, or give a folder that contains drawn/train-images.gz with --data DIR or "
        "VITRINE_DATA."
    )


def test_file_with_other_content_is_refused(drawn_files: Published, idx_folder: Path) -> None:
    other = replace(
        drawn_files, files=dict.fromkeys(drawn_files.files, hashlib.sha256().hexdigest())
    )

    with pytest.raises(CannotTrain, match="differs from what was published as drawn/train-images"):
        load(set_of(other), idx_folder)


@pytest.mark.parametrize(
    "body", [b"not packed", gzip.compress(bytes(999))[:-5]], ids=["other", "cut"]
)
def test_file_that_is_not_whole_is_refused(
    drawn_set: PictureSet, tmp_path: Path, body: bytes
) -> None:
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "train-images.gz").write_bytes(body)

    with pytest.raises(CannotTrain, match="is not a complete gzip file"):
        load(drawn_set, tmp_path)


def test_packing_does_not_matter(
    drawn_set: PictureSet, drawn_files: Published, idx_folder: Path, tmp_path: Path
) -> None:
    for name in drawn_files.files:
        body = gzip.decompress((idx_folder / "drawn" / name).read_bytes())
        (tmp_path / "drawn").mkdir(exist_ok=True)
        (tmp_path / "drawn" / name).write_bytes(gzip.compress(body, compresslevel=1, mtime=1))

    assert load(drawn_set, tmp_path).sha256 == load(drawn_set, idx_folder).sha256


def test_download_falls_back_to_the_next_mirror_and_is_kept(
    drawn_set: PictureSet, drawn_files: Published, idx_folder: Path, tmp_path: Path
) -> None:
    requested: list[str] = []

    def fetch(url: str) -> bytes:
        requested.append(url)
        if "first" in url:
            raise URLError(url)
        return (idx_folder / "drawn" / url.rsplit("/", 1)[1]).read_bytes()

    load_pictures(drawn_set, data=None, cache=tmp_path, seed=0, fetch=fetch)
    load_pictures(drawn_set, data=None, cache=tmp_path, seed=0, fetch=unreachable)

    assert len(requested) == 8
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == set(drawn_files.files)


def test_download_with_other_content_is_refused_and_not_kept(
    drawn_set: PictureSet, tmp_path: Path
) -> None:
    with pytest.raises(CannotTrain, match="differs from what was published"):
        load_pictures(
            drawn_set,
            data=None,
            cache=tmp_path,
            seed=0,
            fetch=lambda _url: gzip.compress(b"something else"),
        )

    assert list(tmp_path.iterdir()) == []
