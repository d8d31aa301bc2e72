"""The loss of a saved network is read as text."""

import json
from pathlib import Path
from zipfile import ZipFile

import h5py
import pytest

from training.importing.saved_losses import Loss, read_loss

LOSSES: dict[str, tuple[object, Loss | None]] = {
    "name": ("categorical_crossentropy", Loss("categorical_crossentropy")),
    "function": (
        {"module": "builtins", "class_name": "function", "config": "mse"},
        Loss("mse"),
    ),
    "class": (
        {
            "module": "keras.losses",
            "class_name": "SparseCategoricalCrossentropy",
            "config": {"from_logits": True},
        },
        Loss("sparse_categorical_crossentropy", from_logits=True),
    ),
    "of the only output": ({"price": "mae"}, Loss("mae")),
    "in a list": (["mae"], Loss("mae")),
    "of two outputs": ({"price": "mae", "size": "mse"}, None),
    "none": (None, None),
}


@pytest.mark.parametrize(("saved", "loss"), LOSSES.values(), ids=LOSSES)
def test_loss_is_read_from_a_keras_file(tmp_path: Path, saved: object, loss: Loss | None) -> None:
    with ZipFile(tmp_path / "own.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"compile_config": {"loss": saved}}))

    assert read_loss(tmp_path / "own.keras") == loss


def test_loss_is_read_from_an_h5_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file.attrs["training_config"] = json.dumps({"loss": "mae"})

    assert read_loss(tmp_path / "own.h5") == Loss("mae")


def test_network_that_was_never_compiled_has_no_loss(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "own.h5", "w"):
        pass

    assert read_loss(tmp_path / "own.h5") is None
