"""Tables of every task, trained on and served."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import TINY, table_config, write_rents
from tests.training.made_tables import PLAIN, TARGETS, made_config
from training.datasets.column_kinds import Overrides
from training.datasets.tables import TableParts, load_table
from training.errors import CannotTrain
from training.experiments import tables
from training.experiments.tables import LearningConfig
from vitrine import bundle, loading
from vitrine.errors import InvalidParameter
from vitrine.predictor import Predictor
from vitrine.signature import CategoryInput, LabelsOutput, ProbabilitiesOutput, ValueOutput

OUTPUTS: dict[str, type] = {
    "binary": ProbabilitiesOutput,
    "multiclass": ProbabilitiesOutput,
    "multilabel": LabelsOutput,
    "regression": ValueOutput,
}


@pytest.mark.parametrize(
    ("kind", "way"),
    [("multiclass", "taught"), ("multilabel", "taught"), *((kind, "plain") for kind in TARGETS)],
)
def test_table_of_each_kind_is_served(
    published_tables: Callable[[str, str], Path], kind: str, way: str
) -> None:
    model = loading.load_version(published_tables(kind, way), threads=1)

    assert isinstance(model.manifest.signature.prediction, OUTPUTS[kind])
    assert (model.trust is None) == (kind == "multilabel")


BEATEN = {
    "binary": ("roc_auc", 0.9),
    "multiclass": ("roc_auc", 0.8),
    "multilabel": ("roc_auc", 0.9),
}


@pytest.mark.parametrize("kind", BEATEN)
def test_plain_network_learns_labels(
    published_tables: Callable[[str, str], Path], kind: str
) -> None:
    scores = bundle.read_manifest(published_tables(kind, "plain")).scores["test"]
    measure, least = BEATEN[kind]

    assert scores[measure] > least


def test_labels_have_scores_of_their_own(published_tables: Callable[[str, str], Path]) -> None:
    folder = published_tables("multilabel", "plain")
    scores = bundle.read_manifest(folder).scores["test"]

    assert scores["log_loss"] == pytest.approx(
        np.mean([scores["log_loss of wet"], scores["log_loss of cold"]])
    )
    assert "| wet |" in (folder / "CARD.md").read_text()


def test_what_happens_between_epochs_is_written_for_tensorboard(tmp_path: Path) -> None:
    learning = LearningConfig(plain=PLAIN, reduce_patience=1, tensorboard=tmp_path / "logs")
    tables.train(made_config("binary", tmp_path, learning))

    assert list((tmp_path / "logs" / "validation").glob("events.out.tfevents.*"))


def test_texts_of_the_training_file_mean_the_same_when_they_are_served(tmp_path: Path) -> None:
    months = [f"{row % 12 + 1}/1/{2010 + row // 12}" for row in range(90)]
    rows = [
        f"$ {row},250;{row * 7 % 50} km;{months[row]};{row % 2 == 0};{row},000 \u20ac"
        for row in range(10, 90)
    ]
    header = "budget;way;month;open;pay"
    (tmp_path / "t.csv").write_text("\n".join([header, *rows]))
    config = made_config("regression", tmp_path, LearningConfig(plain=PLAIN))

    folder = tables.train(replace(config, file=tmp_path / "t.csv", targets=("pay",)))

    predictor = Predictor.load(folder)
    told = {"budget": "$ 12,250", "way": "35 km", "month": "2/1/2012", "open": "TRUE"}
    plain = {"budget": 12250, "way": 35, "month": "2012-02-01", "open": True}
    csv = f"{header}\n$ 12,250;35 km;2/1/2012;True;\n".encode()
    values = [record["value"] for data in (told, plain, csv) for record in predictor.predict(data)]
    assert len(set(values)) == 1
    assert predictor.manifest.signature.prediction == ValueOutput(
        name="value", tensor="value", dtype="float32", shape=(1,), unit="\u20ac"
    )


@pytest.fixture(scope="module")
def parts(many_rents: Path) -> TableParts:
    """The made-up rents, split."""
    return load_table(many_rents, ["rent"], Overrides(), seed=0)


def test_network_costs_what_it_may(table_bundle: Path) -> None:
    manifest = bundle.read_manifest(table_bundle)

    assert manifest.signature.quantiles is not None
    assert manifest.multiply_adds is not None
    assert 0.8 * TINY.multiply_adds < manifest.multiply_adds <= TINY.multiply_adds


def test_thirty_rows_are_enough(tmp_path: Path) -> None:
    file = write_rents(tmp_path / "rents.csv", rows=30)

    folder = tables.train(table_config(file, tmp_path / "models"))

    manifest = bundle.read_manifest(folder)
    assert manifest.origin.split == {"train": 20, "validation": 4, "calibration": 0, "test": 6}
    assert manifest.calibration is None


def test_table_too_small_to_calibrate_gives_the_value_alone(small_table_bundle: Path) -> None:
    manifest = bundle.read_manifest(small_table_bundle)

    assert manifest.calibration is None
    assert [spec.name for spec in manifest.signature.outputs] == ["value"]


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


def test_unit_of_class_labels_is_refused(tmp_path: Path) -> None:
    config = made_config("binary", tmp_path, LearningConfig(plain=PLAIN))

    with pytest.raises(CannotTrain, match="--unit is for a target that is a number, but late has"):
        tables.train(replace(config, unit="EUR"))
