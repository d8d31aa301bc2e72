"""The lowest score of a network that is published."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.conftest import picture_config
from training.datasets.picture_sets import PictureSet
from training.errors import CannotTrain
from training.experiments import pictures
from training.publishing.acceptance import require_score


def test_score_below_the_least_is_refused() -> None:
    with pytest.raises(CannotTrain, match=r"must be at least 0\.9\. Received: 0\.89"):
        require_score(0.89, 0.9, measure="accuracy")


def test_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(CannotTrain, match="Received: nan"):
        require_score(float("nan"), 0.9, measure="R2")


@pytest.mark.parametrize("least", [None, 0.9])
def test_good_score_is_accepted(least: float | None) -> None:
    require_score(0.9, least, measure="accuracy")


def test_training_below_the_least_score_publishes_nothing(
    drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    config = replace(
        picture_config(drawn_set, idx_folder, tmp_path), architecture="mlp", min_score=1.01
    )

    with pytest.raises(CannotTrain, match="validation accuracy must be at least 1"):
        pictures.train(config)

    assert list(tmp_path.iterdir()) == []
