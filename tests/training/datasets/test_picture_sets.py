"""Picture sets by their names."""

from pathlib import Path

import pytest

from training.datasets.picture_sets import (
    find_picture_set,
)
from training.errors import CannotTrain


def test_what_is_neither_set_nor_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match=r"SET must be .*mnist.* or a folder"):
        find_picture_set(str(tmp_path / "missing"), size=32)
