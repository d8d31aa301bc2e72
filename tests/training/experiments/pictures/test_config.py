"""The hyper-parameters of every architecture."""

from pathlib import Path

import pytest

from tests.training.experiments.pictures.conftest import config
from training.commands.images import ARCHITECTURES
from training.datasets.picture_sets import (
    PICTURE_SETS,
)
from training.experiments.pictures.config import RECIPES, with_enough_steps


def test_rate_that_is_reduced_follows_no_schedule(tmp_path: Path) -> None:
    source = PICTURE_SETS["mnist"]

    asked = config(source, tmp_path, reduce_patience=2, patience=3, augmented=False)

    assert config(source, tmp_path).recipe.decays
    assert (asked.recipe.decays, asked.recipe.augmented) == (False, False)
    assert (asked.callbacks.patience, asked.callbacks.reduce_patience) == (3, 2)


@pytest.mark.parametrize(
    ("instances", "batch_size"), [(50_000, 128), (1200, 60), (40, 16)], ids=["many", "some", "few"]
)
def test_few_pictures_are_learned_in_small_steps(
    tmp_path: Path, instances: int, batch_size: int
) -> None:
    asked = config(PICTURE_SETS["mnist"], tmp_path)

    assert with_enough_steps(asked, instances).recipe.batch_size == batch_size


def test_every_architecture_has_a_recipe() -> None:
    assert set(RECIPES) == set(ARCHITECTURES)
