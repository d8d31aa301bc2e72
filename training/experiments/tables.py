"""Rows of a table into a number: config, data, network, fit, evaluate, calibrate, publish."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from service import bundle
from service.bundle import (
    MISSING_CODE,
    OTHER_CODE,
    Calibration,
    CategoryInput,
    ColumnSpec,
    Instances,
    Manifest,
    QuantilesOutput,
    Reference,
    Signature,
    ValueOutput,
)
from service.engines import available_cpus
from service.trust import intervals, threshold, value_scores
from training import calibration, card, evaluation, plots, publishing
from training.architectures.tables import (
    by_column,
    date_columns,
    spread_network,
    table_network,
    with_quantiles,
)
from training.card import Section, render
from training.columns import Overrides, likely_leaks
from training.comparison import describe, read_comparison
from training.datasets.tables import Rows, TablePart, TableParts, load_table
from training.distillation import Lesson, Sizes, prepare_lesson
from training.evaluation import History, Values
from training.progress import EpochDisplay, console

_GOLDEN_MIXTURES = 9
# What the two quantiles beside a value aim at; calibration stretches them to any coverage.
QUANTILES = (0.05, 0.95)
_DRAWN_COVERAGE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the network is taught and fitted.

    Attributes:
        teachers: How much they may learn and tell.
        multiply_adds: That one row may cost.
        epochs: At most.
        patience: Epochs without a better validation error before stopping, in the second half.
        batch_size: Rows a step.
        steps_per_execution: Steps between two looks at the clock; cheap steps want many.
        learning_rate: At its highest.
        weight_decay: Of AdamW.
        hidden_rows: Share of rows in which values are hidden.
        hidden_values: Share of such a row's values.
    """

    teachers: Sizes = field(default_factory=Sizes)
    multiply_adds: int = 34_000
    epochs: int = 32
    patience: int = 8
    batch_size: int = 512
    steps_per_execution: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    hidden_rows: float = 0.15
    hidden_values: float = 0.15

    def steps(self, rows: int) -> int:
        """Return the steps of an epoch: half of the rows, at least a little and not too much."""
        executions = rows // (2 * self.batch_size * self.steps_per_execution)
        return self.steps_per_execution * int(np.clip(executions, 3, 12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one training is made with.

    Attributes:
        file: CSV with a header.
        target: The column to predict.
        command: As typed, for the record.
        name: Of the model.
        models: Folder to publish under.
        overrides: Kinds of columns that are given.
        unit: Of the target.
        test_share: Share of the rows that is kept for the final score.
        seed: Of every random choice but the test part.
        recipe: How the network is taught and fitted.
        min_score: Refuse to publish below this R2 on validation.
        comparison: File that `baseline` wrote, for the card.
        began: Reading of the monotonic clock at the start.
    """

    file: Path
    target: str
    command: str
    name: str = ""
    models: Path = Path("models")
    overrides: Overrides = field(default_factory=Overrides)
    unit: str | None = None
    test_share: float = 0.2
    seed: int = 0
    recipe: Recipe = field(default_factory=Recipe)
    min_score: float | None = None
    comparison: Path | None = None
    began: float = field(default_factory=time.monotonic)


def train(config: Config) -> Path:
    """Train a network and publish it.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data does not allow it or the result is not good enough.
    """
    with publishing.Draft(config.models, config.name) as draft:
        parts = read(config)
        compared = _compared(parts, config)
        leaks = likely_leaks(parts.train.instances, parts.train.y, seed=config.seed)
        tell(parts, leaks)
        learned = learn(parts, config.recipe, seed=config.seed)
        answers = evaluate(learned.network, parts, config)
        told = Told(leaks, compared)
        return publish(draft, learned, parts, answers, told, config)


def read(config: Config) -> TableParts:
    """Read the file and split it."""
    console.print(f"Reading {config.file.name} ...")
    return load_table(
        config.file,
        config.target,
        config.overrides,
        test_share=config.test_share,
        seed=config.seed,
    )


def _compared(parts: TableParts, config: Config) -> str:
    if config.comparison is None:
        return ""
    comparison = read_comparison(config.comparison, data_sha256=parts.sha256, target=config.target)
    return describe(comparison)


def tell(parts: TableParts, leaks: dict[str, str]) -> None:
    """Say what was found in the table before learning from it."""
    inputs = ", ".join(f"{spec.name} ({card.kind_of(spec)})" for spec in parts.specs)
    console.print(f"Inputs: {inputs}", markup=False)
    for name, reason in parts.left_out.items():
        console.print(f"Left out: {name} ({reason})", markup=False)
    for name, reason in leaks.items():
        console.print(
            f"Warning: {name} {reason}: a likely leak. Leave it out with --ignore if it is not "
            "known when predicting.",
            style="bold yellow",
            markup=False,
        )
    if parts.unusable:
        console.print(f"Rows without a target, not used: {parts.unusable}")


@dataclass(frozen=True, slots=True)
class Told:
    """What the card says of the data and of other models.

    Attributes:
        leaks: How a column all but gives the target away, by its name.
        comparison: A paragraph, or nothing.
    """

    leaks: dict[str, str]
    comparison: str


@dataclass(frozen=True, slots=True)
class Learned:
    """A fitted network of rows and how it came about."""

    network: keras.Model
    lesson: Lesson
    history: History


def learn(parts: TableParts, recipe: Recipe, *, seed: int) -> Learned:
    """Let an ensemble of trees prepare a lesson, and a small network learn it."""
    keras.utils.set_random_seed(seed)
    console.print("Teachers label synthetic rows ...")
    lesson = prepare_lesson(
        parts.train.rows,
        parts.train.y,
        seed=seed,
        dates=date_columns(parts.specs),
        sizes=recipe.teachers,
        threads=available_cpus(),
    )
    network = table_network(
        parts.train.rows,
        parts.train.y,
        parts.specs,
        pairs=lesson.pairs,
        multiply_adds=recipe.multiply_adds,
    )
    history = fit(network, lesson, parts.validation, recipe, seed=seed)
    if not len(parts.calibration):
        value = {"value": network.output["value"]}
        return Learned(keras.Model(network.input, value, name=network.name), lesson, history)
    console.print("Learning how far the truth may lie away ...")
    return Learned(learn_quantiles(network, lesson, seed=seed), lesson, history)


def learn_quantiles(network: keras.Model, lesson: Lesson, *, seed: int) -> keras.Model:
    """Add two quantiles to a fitted network, which stays as it is.

    They are learned from what the teachers left unexplained of rows they had not seen: on the rows
    that trained it, the network itself is closer to the truth than it will be on others.

    References:
        Koenker, Bassett (1978), Regression quantiles, doi:10.2307/1913643.
    """
    features = predict(network, lesson.true_rows)["features"]
    spread = spread_network(features)
    unit = lesson.teacher_rmse or 1.0
    order = np.random.default_rng(seed).permutation(len(features))
    fitting, watching = np.split(order, [len(order) * 7 // 8])
    residuals = (lesson.residuals / unit).astype(np.float32)[:, np.newaxis]
    # Compiled beside it: saved with the network, the loss would be missed by whoever opens it.
    learner = keras.Model(spread.input, spread.output)
    learner.compile(keras.optimizers.Adam(2e-3), _pinball)
    learner.fit(
        features[fitting],
        residuals[fitting],
        validation_data=(features[watching], residuals[watching]),
        epochs=40,
        batch_size=int(np.clip(len(fitting) // 40, 8, 256)),
        callbacks=[keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)],
        verbose=0,
    )
    return with_quantiles(network, spread, unit=unit)


def _pinball(residuals: Any, away: Any) -> Any:
    """Return the loss that is least where the distances reach the quantiles."""
    low, high = QUANTILES
    below, above = residuals + away[:, :1], residuals - away[:, 1:]
    return keras.ops.mean(
        keras.ops.maximum(low * below, (low - 1) * below)
        + keras.ops.maximum(high * above, (high - 1) * above)
    )


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Endless shuffled batches, in some rows of which single values are hidden.

    A hidden number is blank; a hidden category is blank or other, evenly. So the inputs for blanks
    and unknown categories are trained even where the table has none.
    """

    def __init__(self, lesson: Lesson, recipe: Recipe, *, seed: int) -> None:
        super().__init__()
        self._lesson, self._recipe = lesson, recipe
        self._rng = np.random.default_rng(seed)
        self._order = self._shuffled()

    def __len__(self) -> int:
        return self._recipe.steps(len(self._lesson.rows))

    def __getitem__(self, index: int) -> tuple[dict[str, NDArray[Any]], Values]:
        chosen = next(self._order)
        rows = self._hide(self._lesson.rows.take(chosen))
        return rows.tensors(), self._lesson.target[chosen].astype(np.float32)[:, np.newaxis]

    def _shuffled(self) -> Iterator[NDArray[np.intp]]:
        size = self._recipe.batch_size
        while True:
            order = self._rng.permutation(len(self._lesson.rows))
            for start in range(0, max(1, len(order) - size + 1), size):
                yield order[start : start + size]

    def _hide(self, rows: Rows) -> Rows:
        chosen = self._rng.random((len(rows), 1)) < self._recipe.hidden_rows
        rate = self._recipe.hidden_values * chosen
        numbers = np.where(self._rng.random(rows.numbers.shape) < rate, np.nan, rows.numbers)
        stand_in = self._rng.choice([MISSING_CODE, OTHER_CODE], rows.categories.shape)
        hidden = self._rng.random(rows.categories.shape) < rate
        categories = np.where(hidden, stand_in, rows.categories)
        return Rows(numbers.astype(np.float32), categories.astype(np.int32))


def fit(
    network: keras.Model, lesson: Lesson, validation: TablePart, recipe: Recipe, *, seed: int
) -> History:
    """Fit the network, keeping the weights of the epoch with the least validation error.

    Returns:
        Loss and RMSE of training and validation by epoch, in the target's unit; the training
        ones are measured against the teachers' labels.
    """
    batches = Batches(lesson, recipe, seed=seed)
    spread = float(network.get_layer("value").scale)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5,
        len(batches) * recipe.epochs,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=len(batches),
    )
    learner = keras.Model(network.input, network.output["value"])
    learner.compile(
        keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, global_clipnorm=1.0),
        "mean_squared_error",
        loss_weights=1 / spread**2,
        metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
        steps_per_execution=recipe.steps_per_execution,
    )
    stopping = keras.callbacks.EarlyStopping(
        "val_rmse",
        mode="min",
        patience=recipe.patience,
        restore_best_weights=True,
        start_from_epoch=recipe.epochs // 2,  # on few rows an early epoch can win by luck
    )
    with EpochDisplay() as display:
        history = learner.fit(
            batches,
            epochs=recipe.epochs,
            validation_data=(validation.rows.tensors(), validation.y.astype(np.float32)[:, None]),
            validation_batch_size=4096,
            callbacks=[stopping, display],
            verbose=0,
            shuffle=False,
        )
    return History(history.history, kept=stopping.best_epoch + 1)


def predict(network: keras.Model, rows: Rows) -> dict[str, Values]:
    """Return the network's outputs, the value without its second axis.

    Shapes:
        value: (n,); any other (n, width).
    """
    outputs: dict[str, Values] = network.predict(rows.tensors(), batch_size=4096, verbose=0)
    return {**outputs, "value": outputs["value"][:, 0]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the fitted network answers about the parts that did not train.

    Attributes:
        calibration: None where the table has no such part.

    Shapes:
        value: (n,); quantiles: (n, 2).
    """

    validation: dict[str, Values]
    calibration: dict[str, Values] | None
    test: dict[str, Values]


def evaluate(network: keras.Model, parts: TableParts, config: Config) -> Answers:
    """Predict validation, see that it is good enough, and only then look at the test part."""
    validation = predict(network, parts.validation.rows)
    r2 = evaluation.regression_scores(validation["value"], parts.validation.y)["r2"]
    publishing.refuse_below(r2, config.min_score, measure="R2")
    return Answers(
        validation=validation,
        calibration=predict(network, parts.calibration.rows) if len(parts.calibration) else None,
        test=predict(network, parts.test.rows),
    )


def calibrate(answers: Answers, parts: TableParts) -> Calibration | None:
    """Return what the calibration part says of the network's quantiles."""
    if answers.calibration is None:
        return None
    return Calibration(scores=evaluation.ascending(_scores(answers.calibration, parts)))


def _scores(outputs: dict[str, Values], parts: TableParts) -> Values:
    """Return the calibration part's nonconformity scores, ascending."""
    return np.sort(value_scores(outputs["value"], outputs["quantiles"], parts.calibration.y))


def _constant_width(outputs: dict[str, Values], parts: TableParts, asked: float) -> float:
    residuals = np.abs(outputs["value"] - parts.calibration.y).astype(np.float32)
    return calibration.constant_width(residuals, asked)


def table_signature(parts: TableParts, config: Config) -> Signature:
    """Say what goes into the network and what comes out."""
    value = ValueOutput(name="value", tensor="value", dtype="float32", shape=(1,), unit=config.unit)
    quantiles = QuantilesOutput(
        name="quantiles",
        tensor="quantiles",
        dtype="float32",
        shape=(2,),
        levels=QUANTILES,
        unit=config.unit,
    )
    return Signature(
        inputs=parts.specs, outputs=(value, quantiles) if len(parts.calibration) else (value,)
    )


def publish(
    draft: publishing.Draft,
    learned: Learned,
    parts: TableParts,
    answers: Answers,
    told: Told,
    config: Config,
) -> Path:
    """Write the bundle and give it its version."""
    network = by_column(learned.network, parts.specs)
    signature = table_signature(parts, config)
    exported = publishing.export(network, signature, draft.folder)
    manifest = Manifest(
        format=bundle.FORMAT,
        name=config.name,
        version=publishing.UNNUMBERED,
        task="regression",
        signature=signature,
        target=config.target,
        files={},
        origin=publishing.describe_origin(
            command=config.command,
            seed=config.seed,
            data=config.file.name,
            data_sha256=parts.sha256,
            split=parts.sizes,
            began=config.began,
        ),
        scores={
            "validation": evaluation.regression_scores(
                answers.validation["value"], parts.validation.y
            ),
            "test": evaluation.regression_scores(answers.test["value"], parts.test.y),
        },
        multiply_adds=evaluation.multiply_adds(exported, signature),
        parameters=publishing.trainable_parameters(network),
        onnx_difference=None,
        golden_tolerance=publishing.GOLDEN_TOLERANCE,
        calibration=calibrate(answers, parts),
        reference=references(parts),
        dialect=parts.dialect,
        ignored_columns=parts.left_out,
    )
    difference = publishing.measure_export(
        network, manifest, draft.folder, parts.validation.instances
    )
    manifest = msgspec.structs.replace(manifest, onnx_difference=difference)
    golden = golden_rows(parts.specs, parts.train.instances)
    expected = publishing.add_golden_examples(network, manifest, draft.folder, golden)
    draw(draft.plots, learned.history, parts, answers, config)
    plots.plot_values(
        draft.plots / "predictions.png",
        [f"row {row}" for row in range(1, len(expected) + 1)],
        expected,
        title="Made-up rows, as predicted",
        label=f"{config.target} {config.unit or ''}".strip(),
    )
    publishing.write_history(draft.folder, learned.history)
    made = Made(golden, expected)
    written = sections(learned, parts, answers, made, told)
    return draft.publish(manifest, partial(render, network=network, sections=written))


def references(parts: TableParts) -> dict[str, Reference]:
    """Count each column of the rows that train into bins."""
    rows = parts.train.rows
    numbers, categories = iter(rows.numbers.T), iter(rows.categories.T)
    return {
        spec.name: (
            evaluation.category_reference(next(categories), spec.vocabulary)
            if isinstance(spec, CategoryInput)
            else evaluation.number_reference(next(numbers))
        )
        for spec in parts.specs
    }


def golden_rows(specs: tuple[ColumnSpec, ...], seen: Instances) -> Instances:
    """Make rows up: a typical one, one all blank, one of unknown categories, and mixtures.

    Each column of a mixture is drawn by itself between the tenth and the ninetieth percentile and
    rounded, so that no row is one of the data.
    """
    rng = np.random.default_rng(0)
    rows: dict[str, NDArray[Any]] = {}
    for spec in specs:
        if isinstance(spec, CategoryInput):
            texts = np.array([*spec.vocabulary, None], dtype=object)
            drawn = rng.choice(texts, _GOLDEN_MIXTURES)
            rows[spec.name] = np.array([texts[0], None, "never seen", *drawn], dtype=object)
        else:
            known = seen[spec.name][~np.isnan(seen[spec.name])]
            known = known if len(known) else np.zeros(1)
            usual, *drawn = np.quantile(known, [0.5, *rng.uniform(0.1, 0.9, _GOLDEN_MIXTURES)])
            column = [usual, np.nan, usual, *drawn]
            rows[spec.name] = np.array([_rounded(value) for value in column], dtype=np.float32)
    return rows


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def draw(
    folder: Path, history: History, parts: TableParts, answers: Answers, config: Config
) -> None:
    """Draw what the card shows; no row of the data set is among it."""
    for measure, title in (("loss", "Squared error by epoch"), ("rmse", "RMSE by epoch")):
        plots.plot_history(folder / f"{measure}.png", history, measure, title=title)
    plots.plot_residuals(
        folder / "residuals.png", answers.test["value"], parts.test.y, unit=config.unit or ""
    )
    if answers.calibration is not None:
        outputs = answers.test
        limit = threshold(_scores(answers.calibration, parts), _DRAWN_COVERAGE)
        ends = intervals(outputs["value"], outputs["quantiles"], limit)
        plots.plot_intervals(
            folder / "intervals.png",
            outputs["value"],
            ends[:, 1] - ends[:, 0],
            constant=_constant_width(answers.calibration, parts, _DRAWN_COVERAGE),
            asked=_DRAWN_COVERAGE,
            unit=config.unit or "",
        )


@dataclass(frozen=True, slots=True)
class Made:
    """Rows made up by code, and what the network predicts for them."""

    rows: Instances
    values: Values


def sections(
    learned: Learned, parts: TableParts, answers: Answers, examples: Made, told: Told
) -> tuple[Section, ...]:
    """Write the parts of the card that only this experiment knows."""
    made = [
        [row, *(_shown(examples.rows[spec.name][row - 1]) for spec in parts.specs), f"{value:,.6g}"]
        for row, value in enumerate(examples.values, start=1)
    ]
    header = ["row", *(spec.name for spec in parts.specs), "prediction"]
    comparison = [Section("Beside CatBoost", told.comparison)] if told.comparison else []
    return (
        *comparison,
        Section("Columns", _columns(parts, told.leaks)),
        Section(
            "Predictions",
            "Rows made up by code, none of them in the data.\n\n"
            + card.table(header, made)
            + "\n\n"
            + card.image("predictions", "predicted values as bars"),
        ),
        Section("Fit", _fit(learned)),
        Section("Mistakes", card.image("residuals", "predicted against true values; residuals")),
        Section("How far to trust it", trusted(parts, answers)),
        Section("Limits", LIMITS),
    )


def trusted(parts: TableParts, answers: Answers) -> str:
    """Write how well intervals hold on rows that did not calibrate them."""
    calibrated = answers.calibration
    if calibrated is None:
        return (
            f"{len(parts.train) + len(parts.validation)} rows are too few to spare some for "
            "calibration: it answers with values alone, without intervals."
        )
    rows = []
    test, scores = answers.test, _scores(calibrated, parts)
    for asked in calibration.coverages(len(scores)):
        found = calibration.value_coverage(
            test["value"], test["quantiles"], parts.test.y, scores, asked
        )
        constant = _constant_width(calibrated, parts, asked)
        rows.append([*card.covered(found, unit=""), evaluation.plain(constant)])
    return TRUSTED.format(
        calibrating=len(scores),
        rows=card.table([*card.COVERED, "one width for all"], rows),
        intervals=card.image("intervals", "width of the intervals by predicted value"),
    )


TRUSTED = """\
Intervals are predicted quantiles, stretched until they hold the truth with the asked coverage
(conformalised quantile regression). {calibrating:,} rows that neither trained nor chose anything
tell by how much; the test part counts how often that holds. What was found may lie below or above
by the margin, by chance alone, in two of a thousand honest calibrations: both parts are samples.
The last column is what an interval of one width for all rows would need.

{rows}

{intervals}"""


def _shown(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unequal to itself
        return ""
    return value if isinstance(value, str) else f"{value:.6g}"


def _columns(parts: TableParts, leaks: dict[str, str]) -> str:
    texts = []
    if parts.left_out:
        rows = list(parts.left_out.items())
        texts.append("Not inputs:\n\n" + card.table(["column", "why"], rows))
    if leaks:
        texts.append(
            "Likely leaks, kept; a column that is not known when predicting must be left out with "
            "`--ignore`:\n\n" + card.table(["column", "why"], list(leaks.items()))
        )
    if parts.unusable:
        texts.append(f"{parts.unusable} rows without a target were not used.")
    return "\n\n".join(texts) or "All columns are inputs; none gives the target away by itself."


def _fit(learned: Learned) -> str:
    lesson, history = learned.lesson, learned.history
    weights = ", ".join(f"{weight:.2f}" for weight in lesson.member_weights)
    return (
        "Boosted trees, randomised trees and a linear model, each fitted on other folds and "
        f"weighted {weights}, labelled {len(lesson.rows):,} rows made between the true ones; the "
        "network learned these beside the true rows (Bucila et al. 2006, Hinton et al. 2015). "
        f"The teachers' own RMSE on rows of other folds is {lesson.teacher_rmse:.5g}. Of "
        f"{len(history.measures['loss'])} epochs number {history.kept} had the least validation "
        "error and was kept. The training curve is measured against the teachers' labels.\n\n"
        + card.image("loss", "squared error by epoch")
        + "\n\n"
        + card.image("rmse", "RMSE by epoch")
    )


LIMITS = """\
- It knows the ranges and categories listed below; beyond them it answers as at the edge.
- Blanks and unknown categories were trained by hiding values at random: where the data has none,
  answers to such rows are a guess from the other columns."""
