"""The refusal of a network that Keras cannot load."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.training.importing.conftest import softmax_network
from training.errors import CannotTrain
from training.importing.keras_files import open_network


def test_refusal_gives_the_reason_and_not_what_was_read(tmp_path: Path) -> None:
    softmax_network().save(tmp_path / "own.keras")
    with ZipFile(tmp_path / "own.keras") as honest, ZipFile(tmp_path / "bad.keras", "w") as bad:
        config = honest.read("config.json").decode().replace('"units": 10', '"units": "ten"')
        bad.writestr("config.json", config)

    with pytest.raises(CannotTrain, match=r"cannot be opened by Keras [\d.]+: .*positive integer"):
        open_network(tmp_path / "bad.keras")
