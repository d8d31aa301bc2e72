"""Tables by their names or files."""

from pathlib import Path

import pytest

from training.datasets.embedded_tables import find_table
from training.errors import CannotTrain


def test_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match=r"There is no file missing\.csv\.$"):
        find_table("missing.csv", ["y"], tmp_path)


def test_table_with_a_typing_error_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match=r"There is no file wnie\. Did you mean 'wine'\?"):
        find_table("wnie", [], tmp_path)
