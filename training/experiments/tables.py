"""Rows of a table into what they tell: config, data, network, fit, evaluate, publish.

What is told, a number, a class label or several, has a room of its own: `training.outcomes`.
"""

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

from training import card, publishing
from training.architectures.hidden import Hidden
from training.architectures.tables import (
    Head,
    balanced,
    by_column,
    date_columns,
    plain_table_network,
    predict,
    table_network,
)
from training.card import Section, render
from training.catboost_comparison import describe_comparison, read_comparison
from training.datasets.column_kinds import Overrides
from training.datasets.leaks import find_leaking_columns
from training.datasets.table_splits import Split
from training.datasets.tables import Rows, TablePart, TableParts, encode_rows, load_table
from training.datasets.targets import Task
from training.distillation import Lesson, Sizes
from training.errors import CannotTrain
from training.evaluation.multiply_adds import count_multiply_adds
from training.evaluation.references import table_references
from training.evaluation.scores import Values
from training.fitting import Callbacks, Fitting
from training.formatting import format_number
from training.history import History, write_history
from training.outcomes import Answers, Outcome, outcome_of
from training.plots.history import plot_history
from training.plots.surface import FeatureGrid, Surface, plot_surface
from training.progress import EpochDisplay, console
from vitrine import bundle
from vitrine.bundle import Manifest
from vitrine.engines import available_cpus
from vitrine.predictions import Predictions
from vitrine.signature import (
    MISSING_CODE,
    OTHER_CODE,
    CategoryInput,
    ColumnSpec,
    Instances,
    Signature,
)

_GOLDEN_MIXTURES = 9
_SURFACE_SIDE = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the network is taught and fitted.

    Attributes:
        teachers: How much they may learn and tell.
        multiply_adds: That one row may cost.
        epochs: At most.
        patience: Epochs without a smaller validation loss before stopping, in the second half.
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
class Plain:
    """A tutorial's network, instead of one that trees teach: a multilayer perceptron on the rows.

    Attributes:
        hidden: Its layers.
        fitting: How it is fitted.
    """

    hidden: Hidden
    fitting: Fitting


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How a network comes about.

    Attributes:
        plain: Another network than the one that is taught.
        recipe: How the one that is taught is taught and fitted.
        class_weights: Whether every class label counts the same, however rare.
        patience: Epochs without a smaller validation loss before stopping; None for the usual.
        reduce_patience: Such epochs before the learning rate is halved; None to leave it alone.
        tensorboard: Folder for TensorBoard.
    """

    plain: Plain | None = None
    recipe: Recipe = field(default_factory=Recipe)
    class_weights: bool = False
    patience: int | None = None
    reduce_patience: int | None = None
    tensorboard: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one training is made with.

    Attributes:
        file: CSV with a header.
        targets: The columns to predict; several are labels that a row may have any of.
        command: As typed, for the record.
        task: What is predicted, where that is said.
        name: Of the model.
        models: Folder to publish under.
        overrides: Kinds of columns that are given.
        unit: Of the target.
        split: Shares of the rows.
        seed: Of every random choice but the test part.
        learning: How the network comes about.
        min_score: Refuse to publish below this R2 or accuracy on validation.
        comparison: File that `baseline` wrote, for the card.
        began: Reading of the monotonic clock at the start.
    """

    file: Path
    targets: tuple[str, ...]
    command: str
    task: Task | None = None
    name: str = ""
    models: Path = Path("models")
    overrides: Overrides = field(default_factory=Overrides)
    unit: str | None = None
    split: Split = field(default_factory=Split)
    seed: int = 0
    learning: Learning = field(default_factory=Learning)
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
        leaks = find_leaks(parts, seed=config.seed)
        tell(parts, leaks)
        learned = learn(parts, config.learning, seed=config.seed)
        outcome = outcome_of(parts.target, unit=config.unit)
        answers = evaluate(learned.network, parts, outcome, config)
        written = Written(outcome, learned, answers, leaks, compared)
        return publish(draft, written, parts, config)


def read(config: Config) -> TableParts:
    """Read the file and split it."""
    console.print(f"Reading {config.file.name} ...", markup=False)
    return load_table(
        config.file,
        config.targets,
        config.overrides,
        seed=config.seed,
        split=config.split,
        task=config.task,
    )


def _compared(parts: TableParts, config: Config) -> str:
    if config.comparison is None:
        return ""
    comparison = read_comparison(
        config.comparison, data_sha256=parts.sha256, target=parts.target.name
    )
    return describe_comparison(comparison)


def find_leaks(parts: TableParts, *, seed: int) -> dict[str, str]:
    """Name the columns that all but give a target away, with how they do."""
    y = parts.train.y
    if parts.target.task == "multiclass":
        y = np.eye(len(parts.target.labels))[y]
    each = y.reshape(len(y), -1).T.astype(np.float64)
    found: dict[str, str] = {}
    for one in each:
        found = {**find_leaking_columns(parts.train.instances, one, seed=seed), **found}
    return found


def tell(parts: TableParts, leaks: dict[str, str]) -> None:
    """Say what was found in the table before learning from it."""
    labels = f": {', '.join(parts.target.labels)}" if parts.target.labels else ""
    console.print(f"Target: {parts.target.name} ({parts.target.task}{labels})", markup=False)
    if parts.hint:
        console.print(parts.hint, markup=False)
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
class Learned:
    """A fitted network of rows and how it came about.

    Attributes:
        network: That says how sure it is.
        history: Of the fit.
        told: How it was fitted, for people.
        beyond: What it does outside of the ranges it knows.
    """

    network: keras.Model
    history: History
    told: str
    beyond: str


def learn(parts: TableParts, learning: Learning, *, seed: int) -> Learned:
    """Fit a network: let an ensemble of trees teach it, or leave it alone with the rows.

    Raises:
        CannotTrain: There are no class labels to weigh.
    """
    if learning.class_weights and not parts.target.labels:
        raise CannotTrain(
            f"--class-weights needs class labels; {parts.target.name} is predicted as a number."
        )
    keras.utils.set_random_seed(seed)
    if learning.plain is None:
        return _learn_taught(parts, learning, seed=seed)
    return _learn_plainly(parts, learning, learning.plain, seed=seed)


def _learn_taught(parts: TableParts, learning: Learning, *, seed: int) -> Learned:
    outcome, recipe = outcome_of(parts.target), learning.recipe
    console.print("Teachers label synthetic rows ...")
    lesson = outcome.prepare(
        parts.train.rows,
        parts.train.y,
        seed=seed,
        dates=date_columns(parts.specs),
        sizes=recipe.teachers,
        threads=available_cpus(),
    )
    head = outcome.head(parts.train.y)
    network = table_network(
        parts.train.rows,
        parts.specs,
        head,
        pairs=lesson.pairs,
        multiply_adds=recipe.multiply_adds,
    )
    batches = Batches(lesson, outcome.encode(lesson.target), recipe, seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5,
        len(batches) * recipe.epochs,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=len(batches),
    )
    if learning.reduce_patience is not None:
        rate = recipe.learning_rate  # one or the other
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, global_clipnorm=1.0)
    learner = compile_learner(
        network,
        head,
        parts,
        optimizer=optimizer,
        steps=recipe.steps_per_execution,
        class_weights=learning.class_weights,
    )
    callbacks = Callbacks(
        patience=learning.patience or recipe.patience,
        start_from_epoch=recipe.epochs // 2,  # on few rows an early epoch can win by luck
        reduce_patience=learning.reduce_patience,
        tensorboard=learning.tensorboard,
    )
    history = fit(
        learner,
        callbacks,
        parts.validation,
        outcome,
        x=batches,
        epochs=recipe.epochs,
        shuffle=False,
    )
    finished = outcome.finish(network, parts, lesson.unexplained, seed=seed)
    told = _taught(lesson, history) + _weighed(learning)
    return Learned(finished, history, told, beyond="beyond them it answers as at the edge")


def _learn_plainly(parts: TableParts, learning: Learning, plain: Plain, *, seed: int) -> Learned:
    outcome, fitting, rows = outcome_of(parts.target), plain.fitting, parts.train.rows
    head = outcome.head(parts.train.y)
    network = plain_table_network(rows, parts.specs, head, plain.hidden)
    batch_size = int(np.clip(len(rows) // 16, 1, fitting.batch_size))
    learner = compile_learner(
        network,
        head,
        parts,
        optimizer=fitting.build_optimizer(),
        steps=min(20, len(rows) // batch_size),
        class_weights=learning.class_weights,
    )
    callbacks = Callbacks(
        patience=learning.patience or max(10, fitting.epochs // 10),
        reduce_patience=learning.reduce_patience,
        tensorboard=learning.tensorboard,
    )
    history = fit(
        learner,
        callbacks,
        parts.validation,
        outcome,
        x=rows.tensors(),
        y=outcome.encode(parts.train.y),
        batch_size=batch_size,
        epochs=fitting.epochs,
    )
    finished = outcome.finish(network, parts, None, seed=seed)
    told = _fitted(plain, batch_size, history) + _weighed(learning)
    return Learned(finished, history, told, beyond="beyond them it goes on as it ends, untested")


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Endless shuffled batches, in some rows of which single values are hidden.

    A hidden number is blank; a hidden category is blank or other, evenly. So the inputs for blanks
    and unknown categories are trained even where the table has none.
    """

    def __init__(self, lesson: Lesson, target: Values, recipe: Recipe, *, seed: int) -> None:
        super().__init__()
        self._rows, self._target, self._recipe = lesson.rows, target, recipe
        self._rng = np.random.default_rng(seed)
        self._order = self._shuffled()

    def __len__(self) -> int:
        return self._recipe.steps(len(self._rows))

    def __getitem__(self, index: int) -> tuple[dict[str, NDArray[Any]], Values]:
        chosen = next(self._order)
        return self._hide(self._rows.take(chosen)).tensors(), self._target[chosen]

    def _shuffled(self) -> Iterator[NDArray[np.intp]]:
        size = self._recipe.batch_size
        while True:
            order = self._rng.permutation(len(self._rows))
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


def compile_learner(
    network: keras.Model,
    head: Head,
    parts: TableParts,
    *,
    optimizer: keras.optimizers.Optimizer,
    steps: int,
    class_weights: bool,
) -> keras.Model:
    """Return the part of a network that is fitted.

    Args:
        network: All of it.
        head: Its last layer.
        parts: What it will learn.
        optimizer: A new one.
        steps: Between two looks at the clock.
        class_weights: Whether every class label counts the same.
    """
    outcome = outcome_of(parts.target)
    loss: Any = head.loss
    if class_weights:
        loss = balanced(head, outcome.encode(parts.train.y).mean(axis=0))
    learner = keras.Model(network.input, network.get_layer(head.layer).output)
    learner.compile(
        optimizer,
        loss,
        loss_weights=head.loss_weight,
        metrics=[outcome.metric()],
        steps_per_execution=max(1, steps),
    )
    return learner


def fit(
    learner: keras.Model,
    callbacks: Callbacks,
    validation: TablePart,
    outcome: Outcome,
    **data: Any,
) -> History:
    """Fit the network, keeping the weights of the epoch with the least validation loss.

    Returns:
        Loss and measure of training and validation by epoch; the training ones of a network that is
        taught are measured against the teachers' labels.
    """
    stopping = callbacks.early_stopping()
    with EpochDisplay() as display:
        history = learner.fit(
            **data,
            validation_data=(validation.rows.tensors(), outcome.encode(validation.y)),
            validation_batch_size=4096,
            callbacks=[stopping, *callbacks.optional(), display],
            verbose=0,
        )
    return History(history.history, kept=stopping.best_epoch + 1)


def evaluate(network: keras.Model, parts: TableParts, outcome: Outcome, config: Config) -> Answers:
    """Predict validation, see that it is good enough, and only then look at the test part."""
    validation = predict(network, parts.validation.rows)
    score = outcome.scores(validation, parts.validation.y)[outcome.judged_by]
    publishing.refuse_below(score, config.min_score, measure=outcome.judged_by)
    return Answers(
        validation=validation,
        calibration=predict(network, parts.calibration.rows) if len(parts.calibration) else None,
        test=predict(network, parts.test.rows),
    )


@dataclass(frozen=True, slots=True)
class Written:
    """What the card is written from.

    Attributes:
        outcome: What is predicted.
        learned: The network.
        answers: Its answers about the parts that did not train.
        leaks: How a column all but gives the target away, by its name.
        comparison: A paragraph on other models, or nothing.
    """

    outcome: Outcome
    learned: Learned
    answers: Answers
    leaks: dict[str, str]
    comparison: str


def publish(draft: publishing.Draft, written: Written, parts: TableParts, config: Config) -> Path:
    """Write the bundle and give it its version."""
    outcome, learned, answers = written.outcome, written.learned, written.answers
    network = by_column(learned.network, parts.specs)
    signature = Signature(inputs=parts.specs, outputs=outcome.outputs(parts))
    exported = publishing.export(network, signature, draft.folder)
    manifest = Manifest(
        format=bundle.FORMAT,
        name=config.name,
        version=publishing.UNNUMBERED,
        task=outcome.task,
        signature=signature,
        target=parts.target.name,
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
            "validation": outcome.scores(answers.validation, parts.validation.y),
            "test": outcome.scores(answers.test, parts.test.y),
        },
        multiply_adds=count_multiply_adds(exported, signature),
        parameters=publishing.trainable_parameters(network),
        onnx_difference=None,
        golden_tolerance=publishing.GOLDEN_TOLERANCE,
        calibration=outcome.calibrate(answers, parts),
        reference=table_references(parts.train.instances, parts.specs),
        dialect=parts.dialect,
        ignored_columns=parts.left_out,
    )
    difference = publishing.measure_export(
        network, manifest, draft.folder, parts.validation.instances
    )
    manifest = msgspec.structs.replace(manifest, onnx_difference=difference)
    golden = golden_rows(parts.specs, parts.train.instances)
    expected = publishing.add_golden_examples(network, manifest, draft.folder, golden)
    made = Made(golden, Predictions(signature.prediction, expected))
    draw(draft.plots, written, parts, made)
    write_history(draft.folder / "history.csv", learned.history)
    return draft.publish(
        manifest, partial(render, network=network, sections=sections(written, parts, made))
    )


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


@dataclass(frozen=True, slots=True)
class Made:
    """Rows made up by code, and what the network predicts for them."""

    rows: Instances
    predictions: Predictions


def draw(folder: Path, written: Written, parts: TableParts, made: Made) -> None:
    """Draw what the card shows; no row of the data set is among it."""
    outcome, history = written.outcome, written.learned.history
    for measure in ("loss", outcome.measure):
        title = f"{TITLES.get(measure, measure.capitalize())} by epoch"
        plot_history(folder / f"{measure}.png", history, measure, title=title)
    outcome.draw(folder, parts, written.answers)
    outcome.draw_examples(folder / "predictions.png", made.predictions)
    if len(parts.specs) == 2:
        draw_surface(folder / "surface.png", written, parts)


TITLES = {"rmse": "RMSE"}


def draw_surface(path: Path, written: Written, parts: TableParts) -> None:
    """Draw what is predicted wherever two features may lie; no row is drawn."""
    axes = [_axis(spec) for spec in parts.specs]
    first, second = (
        grid.ravel() for grid in np.meshgrid(*(axis.values for axis in axes), indexing="ij")
    )
    instances = {spec.name: each for spec, each in zip(parts.specs, (first, second), strict=True)}
    outputs = predict(written.learned.network, encode_rows(instances, parts.specs))
    shape = tuple(len(axis.values) for axis in axes)
    target = parts.target
    if not target.labels:
        surface = Surface(outputs["value"].reshape(shape), f"predicted {target.name}")
    else:
        found = outputs["probabilities"].reshape(*shape, -1)
        surface = Surface(found, target.name, target.labels)
    plot_surface(path, axes[0], axes[1], surface)


def _axis(spec: ColumnSpec) -> FeatureGrid:
    if isinstance(spec, CategoryInput):
        return FeatureGrid(spec.name, np.array(spec.vocabulary or (None,), dtype=object))
    low, high = spec.minimum or 0.0, spec.maximum or 0.0
    return FeatureGrid(spec.name, np.linspace(low, high, _SURFACE_SIDE, dtype=np.float32))


def sections(written: Written, parts: TableParts, made: Made) -> tuple[Section, ...]:
    """Write the parts of the card that only this experiment knows."""
    outcome, answers = written.outcome, written.answers
    comparison = [Section("Beside CatBoost", written.comparison)] if written.comparison else []
    surface = []
    if len(parts.specs) == 2:
        image = card.image("surface", "what is predicted over both features")
        surface = [Section("Over both features", image)]
    return (
        *comparison,
        Section("Columns", _columns(parts, written.leaks)),
        Section("Predictions", _examples(parts, made)),
        *surface,
        Section("Fit", _fit(written.learned, outcome)),
        Section("Mistakes", outcome.mistakes(parts, answers)),
        Section("How far to trust it", outcome.trusted(parts, answers)),
        Section("Limits", LIMITS.format(beyond=written.learned.beyond)),
    )


def _examples(parts: TableParts, made: Made) -> str:
    answers = made.predictions.columns()
    header = ["row", *(spec.name for spec in parts.specs), *answers]
    rows = [
        [
            row + 1,
            *(_shown(made.rows[spec.name][row]) for spec in parts.specs),
            *(_shown(answer[row]) for answer in answers.values()),
        ]
        for row in range(len(made.predictions))
    ]
    return (
        "Rows made up by code, none of them in the data.\n\n"
        + card.table(header, rows)
        + "\n\n"
        + card.image("predictions", "what is predicted for each")
    )


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


def _fit(learned: Learned, outcome: Outcome) -> str:
    images = [card.image(name, f"{name} by epoch") for name in ("loss", outcome.measure)]
    return "\n\n".join([learned.told, *images])


def _taught(lesson: Lesson, history: History) -> str:
    weights = ", ".join(f"{weight:.2f}" for weight in lesson.member_weights)
    unseen = ""
    if lesson.unexplained:
        rmse = format_number(lesson.unexplained.rmse)
        unseen = f"The teachers' own RMSE on rows of other folds is {rmse}. "
    return (
        "Boosted trees, randomised trees and a linear model, each fitted on other folds and "
        f"weighted {weights}, labelled {len(lesson.rows):,} rows made between the true ones; the "
        "network learned these beside the true rows (Bucila et al. 2006, Hinton et al. 2015). "
        f"{unseen}{_kept(history)} The training curve is measured against the teachers' labels."
    )


def _fitted(plain: Plain, batch_size: int, history: History) -> str:
    hidden, fitting = plain.hidden, plain.fitting
    layers = ", ".join(map(str, hidden.units)) or "none"
    extras = " with batch normalisation" if hidden.batch_normalization else ""
    extras += f" and dropout {hidden.dropout:g}" if hidden.dropout else ""
    return (
        f"A multilayer perceptron with hidden layers {layers} ({hidden.activation}){extras}, "
        f"fitted by {fitting.optimizer} with learning rate {fitting.learning_rate:g}, {batch_size} "
        f"rows a step. {_kept(history)}"
    )


def _kept(history: History) -> str:
    return (
        f"Of {len(history.measures['loss'])} epochs number {history.kept} had the least validation "
        "loss and was kept."
    )


def _weighed(learning: Learning) -> str:
    if not learning.class_weights:
        return ""
    return (
        " Rows were weighted so that every class label counts the same: a rare label is found more "
        "often, and its probability is higher than it is frequent."
    )


LIMITS = """\
- It knows the ranges and categories listed below; {beyond}.
- Blanks and unknown categories that the data did not have are answered by a guess from the other
  columns."""
