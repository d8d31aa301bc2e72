"""Batches in which values are hidden."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import TINY
from training.datasets.column_kinds import Overrides
from training.datasets.tables import TableParts, load_table
from training.distillation.transfer_set import TransferSet
from training.experiments.tables.distilled import MaskedBatches
from vitrine.signature import MISSING_CODE, OTHER_CODE


@pytest.fixture(scope="module")
def parts(many_rents: Path) -> TableParts:
    """The made-up rents, split."""
    return load_table(many_rents, ["rent"], Overrides(), seed=0)


def test_batches_hide_numbers_and_categories(parts: TableParts) -> None:
    rows, y = parts.train.rows, parts.train.y
    transfer = TransferSet(rows, y, pairs=[], member_weights=[], residuals=None)
    recipe = replace(TINY, masked_rows=0.5, masked_values=0.5, batch_size=len(parts.train))

    inputs, target = MaskedBatches(transfer, y[:, np.newaxis], recipe, seed=0)[0]

    seen = parts.train.rows
    assert np.isnan(inputs["numbers"]).mean() > np.isnan(seen.numbers).mean() + 0.1
    hidden = np.isin(inputs["categories"], [MISSING_CODE, OTHER_CODE])
    assert 0.1 < hidden.mean() < 0.5
    assert set(inputs["categories"][hidden]) == {MISSING_CODE, OTHER_CODE}
    assert target.shape == (len(parts.train), 1)
