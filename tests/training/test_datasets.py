"""Where pictures come from, that they are what was published, and how all data is split."""

import csv
import gzip
import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from tests.training.conftest import set_of
from training.columns import Overrides
from training.datasets.found import Found
from training.datasets.pictures import PICTURE_SETS, PictureParts, PictureSet, load_pictures
from training.datasets.published import Place, Published
from training.datasets.tables import load_table
from training.errors import CannotTrain
from vitrine.signature import CategoryInput, DateInput, NumberInput


def unreachable(url: str) -> bytes:
    """Stand for a machine without network."""
    raise URLError(url)


def load(pictures: PictureSet, data: Path, *, seed: int = 0) -> PictureParts:
    """Load from a folder; nothing may be downloaded."""
    return load_pictures(pictures, data=data, cache=Path(), seed=seed, fetch=unreachable)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that VITRINE_DATA names; once named, it must be there."""
    folder = os.environ.get("VITRINE_DATA")
    if not folder:
        pytest.skip("VITRINE_DATA names no folder")
    return Path(folder)


def synthetic(count: int) -> PictureSet:
    """Make a set of so many pictures of nothing, and six for the test."""

    def read(_place: Place) -> Found:
        x = np.arange(count + 6, dtype=np.uint16).view(np.uint8).reshape(-1, 1, 1, 2)
        y = np.arange(count + 6) % 2
        labels = ("even", "odd")
        return Found(x=x[6:], y=y[6:], test_x=x[:6], test_y=y[:6], labels=labels, sha256="")

    return PictureSet(
        name="numbers", geometry="fit", target="class", shows="numbers", test="is too", read=read
    )


SPLITS = {
    "large": (2400, (2000, 100, 200, 100)),
    "small": (600, (500, 25, 50, 25)),
    "the least that calibrates": (300, (200, 25, 50, 25)),
    "too few to calibrate": (299, (262, 37, 0, 0)),
    "two": (2, (1, 1, 0, 0)),
}


@pytest.mark.parametrize(("count", "sizes"), SPLITS.values(), ids=SPLITS)
def test_small_set_spares_more_of_its_pictures_or_none(count: int, sizes: tuple[int, ...]) -> None:
    parts = load(synthetic(count), Path())

    names = ("train", "validation", "calibration", "held_out", "test")
    assert parts.sizes == dict(zip(names, (*sizes, 6), strict=True))
    whole = (parts.train, parts.validation, parts.calibration, parts.held_out)
    together = np.concatenate([part.x for part in whole])
    assert len(np.unique(together.reshape(count, -1), axis=0)) == count


def test_split_follows_the_seed(drawn_set: PictureSet, idx_folder: Path) -> None:
    first, again, other = (load(drawn_set, idx_folder, seed=seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.train.x, again.train.x)
    assert not np.array_equal(first.train.x, other.train.x)
    np.testing.assert_array_equal(first.test.x, other.test.x)


def test_limit_takes_part_of_the_training_file(drawn_set: PictureSet, idx_folder: Path) -> None:
    parts = load_pictures(
        drawn_set, data=idx_folder, cache=Path(), seed=0, limit=72, fetch=unreachable
    )

    assert parts.sizes == {
        "train": 63,
        "calibration": 0,
        "validation": 9,
        "held_out": 0,
        "test": 40,
    }


def test_missing_file_is_named_with_how_to_give_it(drawn_set: PictureSet, tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match=r"drawn/train-images\.gz is missing: .*--data or VIT"):
        load(drawn_set, tmp_path)


def test_offline_without_files_is_said_in_one_sentence(
    drawn_set: PictureSet, tmp_path: Path
) -> None:
    with pytest.raises(CannotTrain) as raised:
        load_pictures(drawn_set, data=None, cache=tmp_path, seed=0, fetch=unreachable)

    assert str(raised.value) == (
        "train-images.gz of drawn is not here and cannot be downloaded: give a folder that holds "
        "drawn/train-images.gz with --data DIR or VITRINE_DATA, or connect to the internet."
    )


def test_file_with_other_content_is_refused(drawn_files: Published, idx_folder: Path) -> None:
    other = replace(
        drawn_files, files=dict.fromkeys(drawn_files.files, hashlib.sha256().hexdigest())
    )

    with pytest.raises(CannotTrain, match="does not hold what was published as drawn/train-images"):
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
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        if "first" in url:
            raise URLError(url)
        return (idx_folder / "drawn" / url.rsplit("/", 1)[1]).read_bytes()

    load_pictures(drawn_set, data=None, cache=tmp_path, seed=0, fetch=fetch)
    load_pictures(drawn_set, data=None, cache=tmp_path, seed=0, fetch=unreachable)

    assert len(asked) == 8
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == set(drawn_files.files)


def test_download_with_other_content_is_refused_and_not_kept(
    drawn_set: PictureSet, tmp_path: Path
) -> None:
    with pytest.raises(CannotTrain, match="does not hold what was published"):
        load_pictures(
            drawn_set,
            data=None,
            cache=tmp_path,
            seed=0,
            fetch=lambda _url: gzip.compress(b"something else"),
        )

    assert list(tmp_path.iterdir()) == []


def test_mnist_is_split_into_50_000_and_5_000_and_twice_2_500(real_data: Path) -> None:
    parts = load(PICTURE_SETS["mnist"], real_data)

    assert parts.sizes == {
        "train": 50_000,
        "calibration": 5_000,
        "validation": 2_500,
        "held_out": 2_500,
        "test": 10_000,
    }


def test_table_test_part_is_that_of_scikit_learn(rents: Path) -> None:
    parts = load_table(rents, ["rent"], Overrides(), seed=0)
    with rents.open() as stream:
        rows = list(csv.DictReader(stream))

    _, expected = train_test_split(rows, test_size=0.2, random_state=42)

    np.testing.assert_allclose(parts.test.y, [float(row["rent"]) for row in expected], rtol=1e-6)


def test_table_seed_changes_the_other_parts_alone(rents: Path) -> None:
    first, other = (load_table(rents, ["rent"], Overrides(), seed=seed) for seed in (0, 1))

    np.testing.assert_array_equal(first.test.y, other.test.y)
    assert set(first.train.y) != set(other.train.y)


def test_small_table_has_no_calibration_part(rents: Path) -> None:
    parts = load_table(rents, ["rent"], Overrides(), seed=0)

    assert parts.sizes == {"train": 84, "validation": 12, "calibration": 0, "test": 24}


def test_larger_table_spares_an_eighth_of_the_rest_twice(many_rents: Path) -> None:
    parts = load_table(many_rents, ["rent"], Overrides(), seed=0)

    assert parts.sizes == {"train": 384, "validation": 64, "calibration": 64, "test": 128}


def test_table_parts_are_kept_apart(many_rents: Path) -> None:
    parts = load_table(many_rents, ["rent"], Overrides(categorical=("row",)), seed=0)

    several = (parts.train, parts.validation, parts.calibration, parts.test)
    rows = np.concatenate([part.instances["row"] for part in several])
    assert sorted(map(int, rows)) == list(range(1, 641))


def test_rows_without_a_target_are_not_used(tmp_path: Path) -> None:
    lines = [f"{value},{value if value % 4 else ''}" for value in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines]))

    parts = load_table(tmp_path / "t.csv", ["b"], Overrides(numeric=("a",)), seed=0)

    assert sum(parts.sizes.values()) == 30
    assert parts.unusable == 10


def test_table_columns_become_specs(rents: Path) -> None:
    parts = load_table(rents, ["rent"], Overrides(), seed=0)

    kinds = {spec.name: type(spec) for spec in parts.specs}
    assert kinds == {"size [m2]": NumberInput, "built": DateInput, "district": CategoryInput}
    assert set(parts.left_out) == {"row", "flat id", "note"}


TABLE_FAULTS: Mapping[str, tuple[str, str]] = {
    "no target": ("a,b\n1,2\n", "There is no column 'rent'"),
    "text among numbers": (
        "a,rent\n1,much\n" + "".join(f"1,{rent}\n" for rent in range(30)),
        "needs a numeric target: 'rent' in data row 1",
    ),
    "constant target": ("a,rent\n" + "1,2\n" * 30, "'rent' has the same value in every row"),
    "few rows": ("a,rent\n" + "1,2\n" * 19, "At least 20 rows must have a value in 'rent'"),
    "one column twice": ("a,a,rent\n1,2,3\n", "'a'"),
    "ragged": ("a,rent\n1,2\n1,2,3\n", "t.csv"),
    "empty": ("", "The body is empty"),
}


@pytest.mark.parametrize(("text", "message"), TABLE_FAULTS.values(), ids=TABLE_FAULTS)
def test_table_that_cannot_be_learned_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)

    with pytest.raises(CannotTrain, match=message):
        load_table(tmp_path / "t.csv", ["rent"], Overrides(), seed=0)


def test_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match="cannot be read: No such file"):
        load_table(tmp_path / "t.csv", ["rent"], Overrides(), seed=0)
