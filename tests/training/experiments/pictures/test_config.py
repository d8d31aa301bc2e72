"""The hyper-parameters of every architecture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.experiments.pictures.conftest import config
from training.commands.images import ARCHITECTURES
from training.datasets.picture_sets import (
    PICTURE_SETS,
)
from training.experiments.pictures.config import RECIPES, PictureConfig, with_enough_steps


def usual(tmp_path: Path) -> PictureConfig:
    """Describe a training in which the recipe decides the number of epochs."""
    return replace(config(PICTURE_SETS["cifar10"], tmp_path), epochs=None)


def test_rate_that_is_reduced_follows_no_schedule(tmp_path: Path) -> None:
    source = PICTURE_SETS["mnist"]

    asked = config(source, tmp_path, reduce_patience=2, patience=3, augmented=False)

    assert config(source, tmp_path).recipe.decays
    assert (asked.recipe.decays, asked.recipe.augmented) == (False, False)
    assert (asked.callbacks.patience, asked.callbacks.reduce_patience) == (3, 2)


@pytest.mark.parametrize(
    ("instances", "batch_size", "epochs"),
    [(50_000, 128, 20), (8300, 128, 39), (1200, 60, 125), (380, 19, 125), (40, 16, 834)],
    ids=["all", "many", "some", "few", "very few"],
)
def test_few_pictures_are_learned_in_smaller_and_in_enough_steps(
    tmp_path: Path, instances: int, batch_size: int, epochs: int
) -> None:
    recipe = with_enough_steps(usual(tmp_path), instances).recipe

    assert (recipe.batch_size, recipe.epochs) == (batch_size, epochs)
    assert recipe.patience == 8 * epochs // 20
    assert recipe.calm_epochs == 4 * epochs // 20


@pytest.mark.parametrize("architecture", sorted(RECIPES))
def test_all_of_mnist_is_learned_in_the_epochs_of_the_recipe(
    tmp_path: Path, architecture: str
) -> None:
    described = replace(
        config(PICTURE_SETS["mnist"], tmp_path), architecture=architecture, epochs=None
    )

    assert with_enough_steps(described, 50_000).recipe.epochs == described.recipe.epochs


def test_rate_falls_with_the_root_of_the_batch_size(tmp_path: Path) -> None:
    assert replace(usual(tmp_path), batch_size=128).recipe.learning_rate == 3e-3
    assert replace(usual(tmp_path), batch_size=32).recipe.learning_rate == 1.5e-3


@pytest.mark.parametrize(
    ("asked", "first"), [({}, 10), ({"patience": 2}, 0), ({"architecture": "mlp"}, 0)], ids=str
)
def test_last_half_of_the_epochs_is_considered_of_changed_pictures(
    tmp_path: Path, asked: dict[str, Any], first: int
) -> None:
    assert replace(usual(tmp_path), **asked).callbacks.start_from_epoch == first


@pytest.mark.parametrize("asked", [{"batch_size": 64}, {"epochs": 3}, {"patience": 2}], ids=str)
def test_what_is_asked_is_done_however_few_pictures_there_are(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    recipe = with_enough_steps(replace(usual(tmp_path), **asked), 40).recipe

    assert {name: getattr(recipe, name) for name in asked} == asked


def test_last_epochs_are_never_more_than_all(tmp_path: Path) -> None:
    assert replace(usual(tmp_path), epochs=3).recipe.calm_epochs == 0


def test_every_architecture_has_a_recipe() -> None:
    assert set(RECIPES) == set(ARCHITECTURES)
