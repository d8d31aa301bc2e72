"""CSV files that cannot be read."""

from pathlib import Path

import pytest

from training.datasets.column_kinds import Overrides
from training.datasets.tables import load_table
from training.errors import CannotTrain


def test_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match="cannot be read: No such file"):
        load_table(tmp_path / "t.csv", ["rent"], Overrides(), seed=0)
