"""Tables that predict class labels and several labels, by a taught network and by a plain one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from tests.training.conftest import TINY
from training.architectures.hidden import Hidden
from training.architectures.tables import (
    BinaryHead,
    ClassesHead,
    LabelsHead,
    balanced,
    plain_table_network,
    predict,
)
from training.datasets.column_kinds import Overrides
from training.datasets.tables import Rows, TableParts, load_table
from training.datasets.targets import Target
from training.distillation import (
    Features,
    Teacher,
    Unexplained,
    prepare_labels_lesson,
    prepare_lesson,
)
from training.errors import CannotTrain
from training.evaluation.scores import ranking_scores
from training.experiments import tables
from training.experiments.tables import Config, Learning, Plain
from training.fitting import Fitting
from training.outcomes import outcome_of
from training.outcomes.labels import Labels
from vitrine import bundle, loading
from vitrine.model import Model
from vitrine.signature import LabelsOutput, ProbabilitiesOutput, ValueOutput

PLAIN = Plain(hidden=Hidden(units=(8,)), fitting=Fitting(learning_rate=2e-2, epochs=12))
Line = Callable[[float, float, str], str]

# Two features and a category, and what each target makes of them.
TARGETS: dict[str, tuple[str, Line]] = {
    "binary": ("late", lambda x, y, _: "yes" if x + y > 1 else "no"),
    "multiclass": ("kind", lambda x, y, c: "rare" if c == "k2" and y > 0.8 else f"at {x > 0.5}"),
    "multilabel": ("wet,cold", lambda x, y, _: f"{int(x > 0.5)},{int(y > 0.7)}"),
    "regression": ("price", lambda x, y, _: f"{3 * x - y:.4f}"),
}


def write(path: Path, kind: str, rows: int = 560) -> Path:
    """Write a table made by code."""
    names, line = TARGETS[kind]
    rng = np.random.default_rng(5)
    lines = [f"x,y,c,{names}"]
    for _ in range(rows):
        x, y, c = rng.random(), rng.random(), f"k{rng.integers(3)}"
        lines.append(f"{x:.4f},{y:.4f},{c},{line(x, y, c)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def config(kind: str, folder: Path, learning: Learning) -> Config:
    """Describe a tiny training."""
    return Config(
        file=write(folder / f"{kind}.csv", kind),
        targets=tuple(TARGETS[kind][0].split(",")),
        command="python -m training table",
        name=kind,
        models=folder / "models",
        learning=learning,
    )


def load(kind: str, folder: Path) -> TableParts:
    """Read and split such a table."""
    names = TARGETS[kind][0].split(",")
    return load_table(write(folder / f"{kind}.csv", kind), names, Overrides(), seed=0)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Publish each kind once, by trees that teach or plainly."""
    found: dict[tuple[str, str], Path] = {}

    def publish(kind: str, way: str) -> Path:
        if (kind, way) not in found:
            learning = Learning(recipe=TINY) if way == "taught" else Learning(plain=PLAIN)
            folder = tmp_path_factory.mktemp(f"{kind}-{way}")
            found[kind, way] = tables.train(config(kind, folder, learning))
        return found[kind, way]

    return publish


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
    published: Callable[[str, str], Path], kind: str, way: str
) -> None:
    model = loading.load_version(published(kind, way), threads=1)

    assert isinstance(model.manifest.signature.prediction, OUTPUTS[kind])
    assert (model.trust is None) == (kind == "multilabel")


BEATEN = {
    "binary": ("roc_auc", 0.9),
    "multiclass": ("roc_auc", 0.8),
    "multilabel": ("roc_auc", 0.9),
}


@pytest.mark.parametrize("kind", BEATEN)
def test_plain_network_learns_labels(published: Callable[[str, str], Path], kind: str) -> None:
    scores = bundle.read_manifest(published(kind, "plain")).scores["test"]
    measure, least = BEATEN[kind]

    assert scores[measure] > least


def test_labels_have_scores_of_their_own(published: Callable[[str, str], Path]) -> None:
    folder = published("multilabel", "plain")
    scores = bundle.read_manifest(folder).scores["test"]

    assert scores["log_loss"] == pytest.approx(
        np.mean([scores["log_loss of wet"], scores["log_loss of cold"]])
    )
    assert "| wet |" in (folder / "CARD.md").read_text()


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_plots_of_classes_are_on_the_card(published: Callable[[str, str], Path], kind: str) -> None:
    folder = published(kind, "plain")
    card = (folder / "CARD.md").read_text()

    drawn = {path.stem for path in (folder / "plots").glob("*.png")}
    assert {"confusion", "reliability", "accuracy", "loss", "predictions"} <= drawn
    assert all(f"](plots/{name}.png)" in card for name in drawn)
    assert ("curves" in drawn) == (kind == "binary")


def test_two_features_are_drawn_as_a_surface(tmp_path: Path) -> None:
    described = config("binary", tmp_path, Learning(plain=PLAIN))
    folder = tables.train(replace(described, overrides=Overrides(ignored=("c",))))

    assert (folder / "plots" / "surface.png").is_file()
    assert "](plots/surface.png)" in (folder / "CARD.md").read_text()


def _recall(model: Model, parts: TableParts, label: str) -> float:
    predicted = model.predict(parts.test.instances).values.argmax(axis=1)
    code = parts.target.labels.index(label)
    return float((predicted == code)[parts.test.y == code].mean())


def test_class_weights_find_more_of_a_rare_label(tmp_path: Path) -> None:
    parts = load("multiclass", tmp_path)
    plain = replace(PLAIN, fitting=Fitting(learning_rate=5e-3, epochs=4))
    found = {}
    for weighted in (False, True):
        described = config("multiclass", tmp_path, Learning(plain=plain, class_weights=weighted))
        model = loading.load_version(tables.train(described), threads=1)
        found[weighted] = _recall(model, parts, "rare")

    assert found[True] > found[False] + 0.3


def test_network_is_that_of_the_epoch_with_the_least_loss(tmp_path: Path) -> None:
    parts = load("regression", tmp_path)
    hasty = replace(PLAIN, fitting=Fitting(learning_rate=0.3, epochs=12))

    learned = tables.learn(parts, Learning(plain=hasty, patience=12), seed=0)

    measures = learned.history.measures
    values = predict(learned.network, parts.validation.rows)["value"]
    assert len(measures["val_loss"]) == 12
    assert measures["val_loss"][-1] > min(measures["val_loss"])
    assert np.sqrt(np.mean((values - parts.validation.y) ** 2)) == pytest.approx(
        min(measures["val_rmse"]), rel=1e-4
    )


def test_interval_is_learned_from_what_teachers_left(tmp_path: Path) -> None:
    parts = load("regression", tmp_path)
    outcome, train = outcome_of(parts.target), parts.train
    head = outcome.head(train.y)
    network = plain_table_network(train.rows, parts.specs, head, PLAIN.hidden)
    left = Unexplained(train.rows, np.random.default_rng(0).normal(0, 500, len(train)))

    finished = outcome.finish(network, parts, left, seed=0)

    widths = np.diff(predict(finished, train.rows)["quantiles"], axis=1)
    assert np.median(widths) == pytest.approx(2 * 1.645 * 500, rel=0.3)


def test_what_happens_between_epochs_is_written_for_tensorboard(tmp_path: Path) -> None:
    learning = Learning(plain=PLAIN, reduce_patience=1, tensorboard=tmp_path / "logs")
    tables.train(config("binary", tmp_path, learning))

    assert list((tmp_path / "logs" / "validation").glob("events.out.tfevents.*"))


def test_class_weights_of_a_number_are_refused(tmp_path: Path) -> None:
    described = config("regression", tmp_path, Learning(plain=PLAIN, class_weights=True))

    with pytest.raises(CannotTrain, match="price is predicted as a number"):
        tables.train(described)


Array = NDArray[np.float32]
HEADS = {
    "two labels": (BinaryHead(), [[0.9], [0.2]], [[1.0], [0.0]]),
    "several labels": (LabelsHead(2), [[0.9, 0.3], [0.2, 0.6]], [[1.0, 0.0], [0.0, 1.0]]),
    "one of several": (
        ClassesHead(3),
        [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]],
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
    ),
}


@pytest.mark.parametrize(("head", "predicted", "truth"), HEADS.values(), ids=HEADS)
def test_balanced_loss_of_even_labels_is_cross_entropy(
    head: BinaryHead | LabelsHead | ClassesHead,
    predicted: list[list[float]],
    truth: list[list[float]],
) -> None:
    p, t = np.array(predicted, np.float32), np.array(truth, np.float32)
    width = p.shape[1]
    even = 1 / width if isinstance(head, ClassesHead) else 0.5

    losses = np.asarray(balanced(head, np.full(width, even, np.float32))(t, p))

    per_label = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(axis=1)
    expected = -(t * np.log(p)).sum(axis=1) if isinstance(head, ClassesHead) else per_label
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_balanced_loss_weighs_a_rare_label_more() -> None:
    loss = balanced(BinaryHead(), np.array([0.1], np.float32))
    missed = np.asarray(loss(np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]])))

    assert missed[0] == pytest.approx(9 * missed[1], rel=1e-5)


def test_teachers_label_rows_with_probabilities(tmp_path: Path) -> None:
    train = load("multiclass", tmp_path).train

    lesson = prepare_lesson(train.rows, train.y, seed=0, sizes=TINY.teachers)

    assert lesson.target.shape == (len(lesson.rows), 3)
    np.testing.assert_allclose(lesson.target.sum(axis=1), 1, atol=1e-6)
    assert sum(lesson.member_weights) == pytest.approx(1)


def test_teachers_of_several_labels_label_each_by_itself(tmp_path: Path) -> None:
    train = load("multilabel", tmp_path).train

    lesson = prepare_labels_lesson(train.rows, train.y, seed=0, sizes=TINY.teachers)
    alone = prepare_lesson(train.rows, train.y[:, 1].astype(np.int64), seed=0, sizes=TINY.teachers)

    assert lesson.target.shape == (len(lesson.rows), 2)
    np.testing.assert_array_equal(lesson.target[:, 1], alone.target[:, 1])


def test_teachers_of_a_label_that_one_row_has_can_be_fitted() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.random((24, 2), np.float32), np.zeros((24, 0), np.int32))

    for having in (0, 1):
        labels = np.zeros((24, 1), np.float32)
        labels[:having] = 1
        lesson = prepare_labels_lesson(rows, labels, seed=0, sizes=TINY.teachers)
        assert lesson.target.max() == having


def test_teacher_of_a_fold_without_a_label_gives_it_no_probability() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.random((60, 2), np.float32), np.zeros((60, 0), np.int32))
    codes = np.where(rows.numbers[:, 0] > 0.5, 2, 0)
    features = Features.learn(rows, np.zeros((60, 2)), [], [])

    found = Teacher(features, 3, TINY.teachers, seed=0).fit(rows, codes).predict(rows)

    assert not found[:, :, 1].any()
    assert (found[codes == 2, :, 2] > 0.5).mean() > 0.8
    np.testing.assert_allclose(found.sum(axis=2), 1, atol=1e-6)


def test_teachers_who_know_better_weigh_more() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32)
    rows = Rows(x, np.zeros((200, 0), np.int32))

    lesson = prepare_lesson(
        rows, (x.prod(axis=1) > 0).astype(np.int64), seed=0, sizes=TINY.teachers
    )

    *_, linear = lesson.member_weights
    assert linear < 0.2


def test_teachers_of_rows_that_are_all_alike_answer_the_mean() -> None:
    rows = Rows(np.full((24, 1), np.nan, np.float32), np.full((24, 1), 2, np.int32))
    values = np.arange(24.0)

    lesson = prepare_lesson(rows, values, seed=0, sizes=TINY.teachers)

    assert np.median(lesson.target) == pytest.approx(values.mean(), abs=2)


def test_teachers_of_values_that_are_all_but_one_the_same_can_be_fitted() -> None:
    rows = Rows(np.random.default_rng(0).random((20, 1), np.float32), np.zeros((20, 0), np.int32))

    lesson = prepare_lesson(rows, np.eye(20)[0], seed=0, sizes=TINY.teachers)

    assert np.isfinite(lesson.target).all()


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_temperature_makes_labels_of_the_calibration_part_likelier(
    tmp_path: Path, kind: str
) -> None:
    parts = load(kind, tmp_path)
    surprising = parts.calibration.y.copy()
    surprising[::5] = 1 - surprising[::5]
    parts = replace(parts, calibration=replace(parts.calibration, y=surprising))
    spared = replace(parts, calibration=replace(parts.calibration, y=parts.calibration.y[:0]))
    before, after = (
        predict(tables.learn(each, Learning(plain=PLAIN), seed=0).network, parts.calibration.rows)
        for each in (spared, parts)
    )

    losses = [
        log_loss(parts.calibration.y.ravel(), _shares(each["probabilities"], parts))
        for each in (before, after)
    ]
    assert losses[1] < 0.9 * losses[0]


def _shares(probabilities: Array, parts: TableParts) -> Array:
    return probabilities.ravel() if parts.target.task == "multilabel" else probabilities


def test_blank_and_unknown_categories_that_training_lacked_change_nothing_at_random(
    tmp_path: Path,
) -> None:
    parts = load("regression", tmp_path)
    network = tables.learn(parts, Learning(plain=PLAIN), seed=0).network
    rows = parts.test.rows.take(np.zeros(2, dtype=np.intp))
    rows.categories[:] = [[0], [1]]

    blank, unknown = predict(network, rows)["value"]

    assert blank == unknown


def test_ranking_scores_of_two_labels_are_those_of_one() -> None:
    y = np.array([0, 0, 0, 0, 1, 1])
    probabilities = np.array([0.1, 0.2, 0.3, 0.6, 0.4, 0.9], np.float32)

    scores = ranking_scores(np.stack([1 - probabilities, probabilities], axis=1), y, of=1)

    assert scores["roc_auc"] == pytest.approx(7 / 8)
    assert scores["f1"] == pytest.approx(0.5)


def test_ranking_scores_leave_out_labels_that_nobody_has() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]], np.float32)

    scores = ranking_scores(probabilities, np.array([0, 1]), of=None)

    assert (scores["roc_auc"], scores["macro_f1"]) == (1, 1)


def test_label_is_scored_as_had_however_common_it_is() -> None:
    found = np.array([[0.9], [0.8], [0.7], [0.6]], np.float32)
    truth = np.array([[1], [1], [1], [0]], np.float32)

    scores = Labels(Target("multilabel", ("a",), ("a",))).scores({"probabilities": found}, truth)

    assert scores["f1 of a"] == pytest.approx(6 / 7)


@pytest.mark.parametrize("nobodys", [0, 1])
def test_mean_over_labels_leaves_out_one_that_nobody_has(nobodys: int) -> None:
    truth = np.array([[1, 1], [0, 0], [1, 1]], np.float32)
    truth[:, nobodys] = 0
    found = np.array([[0.9, 0.8], [0.2, 0.3], [0.1, 0.1]], np.float32)
    names = ("a", "b")

    scores = Labels(Target("multilabel", names, names)).scores({"probabilities": found}, truth)

    assert f"roc_auc of {names[nobodys]}" not in scores
    assert scores["roc_auc"] == scores[f"roc_auc of {names[1 - nobodys]}"] == 0.5
