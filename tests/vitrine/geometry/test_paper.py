"""The paper is subtracted from a picture, whatever light falls on it."""

import numpy as np
import pytest

from tests.pictures import coverage, painted, shaded
from vitrine.geometry.paper import differences_from_paper

BARE = painted(np.zeros((120, 100)))


def test_paper_is_estimated_in_four_ways() -> None:
    differences = list(differences_from_paper(BARE.astype(np.float32)))

    assert [difference.shape for difference in differences] == [(120, 100, 3)] * 4


def test_smooth_light_is_paper_in_every_way() -> None:
    y, x = np.linspace(-1, 1, 120)[:, np.newaxis], np.linspace(-1, 1, 100)
    light = 0.8 + 0.1 * x + 0.05 * y * y

    for difference in differences_from_paper((BARE * light[..., np.newaxis]).astype(np.float32)):
        assert np.abs(difference).mean() < 2


def test_soft_shadow_is_paper_in_the_last_way() -> None:
    *_, difference = differences_from_paper(shaded(BARE).astype(np.float32))

    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize("way", range(4))
def test_ink_is_not_taken_for_paper(way: int) -> None:
    ink = coverage("7", side=120)

    difference = list(differences_from_paper(painted(ink).astype(np.float32)))[way]

    assert np.abs(difference[ink == 1]).mean() > 150
    assert np.abs(difference[ink == 0]).mean() < 2
