"""The texts of the card of a table."""

import re
from pathlib import Path

import pytest

from tests.training.conftest import TINY, table_config, write_rents
from training.architectures.table_inputs import date_columns
from training.datasets.column_kinds import Overrides
from training.datasets.tables import TableParts, load_table
from training.distillation.transfer_set import (
    build_transfer_set,
)
from training.experiments import tables
from vitrine import bundle


@pytest.fixture(scope="module")
def parts(many_rents: Path) -> TableParts:
    """The made-up rents, split."""
    return load_table(many_rents, ["rent"], Overrides(), seed=0)


def test_card_of_a_table_too_small_to_calibrate_says_so(small_table_bundle: Path) -> None:
    card = (small_table_bundle / "CARD.md").read_text()

    section = card.split("## How far to trust it\n")[1].split("\n## ")[0]
    assert section.strip() == (
        "96 rows are too few to set some of them aside for calibration. The model predicts values "
        "alone, without intervals."
    )


def test_card_says_how_good_the_ensemble_is(table_bundle: Path, parts: TableParts) -> None:
    transfer = build_transfer_set(
        parts.train.rows,
        parts.train.y,
        seed=0,
        dates=date_columns(parts.specs),
        config=TINY.distillation,
    )

    card = " ".join((table_bundle / "CARD.md").read_text().split())
    stated = re.search(r"own RMSE on rows that it had not learned from is (.+?)\. ", card)

    assert stated is not None
    assert transfer.residuals is not None
    assert float(stated[1]) == pytest.approx(transfer.residuals.rmse, rel=0.01)


def test_card_names_columns_left_out(table_bundle: Path) -> None:
    card = (table_bundle / "CARD.md").read_text()

    assert "| row | row number |" in card
    assert "| note | near-unique text: 640 different in 640 rows |" in card
    assert bundle.read_manifest(table_bundle).ignored_columns.keys() == {"row", "flat id", "note"}


def test_likely_leak_is_named_on_the_card_and_kept(tmp_path: Path) -> None:
    file = write_rents(tmp_path / "rents.csv", rows=60)
    lines = file.read_text().splitlines()
    with_leak = [f"{lines[0]},paid", *(f"{line},{line.rsplit(',', 1)[1]}" for line in lines[1:])]
    file.write_text("\n".join(with_leak))

    folder = tables.train(table_config(file, tmp_path / "models"))

    assert "| paid | alone explains 100.00% of the target |" in (folder / "CARD.md").read_text()
    assert "paid" in {spec.name for spec in bundle.read_manifest(folder).signature.inputs}
