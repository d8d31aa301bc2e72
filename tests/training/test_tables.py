"""The table network: what it takes, what hidden values train, and the smallest tables."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service import bundle, repository
from service.bundle import MISSING_CODE, OTHER_CODE
from tests.training.conftest import TINY, table_config, write_rents
from training.architectures import by_column, table_network
from training.columns import Overrides
from training.datasets import Rows, TableParts, load_table
from training.distillation import Lesson
from training.experiments import tables
from training.experiments.tables import Batches


@pytest.fixture(scope="module")
def parts(rents: Path) -> TableParts:
    """The made-up rents, split."""
    return load_table(rents, "rent", Overrides(), test_share=0.2, seed=0)


def test_network_takes_blanks_and_unknown_categories(parts: TableParts) -> None:
    rows_network = table_network(parts.train.rows, parts.train.y, parts.specs)
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


def test_network_costs_what_it_may(table_bundle: Path) -> None:
    manifest = bundle.read_manifest(table_bundle)

    assert 0.8 * TINY.multiply_adds < manifest.multiply_adds <= 35_000


@pytest.mark.parametrize("keep", ["numbers", "categories"])
def test_network_of_one_kind_of_column(parts: TableParts, keep: str) -> None:
    specs = tuple(spec for spec in parts.specs if (spec.dtype == "int32") == (keep != "numbers"))
    rows = parts.train.rows
    rows = (
        Rows(rows.numbers, rows.categories[:, :0])
        if keep == "numbers"
        else Rows(rows.numbers[:, :0], rows.categories)
    )

    network = table_network(rows, parts.train.y, specs)

    assert network.predict(rows.tensors(), verbose=0)["value"].shape == (len(rows), 1)


def test_batches_hide_numbers_and_categories(parts: TableParts) -> None:
    lesson = Lesson(parts.train.rows, parts.train.y, [], 0.0, [])
    recipe = replace(TINY, hidden_rows=0.5, hidden_values=0.5, batch_size=len(parts.train))

    inputs, target = Batches(lesson, recipe, seed=0)[0]

    seen = parts.train.rows
    assert np.isnan(inputs["numbers"]).mean() > np.isnan(seen.numbers).mean() + 0.1
    hidden = np.isin(inputs["categories"], [MISSING_CODE, OTHER_CODE])
    assert 0.1 < hidden.mean() < 0.5
    assert set(inputs["categories"][hidden]) == {MISSING_CODE, OTHER_CODE}
    assert target.shape == (len(parts.train), 1)


def test_thirty_rows_are_enough(tmp_path: Path) -> None:
    file = write_rents(tmp_path / "rents.csv", rows=30)

    folder = tables.train(table_config(file, tmp_path / "models"))

    manifest = bundle.read_manifest(folder)
    assert manifest.origin.split == {"train": 20, "validation": 4, "calibration": 0, "test": 6}
    assert manifest.calibration == ()
    assert "too small to calibrate" in (folder / "CARD.md").read_text()


def test_card_names_columns_left_out(table_bundle: Path) -> None:
    card = (table_bundle / "CARD.md").read_text()

    assert "| row | row number |" in card
    assert "| note | near-unique text: 120 different in 120 rows |" in card
    assert bundle.read_manifest(table_bundle).ignored_columns.keys() == {"row", "flat id", "note"}


def test_likely_leak_is_named_on_the_card_and_kept(tmp_path: Path) -> None:
    file = write_rents(tmp_path / "rents.csv", rows=60)
    lines = file.read_text().splitlines()
    with_leak = [f"{lines[0]},paid", *(f"{line},{line.rsplit(',', 1)[1]}" for line in lines[1:])]
    file.write_text("\n".join(with_leak))

    folder = tables.train(table_config(file, tmp_path / "models"))

    assert "| paid | alone explains 100.00% of the target |" in (folder / "CARD.md").read_text()
    assert "paid" in {spec.name for spec in bundle.read_manifest(folder).signature.inputs}


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
        for part in (parts.train, parts.validation, parts.test)
        for row in np.stack([part.instances[name] for name in columns], axis=1)
    }

    assert not golden & real


def test_served_model_warns_of_what_it_did_not_see(table_bundle: Path) -> None:
    model = repository.load_version(table_bundle, threads=1)
    instances = {
        "size [m2]": np.array([70.0], dtype=np.float32),
        "built": np.array([np.nan], dtype=np.float32),
        "district": np.array(["moon"], dtype=object),
    }

    warnings = model.predict(instances).warnings[0]

    assert any("built is blank" in text for text in warnings)
    assert any("'moon' is not a category" in text for text in warnings)
