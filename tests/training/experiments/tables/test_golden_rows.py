"""Rows made by code."""

from pathlib import Path

import numpy as np
import pytest

from training.datasets.column_kinds import Overrides
from training.datasets.tables import TableParts, load_table
from vitrine import bundle


@pytest.fixture(scope="module")
def parts(many_rents: Path) -> TableParts:
    """The made-up rents, split."""
    return load_table(many_rents, ["rent"], Overrides(), seed=0)


def test_golden_rows_hold_blanks_and_unknown_categories(table_bundle: Path) -> None:
    instances, expected = bundle.read_golden(table_bundle)

    assert np.isnan(instances["size [m2]"]).any()
    assert None in instances["district"]
    assert "never seen" in instances["district"]
    assert expected.shape == (12,)


def test_golden_rows_are_no_rows_of_the_table(table_bundle: Path, parts: TableParts) -> None:
    instances, _ = bundle.read_golden(table_bundle)
    columns = ("size [m2]", "built")
    golden = {tuple(row) for row in np.stack([instances[name] for name in columns], axis=1)}
    real = {
        tuple(row)
        for part in (parts.train, parts.validation, parts.calibration, parts.test)
        for row in np.stack([part.instances[name] for name in columns], axis=1)
    }

    assert not golden & real
