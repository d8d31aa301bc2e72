"""The table network: what it takes, what hidden values train, and the smallest tables."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import TINY, table_config, write_rents
from training.architectures.tables import ValueHead, by_column, date_columns, table_network
from training.datasets.column_kinds import Overrides
from training.datasets.table_splits import Split, split_rows
from training.datasets.tables import Rows, TableParts, load_table
from training.datasets.targets import Target, Targets, Task
from training.distillation import Lesson, prepare_lesson
from training.errors import CannotTrain
from training.experiments import tables
from training.experiments.tables import Batches
from vitrine import bundle, loading
from vitrine.errors import InvalidParameter
from vitrine.signature import MISSING_CODE, OTHER_CODE, CategoryInput


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


def test_network_costs_what_it_may(table_bundle: Path) -> None:
    manifest = bundle.read_manifest(table_bundle)

    assert manifest.signature.quantiles is not None
    assert manifest.multiply_adds is not None
    assert 0.8 * TINY.multiply_adds < manifest.multiply_adds <= TINY.multiply_adds


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


def test_batches_hide_numbers_and_categories(parts: TableParts) -> None:
    rows, y = parts.train.rows, parts.train.y
    lesson = Lesson(rows, y, pairs=[], member_weights=[], unexplained=None)
    recipe = replace(TINY, hidden_rows=0.5, hidden_values=0.5, batch_size=len(parts.train))

    inputs, target = Batches(lesson, y[:, np.newaxis], recipe, seed=0)[0]

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
    assert manifest.calibration is None


def targets_of(labels: str) -> Targets:
    """Return targets of one row a letter, their labels the letters."""
    names = tuple(sorted(set(labels)))
    y = np.array([names.index(label) for label in labels], dtype=np.int64)
    task: Task = "binary" if len(names) == 2 else "multiclass"
    return Targets(Target(task, ("y",), names), y, np.arange(len(y)))


UNSPLITTABLE: dict[str, tuple[str, Split, str]] = {
    "more labels than rows to test": ("abcdefghij" * 4, Split(), "must have 10 of the 40 rows"),
    "hardly any test": ("ab" * 20, Split(test=0.01), "must have 2 of the 40 rows .* Received: 1"),
    "nearly all test": ("ab" * 20, Split(test=0.99), "leave as many.* Received: 40"),
    "nearly all validation": ("ab" * 250, Split(validation=0.9), "10 rows must be left to train"),
    "rare label": ("ab" * 98 + "cccc", Split(validation=0.85), "train has the label 'c'"),
}


@pytest.mark.parametrize(("labels", "split", "message"), UNSPLITTABLE.values(), ids=UNSPLITTABLE)
def test_shares_that_leave_a_part_too_little_are_refused(
    labels: str, split: Split, message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        split_rows(targets_of(labels), split, seed=0)


def test_table_too_small_to_calibrate_gives_the_value_alone(small_table_bundle: Path) -> None:
    manifest = bundle.read_manifest(small_table_bundle)

    assert manifest.calibration is None
    assert [spec.name for spec in manifest.signature.outputs] == ["value"]


def test_card_of_a_table_too_small_to_calibrate_says_so(small_table_bundle: Path) -> None:
    card = (small_table_bundle / "CARD.md").read_text()

    section = card.split("## How far to trust it\n")[1].split("\n## ")[0]
    assert section.strip() == (
        "96 rows are too few to spare some for calibration: it answers with values alone, without "
        "intervals."
    )


def test_table_too_small_to_calibrate_is_answered_without_intervals(
    small_table_bundle: Path,
) -> None:
    model = loading.load_version(small_table_bundle, threads=1)
    instances, expected = bundle.read_golden(small_table_bundle)

    asked = model.trust_options(coverage=None, default=0.9, abstain_below=None)
    predictions = model.predict(instances, asked)

    assert predictions.confidence is None
    assert list(predictions.columns()) == model.columns(asked) == ["prediction"]
    assert len(predictions) == len(expected)


def test_coverage_cannot_be_asked_of_a_table_too_small_to_calibrate(
    small_table_bundle: Path,
) -> None:
    model = loading.load_version(small_table_bundle, threads=1)

    with pytest.raises(InvalidParameter, match="which was not calibrated"):
        model.trust_options(coverage=0.9, default=0.9, abstain_below=None)


def test_calibrated_table_is_answered_with_intervals_around_the_value(table_bundle: Path) -> None:
    model = loading.load_version(table_bundle, threads=1)
    instances, _ = bundle.read_golden(table_bundle)

    narrow, wide = (
        model.predict(
            instances, model.trust_options(coverage=coverage, default=0.9, abstain_below=None)
        ).columns()
        for coverage in (0.5, 0.95)
    )

    in_order = [wide["lower"], narrow["lower"], wide["prediction"], narrow["upper"], wide["upper"]]
    assert (np.diff(in_order, axis=0) > 0).all()


def test_lesson_keeps_what_teachers_leave_unexplained_of_each_true_row(parts: TableParts) -> None:
    place = 7
    y = parts.train.y.copy()
    y[place] += 50 * y.std()

    lesson = prepare_lesson(parts.train.rows, y, seed=0, sizes=TINY.teachers)

    left = lesson.unexplained
    assert left is not None
    np.testing.assert_array_equal(left.rows.numbers, parts.train.rows.numbers)
    assert left.residuals.argmax() == place
    assert left.residuals[place] > 40 * parts.train.y.std()


def test_card_says_how_good_the_teachers_are_themselves(
    table_bundle: Path, parts: TableParts
) -> None:
    lesson = prepare_lesson(
        parts.train.rows,
        parts.train.y,
        seed=0,
        dates=date_columns(parts.specs),
        sizes=TINY.teachers,
    )

    said = re.search(
        r"own RMSE on rows of other folds is (.+?)\. ", (table_bundle / "CARD.md").read_text()
    )

    assert said is not None
    assert lesson.unexplained is not None
    assert float(said[1]) == pytest.approx(lesson.unexplained.rmse, rel=0.01)


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


def test_every_column_of_the_rows_that_train_is_counted(
    table_bundle: Path, parts: TableParts
) -> None:
    counted = bundle.read_manifest(table_bundle).reference

    categories = iter(parts.train.rows.categories.T)
    for spec in parts.specs:
        assert sum(counted[spec.name].counts) == len(parts.train)
        if isinstance(spec, CategoryInput):
            codes = np.bincount(next(categories), minlength=2 + len(spec.vocabulary))
            assert counted[spec.name].counts == tuple(codes)
    assert next(categories, None) is None


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


def test_served_model_warns_of_what_it_did_not_see(table_bundle: Path) -> None:
    model = loading.load_version(table_bundle, threads=1)
    instances = {
        "size [m2]": np.array([70.0], dtype=np.float32),
        "built": np.array([np.nan], dtype=np.float32),
        "district": np.array(["moon"], dtype=object),
    }

    warnings = model.predict(instances).warnings[0]

    assert "built is missing; it never was in training." in warnings
    assert "district is 'moon'; training did not have this category." in warnings
