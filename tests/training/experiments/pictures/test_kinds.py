"""What depends on the kind of pictures."""

import numpy as np
import pytest

from training.datasets.picture_sets import (
    PICTURE_SETS,
)
from training.experiments.pictures.kinds import PICTURE_KINDS, PictureKind


@pytest.mark.parametrize("kind", PICTURE_KINDS.values(), ids=PICTURE_KINDS)
def test_augmented_pictures_keep_their_shape_and_follow_the_generator(kind: PictureKind) -> None:
    side, channels = (28, 1) if kind is PICTURE_KINDS["digit"] else (32, 3)
    pictures = np.random.default_rng(0).integers(0, 256, (6, side, side, channels)).astype(np.uint8)
    kept, codes = pictures.copy(), np.arange(6)

    first, again = (kind.augment(pictures, codes, np.random.default_rng(1)) for _ in range(2))

    assert first.shape == pictures.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(pictures, kept)
    assert not np.array_equal(first, pictures)


@pytest.mark.parametrize("kind", PICTURE_KINDS.values(), ids=PICTURE_KINDS)
@pytest.mark.parametrize("side", [24, 28, 96])
def test_network_takes_pictures_of_any_side(kind: PictureKind, side: int) -> None:
    network = kind.network((side, side, 3), 7)

    assert network.output["probabilities"].shape == (None, 7)
    assert network.output["features"].shape[1] >= 128


def test_every_set_has_a_kind() -> None:
    assert {each.target for each in PICTURE_SETS.values()} | {"class"} == set(PICTURE_KINDS)
