"""The network that learns a table from a transfer set."""

from pathlib import Path

import numpy as np
import pytest

from training.architectures.heads import ValueHead
from training.architectures.table_inputs import by_column
from training.architectures.tables import table_network
from training.datasets.column_kinds import Overrides
from training.datasets.tables import Rows, TableParts, load_table
from vitrine.signature import MISSING_CODE, OTHER_CODE


@pytest.fixture(scope="module")
def parts(many_rents: Path) -> TableParts:
    """The made-up rents, split."""
    return load_table(many_rents, ["rent"], Overrides(), seed=0)


def test_network_takes_blanks_and_unknown_categories(parts: TableParts) -> None:
    rows_network = table_network(parts.train.rows, parts.specs, ValueHead.of(parts.train.y))
    network = by_column(rows_network, parts.specs)

    feeds = {
        spec.tensor: np.array(
            [[np.nan], [np.nan]] if spec.dtype == "float32" else [[MISSING_CODE], [OTHER_CODE]],
            dtype=spec.dtype,
        )
        for spec in parts.specs
    }
    values = network.predict(feeds, verbose=0)["value"]

    assert values.shape == (2, 1)
    assert np.isfinite(values).all()
    assert values[0] != values[1]


@pytest.mark.parametrize("keep", ["numbers", "categories"])
def test_network_of_one_kind_of_column(parts: TableParts, keep: str) -> None:
    specs = tuple(spec for spec in parts.specs if (spec.dtype == "int32") == (keep != "numbers"))
    rows = parts.train.rows
    rows = (
        Rows(rows.numbers, rows.categories[:, :0])
        if keep == "numbers"
        else Rows(rows.numbers[:, :0], rows.categories)
    )

    network = table_network(rows, specs, ValueHead.of(parts.train.y))

    assert network.predict(rows.tensors(), verbose=0)["value"].shape == (len(rows), 1)
