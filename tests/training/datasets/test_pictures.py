"""Picture sets are split by seed, and small sets keep fewer parts."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.datasets.conftest import load, unreachable
from training.datasets.picture_data import PictureData
from training.datasets.picture_sets import PICTURE_SETS, PictureSet
from training.datasets.pictures import load_pictures
from training.datasets.published import Location


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that VITRINE_DATA names; once named, it must be there."""
    folder = os.environ.get("VITRINE_DATA")
    if not folder:
        pytest.skip("VITRINE_DATA names no folder")
    return Path(folder)


def synthetic(count: int) -> PictureSet:
    """Make a set of so many pictures of nothing, and six for the test."""

    def read(_place: Location) -> PictureData:
        x = np.arange(count + 6, dtype=np.uint16).view(np.uint8).reshape(-1, 1, 1, 2)
        y = np.arange(count + 6) % 2
        labels = ("even", "odd")
        return PictureData(x=x[6:], y=y[6:], test_x=x[:6], test_y=y[:6], labels=labels, sha256="")

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


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(2400, (2100, 4, 200, 100)), (299, (299, 4, 0, 0))],
    ids=["large", "too few to calibrate"],
)
def test_given_pictures_validate_and_no_others(count: int, sizes: tuple[int, ...]) -> None:
    read = synthetic(count).read(Location(None, Path(), unreachable))
    given = replace(read, validation=(read.test_x[:4], read.test_y[:4]))

    parts = load(replace(synthetic(count), read=lambda _: given), Path())

    names = ("train", "validation", "calibration", "held_out", "test")
    assert parts.sizes == dict(zip(names, (*sizes, 6), strict=True))
    np.testing.assert_array_equal(parts.validation.x, read.test_x[:4])


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


def test_mnist_is_split_into_50_000_and_5_000_and_twice_2_500(real_data: Path) -> None:
    parts = load(PICTURE_SETS["mnist"], real_data)

    assert parts.sizes == {
        "train": 50_000,
        "calibration": 5_000,
        "validation": 2_500,
        "held_out": 2_500,
        "test": 10_000,
    }
