"""The data of a study: what is found, what is refused, how it is split."""

from pathlib import Path

import pytest

from training.errors import CannotTrain
from training.studies.data import DataSelection, load_study_data


def test_embedded_table_needs_no_target() -> None:
    data = load_study_data(DataSelection(data="wine"))

    assert (data.learning_task.task, data.learning_task.classes) == ("multiclass", 3)
    assert data.reading_options["target"] == ("cultivar",)
    assert sum(data.sizes.values()) == 178


def test_file_without_target_is_refused(rents: Path) -> None:
    with pytest.raises(CannotTrain, match="--target must name the column"):
        load_study_data(DataSelection(data=str(rents)))


def test_target_of_pictures_is_refused() -> None:
    with pytest.raises(
        CannotTrain, match="--target is for tables, but digits8x8 is a set of pictures"
    ):
        load_study_data(DataSelection(data="digits8x8", targets=("digit",)))


def test_pictures_that_a_training_would_spare_validate() -> None:
    data = load_study_data(DataSelection(data="digits8x8", limit=480))

    assert data.learning_task.classes == 10
    assert sum(data.sizes[name] for name in ("train", "validation")) == 480
    assert data.validation.x.shape[1:] == data.train.x.shape[1:]
