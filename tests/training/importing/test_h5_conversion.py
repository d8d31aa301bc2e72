"""Files of the old format are converted."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.training.importing.conftest import digits, import_file, predict, softmax_network
from training.errors import CannotTrain
from training.importing.h5_conversion import convert
from training.importing.options import ImportOptions


@pytest.mark.parametrize("config", [h5py.Empty("f"), np.int64(2**40)], ids=["empty", "number"])
def test_h5_file_whose_configuration_is_no_text_is_refused(tmp_path: Path, config: object) -> None:
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        file.attrs["model_config"] = config

    with pytest.raises(CannotTrain, match="not JSON"):
        convert(tmp_path / "bad.h5", tmp_path / "converted.keras")


def test_h5_file_is_imported(tmp_path: Path) -> None:
    network = softmax_network()
    network.save(tmp_path / "own.h5")

    folder = import_file(tmp_path / "own.h5", tmp_path / "models", ImportOptions(levels="0-1"))

    expected = network.predict(digits()[..., 0] / 255, verbose=0)
    assert predict(folder, {"image": digits()}) == pytest.approx(expected, abs=1e-5)
