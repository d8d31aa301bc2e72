"""Pictures into classes: config, data, network, fit, evaluate, calibrate, publish."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from training import card, publishing
from training.architectures.hidden import Hidden
from training.architectures.labels import temper
from training.architectures.novelty import with_novelty
from training.architectures.pictures import PICTURE_ARCHITECTURES, cnn, mlp
from training.calibration.coverage import measure_sets, supported_coverages
from training.calibration.prototypes import find_prototypes
from training.calibration.reliability import Reliability
from training.calibration.scores import ascending
from training.calibration.temperature import apply_temperature, fit_temperature
from training.card import Section, render
from training.datasets.cache import default_cache
from training.datasets.picture_data import Labels, Pixels
from training.datasets.picture_sets import PictureSet
from training.datasets.pictures import Part, PictureParts, load_pictures
from training.errors import CannotTrain
from training.evaluation.multiply_adds import count_multiply_adds
from training.evaluation.references import picture_references, prediction_references
from training.evaluation.scores import Values, classification_scores, confusion_matrix
from training.experiments.picture_kinds import PICTURE_KINDS, Augmentation, PictureKind
from training.fitting import OPTIMIZERS, Callbacks, Fitting, LearningRate
from training.history import History, write_history
from training.plots.confusion import plot_confusion
from training.plots.credibility import plot_credibility
from training.plots.history import plot_history
from training.plots.pictures import plot_mistakes, plot_predictions, plot_titled
from training.plots.reliability import plot_reliability
from training.progress import EpochDisplay, console
from vitrine import bundle
from vitrine.bundle import Calibration, Manifest, Origin
from vitrine.geometry import GEOMETRIES
from vitrine.signature import NoveltyOutput, PictureInput, ProbabilitiesOutput, Signature
from vitrine.trust import class_scores, p_values

# Pictures of the set that are drawn beside the bundle.
_SHOWN = 24
# Of a small set fewer pictures a step are taken, down to the least, until there are so many steps.
_STEPS, _LEAST_BATCH = 20, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an architecture is fitted.

    Attributes:
        epochs: At most.
        patience: Epochs without a smaller validation loss before stopping.
        batch_size: Pictures a step.
        optimizer: One of `training.fitting.OPTIMIZERS`.
        learning_rate: At its highest.
        decays: Whether the rate rises for an epoch and then falls to nothing, or stays.
        augmented: Whether every epoch draws the pictures anew.
        calm_epochs: The last ones, in which half of the pictures are left as they are: else the
            network is less sure of ordinary pictures than it could be.
        steps_per_execution: Steps between two looks at the clock and the keyboard; pictures that
            are small and few to a step are learned faster with more.
    """

    epochs: int
    patience: int
    batch_size: int
    optimizer: str = "adam"
    learning_rate: float
    decays: bool
    augmented: bool
    calm_epochs: int = 0
    steps_per_execution: int = 1

    @property
    def described(self) -> str:
        """In words, for the card."""
        fall = " after a rise over one epoch, then falling as a cosine" if self.decays else ""
        return (
            f"Optimizer `{self.optimizer}`, {self.batch_size} pictures a step, learning rate "
            f"{self.learning_rate:g}{fall};"
        )

    def rate(self, steps: int) -> LearningRate:
        """Return the learning rate at every step.

        Args:
            steps: Of one epoch.

        References:
            Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
            arXiv:1608.03983 (one fall, no restart).
        """
        if not self.decays:
            return self.learning_rate
        return keras.optimizers.schedules.CosineDecay(
            self.learning_rate / 30,
            max(1, (self.epochs - 1) * steps),
            warmup_target=self.learning_rate,
            warmup_steps=steps,
            alpha=0.01,
        )

    def compiling(self, instances: int) -> dict[str, Any]:
        """Return what Keras is told when a network is compiled, its loss apart.

        Args:
            instances: That train.
        """
        steps = math.ceil(instances / self.batch_size)
        return {
            "optimizer": OPTIMIZERS[self.optimizer](self.rate(steps)),
            "steps_per_execution": min(self.steps_per_execution, steps),
        }


RECIPES = {
    "cnn": Recipe(
        epochs=20,
        patience=8,
        batch_size=128,
        learning_rate=3e-3,
        decays=True,
        augmented=True,
        calm_epochs=4,
    ),
    # The tutorial's epochs in less than half of its time: fewer and larger steps.
    "mlp": Recipe(
        epochs=5,
        patience=5,
        batch_size=128,
        learning_rate=8e-3,
        decays=True,
        augmented=False,
        steps_per_execution=20,
    ),
    "lstm": Recipe(
        epochs=8, patience=4, batch_size=128, learning_rate=3e-3, decays=True, augmented=False
    ),
    # As the first tutorials have it: a small rate that stays.
    "sigmoid": Recipe(
        epochs=20,
        patience=5,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.01,
        decays=False,
        augmented=False,
        steps_per_execution=20,
    ),
    "numpy": Recipe(
        epochs=20,
        patience=5,
        batch_size=64,
        optimizer="momentum",
        learning_rate=0.1,
        decays=False,
        augmented=False,
    ),
    "autoencoder": Recipe(
        epochs=20,
        patience=5,
        batch_size=128,
        learning_rate=3e-3,
        decays=True,
        augmented=False,
        steps_per_execution=20,
    ),
}
# By set and architecture, where a set wants another one.
SET_RECIPES: Mapping[tuple[str, str], Recipe] = {
    ("fashion_mnist", "cnn"): replace(RECIPES["cnn"], epochs=24, optimizer="adamw", calm_epochs=5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one training is made with.

    Attributes:
        pictures: The set.
        name: Of the model.
        models: Folder to publish under.
        command: As typed, for the record.
        data: Folder that holds the set's folder; None to download.
        architecture: One of `RECIPES`.
        seed: Of the split and of every random choice.
        epochs: Instead of the recipe's.
        limit: Use only so many pictures of the training file.
        min_score: Refuse to publish below this validation accuracy.
        hidden: Of an `mlp`, instead of the tutorial's layers.
        fitting: Instead of the recipe, on the pictures as they are.
        augmented, batch_size: Instead of the recipe's.
        patience: Instead of the recipe's.
        reduce_patience: Epochs without a smaller validation loss before the learning rate is
            halved, in place of the recipe's schedule.
        tensorboard: Folder to write what TensorBoard shows into.
        plots: Folder to draw pictures of the set into, which stay out of the bundle.
        began: Reading of the monotonic clock at the start.
    """

    pictures: PictureSet
    name: str
    models: Path
    command: str
    data: Path | None = None
    architecture: str = "cnn"
    seed: int = 0
    epochs: int | None = None
    limit: int | None = None
    min_score: float | None = None
    hidden: Hidden | None = None
    fitting: Fitting | None = None
    augmented: bool | None = None
    batch_size: int | None = None
    patience: int | None = None
    reduce_patience: int | None = None
    tensorboard: Path | None = None
    plots: Path | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def recipe(self) -> Recipe:
        """How the network is fitted."""
        if self.fitting is None:
            by_set = self.pictures.name, self.architecture
            recipe = SET_RECIPES.get(by_set, RECIPES[self.architecture])
        else:
            recipe = _own(self.fitting)
        return replace(
            recipe,
            epochs=self.epochs or recipe.epochs,
            patience=self.patience or recipe.patience,
            batch_size=self.batch_size or recipe.batch_size,
            decays=recipe.decays and self.reduce_patience is None,
            augmented=recipe.augmented if self.augmented is None else self.augmented,
        )

    @property
    def callbacks(self) -> Callbacks:
        """What is done between epochs."""
        return Callbacks(
            patience=self.recipe.patience,
            reduce_patience=self.reduce_patience,
            tensorboard=self.tensorboard,
        )

    @property
    def kind(self) -> PictureKind:
        """What depends on what the pictures show."""
        return PICTURE_KINDS[self.pictures.target]


def _own(fitting: Fitting) -> Recipe:
    return Recipe(
        epochs=fitting.epochs,
        patience=fitting.epochs,
        batch_size=fitting.batch_size,
        optimizer=fitting.optimizer,
        learning_rate=fitting.learning_rate,
        decays=False,
        augmented=False,
    )


def suited(config: Config, instances: int) -> Config:
    """Take fewer pictures a step where an epoch would have too few steps to learn from.

    Args:
        config: What the training is made with.
        instances: That train.
    """
    if config.fitting is not None:
        return config
    most = max(_LEAST_BATCH, instances // _STEPS)
    return replace(config, batch_size=min(config.recipe.batch_size, most))


def build(config: Config, parts: PictureParts) -> keras.Model:
    """Build the network."""
    shape, classes = parts.train.x.shape[1:], len(parts.labels)
    if config.hidden is not None:
        return mlp(shape, classes, config.hidden)
    if config.architecture == "cnn":
        return cnn(shape, classes, config.kind.first_filters)
    return PICTURE_ARCHITECTURES[config.architecture](shape, classes)


Fit = Callable[[keras.Model, PictureParts, Config], History]


def train(config: Config, *, own_fit: Fit | None = None) -> Path:
    """Train a network and publish it.

    Args:
        config: What it is made with.
        own_fit: Fits the network in place of `fit`.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data cannot be had or the result is not good enough.
    """
    keras.utils.set_random_seed(config.seed)
    with publishing.Draft(config.models, config.name) as draft:
        parts = read(config)
        config = suited(config, len(parts.train))
        network = build(config, parts)
        history = (own_fit or fit)(network, parts, config)
        network, trust = calibrate(network, parts, config)
        answers = evaluate(network, parts, config)
        show_predictions(answers, parts, config)
        return publish(draft, network, history, parts, Measured(answers, trust), config)


def read(config: Config) -> PictureParts:
    """Load the pictures and split them.

    Raises:
        CannotTrain: They cannot be had.
    """
    console.print(f"Reading {config.pictures.name} ...", markup=False)
    parts = load_pictures(
        config.pictures,
        data=config.data,
        cache=default_cache(),
        seed=config.seed,
        limit=config.limit,
    )
    for note in parts.notes:
        console.print(note, markup=False)
    show_samples(parts, config)
    return parts


def show_samples(parts: PictureParts, config: Config) -> None:
    """Draw some of the pictures that train, with their labels, where the person wants them."""
    if config.plots is None:
        return
    some = parts.train.take(np.arange(min(_SHOWN, len(parts.train))))
    path = _plot_path(config.plots, "samples.png")
    plot_titled(path, some.x, [parts.labels[code] for code in some.y], columns=6)
    console.print(f"Pictures to learn from: {path}", markup=False)


def show_predictions(answers: "Answers", parts: PictureParts, config: Config) -> None:
    """Draw some of the test part with what was answered, where the person wants them."""
    if config.plots is None:
        return
    count = min(_SHOWN, len(parts.test))
    some = parts.test.take(np.arange(count))
    path = _plot_path(config.plots, "test_predictions.png")
    probabilities = answers.test["probabilities"][:count]
    plot_mistakes(path, some.x, probabilities, some.y, parts.labels)
    console.print(f"Pictures of the test part with their predictions: {path}", markup=False)


def _plot_path(folder: Path, name: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotTrain(f"{folder} cannot be written to: {error.strerror}.") from error
    return folder / name


class Epochs(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in an order of their own each epoch, their pictures drawn anew."""

    def __init__(self, part: Part, recipe: Recipe, *, augment: Augmentation, seed: int) -> None:
        super().__init__()
        self._part, self._batch_size, self._seed = part, recipe.batch_size, seed
        self._augment = augment
        self._calm_from = recipe.epochs - recipe.calm_epochs
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._part) / self._batch_size)

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self._epoch += 1
        rng = np.random.default_rng([self._seed, self._epoch])
        self._order = rng.permutation(len(self._part))

    def __getitem__(self, batch: int) -> tuple[dict[str, Pixels], Labels]:
        size = self._batch_size
        taken = self._part.take(self._order[batch * size : (batch + 1) * size])
        rng = np.random.default_rng([self._seed, self._epoch, batch])
        drawn = self._augment(taken.x, taken.y, rng)
        if self._epoch >= self._calm_from:
            as_it_is = rng.random(len(taken)) < 0.5
            drawn[as_it_is] = taken.x[as_it_is]
        return {"image": drawn}, taken.y


def fit(network: keras.Model, parts: PictureParts, config: Config) -> History:
    """Fit the network, keeping the weights of the epoch with the least validation loss.

    Returns:
        Loss and accuracy of training and validation by epoch.
    """
    learner = keras.Model(network.input, network.output["probabilities"])
    learner.compile(
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **config.recipe.compiling(len(parts.train)),
    )
    validation = {"image": parts.validation.x}, parts.validation.y
    return learn(learner, training_data(parts.train, config), validation, config)


def training_data(part: Part, config: Config) -> dict[str, Any]:
    """Return what Keras learns from: arrays, or batches where pictures are drawn anew."""
    recipe = config.recipe
    if not recipe.augmented:
        return {"x": {"image": part.x}, "y": part.y, "batch_size": recipe.batch_size}
    return {
        "x": Epochs(part, recipe, augment=config.kind.augment, seed=config.seed),
        "shuffle": False,
    }


def learn(
    learner: keras.Model,
    training: Mapping[str, Any],
    validation: tuple[dict[str, Pixels], NDArray[Any]],
    config: Config,
) -> History:
    """Let a network learn, keeping the weights of the epoch with the least validation loss.

    Args:
        learner: The network, compiled.
        training: What its `fit` is given to learn from.
        validation: Inputs and targets.
        config: How long, and what is done between epochs.

    Returns:
        Every measure of training and validation by epoch.
    """
    callbacks = config.callbacks
    stopping = callbacks.early_stopping()
    with EpochDisplay() as display:
        history = learner.fit(
            **training,
            validation_data=validation,
            validation_batch_size=1000,
            epochs=config.recipe.epochs,
            callbacks=[stopping, *callbacks.optional(), display],
            verbose=0,
        )
    return History(history.history, kept=stopping.best_epoch + 1)


def predict(network: keras.Model, part: Part) -> dict[str, Values]:
    """Return the network's outputs.

    Shapes:
        Each (n, ...).
    """
    outputs: dict[str, Values] = network.predict({"image": part.x}, batch_size=1000, verbose=0)
    return outputs


def calibrate(
    network: keras.Model, parts: PictureParts, config: Config
) -> tuple[keras.Model, Calibration | None]:
    """Make the probabilities mean what they say, and add the score of how new a picture looks.

    Returns:
        The network that is published, and what the calibration part says of it; where there is
        none, the network answers with probabilities alone.
    """
    y = parts.calibration.y
    if not len(y):
        outputs = {"probabilities": network.output["probabilities"]}
        return keras.Model(network.input, outputs, name=network.name), None
    console.print("Calibrating ...")
    untempered = predict(network, parts.calibration)["probabilities"]
    temperature = fit_temperature(untempered, y)
    temper(network, temperature)
    features = predict(network, parts.train)["features"]
    prototypes = find_prototypes(features, parts.train.y, seed=config.seed)
    finished = with_novelty(network, prototypes)
    outputs = predict(finished, parts.calibration)
    scores = class_scores(outputs["probabilities"])[np.arange(len(y)), y]
    return finished, Calibration(
        scores=ascending(scores),
        novelty=ascending(outputs["novelty"][:, 0]),
        temperature=temperature,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the finished network answers about the parts that did not train.

    Attributes:
        calibration, held_out: None where nothing calibrated it.

    Shapes:
        Each output (n, ...).
    """

    validation: dict[str, Values]
    calibration: dict[str, Values] | None
    held_out: dict[str, Values] | None
    test: dict[str, Values]

    @property
    def scored(self) -> dict[str, dict[str, Values]]:
        """By the names of the parts that are scored."""
        found = {"validation": self.validation, "held_out": self.held_out, "test": self.test}
        return {name: outputs for name, outputs in found.items() if outputs is not None}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of the finished network; None where nothing calibrated it."""

    answers: Answers
    calibration: Calibration | None


def evaluate(network: keras.Model, parts: PictureParts, config: Config) -> Answers:
    """Predict validation, see that it is good enough, and only then look at the test part."""
    validation = predict(network, parts.validation)
    accuracy = classification_scores(validation["probabilities"], parts.validation.y)["accuracy"]
    publishing.refuse_below(accuracy, config.min_score, measure="accuracy")
    return Answers(
        validation=validation,
        calibration=predict(network, parts.calibration) if len(parts.calibration) else None,
        held_out=predict(network, parts.held_out) if len(parts.held_out) else None,
        test=predict(network, parts.test),
    )


def picture_input(pictures: PictureSet, shape: tuple[int, ...]) -> PictureInput:
    """Say what goes into a network that looks at the set's pictures."""
    return PictureInput(
        name="image",
        tensor="image",
        dtype="float32",
        shape=shape,
        geometry=pictures.geometry,
        geometry_version=GEOMETRIES[pictures.geometry].version,
    )


def picture_signature(
    pictures: PictureSet, shape: tuple[int, ...], labels: tuple[str, ...], *, calibrated: bool
) -> Signature:
    """Say what goes into the network and what comes out."""
    probabilities = ProbabilitiesOutput(
        name="probabilities",
        tensor="probabilities",
        dtype="float32",
        shape=(len(labels),),
        labels=labels,
    )
    if not calibrated:
        return Signature(inputs=(picture_input(pictures, shape),), outputs=(probabilities,))
    novelty = NoveltyOutput(name="novelty", tensor="novelty", dtype="float32", shape=(1,))
    return Signature(inputs=(picture_input(pictures, shape),), outputs=(probabilities, novelty))


def origin_of(parts: PictureParts, config: Config) -> Origin:
    """Say how a version is made from these parts."""
    return publishing.describe_origin(
        command=config.command,
        seed=config.seed,
        data=config.pictures.name,
        data_sha256=parts.sha256,
        split=parts.sizes,
        began=config.began,
    )


def publish(
    draft: publishing.Draft,
    network: keras.Model,
    history: History,
    parts: PictureParts,
    measured: Measured,
    config: Config,
) -> Path:
    """Write the bundle and give it its version."""
    pictures, answers = config.pictures, measured.answers
    signature = picture_signature(
        pictures,
        parts.train.x.shape[1:],
        parts.labels,
        calibrated=measured.calibration is not None,
    )
    exported = publishing.export(network, signature, draft.folder)
    manifest = Manifest(
        format=bundle.FORMAT,
        name=config.name,
        version=publishing.UNNUMBERED,
        task="classification",
        signature=signature,
        target=pictures.target,
        files={},
        origin=origin_of(parts, config),
        scores={
            name: scores(outputs["probabilities"], getattr(parts, name).y)
            for name, outputs in answers.scored.items()
        },
        multiply_adds=count_multiply_adds(exported, signature),
        parameters=publishing.trainable_parameters(network),
        onnx_difference=None,
        golden_tolerance=publishing.GOLDEN_TOLERANCE,
        calibration=measured.calibration,
        reference={
            **picture_references(
                parts.train.x, inked=signature.picture is not None and signature.picture.inked
            ),
            **prediction_references(
                np.concatenate(
                    [
                        outputs["probabilities"]
                        for outputs in (answers.validation, answers.calibration)
                        if outputs is not None
                    ]
                ),
                parts.labels,
            ),
        },
    )
    difference = publishing.measure_export(
        network, manifest, draft.folder, {"image": parts.validation.x}
    )
    manifest = msgspec.structs.replace(manifest, onnx_difference=difference)
    drawn = config.kind.golden()
    expected = publishing.add_golden_examples(network, manifest, draft.folder, {"image": drawn})
    draw(draft.plots, history, parts, measured)
    plot_predictions(draft.plots / "predictions.png", drawn, expected, parts.labels)
    write_history(draft.folder / "history.csv", history)
    return draft.publish(
        manifest,
        partial(render, network=network, sections=sections(config, history, parts, measured)),
    )


def scores(probabilities: Values, y: Labels) -> dict[str, float]:
    """Return what a classifier is worth on one part.

    Shapes:
        probabilities: (n, classes); y: (n,), codes.
    """
    return {
        **classification_scores(probabilities, y),
        "calibration_error": Reliability.of(probabilities, y).error,
    }


def draw(folder: Path, history: History, parts: PictureParts, measured: Measured) -> None:
    """Draw what the card shows; no picture of the data set is among it."""
    test = measured.answers.test
    for measure, title in (("loss", "Cross-entropy by epoch"), ("accuracy", "Accuracy by epoch")):
        plot_history(folder / f"{measure}.png", history, measure, title=title)
    predicted = test["probabilities"].argmax(axis=1)
    counts = confusion_matrix(predicted, parts.test.y, len(parts.labels))
    wrong = int((predicted != parts.test.y).sum())
    plot_confusion(
        folder / "confusion.png",
        counts,
        parts.labels,
        title=f"Test part: {wrong:,} of {len(predicted):,} taken for another",
    )
    if measured.calibration is None:
        return
    plot_reliability(
        folder / "reliability.png",
        [
            Reliability.of(probabilities, parts.test.y)
            for probabilities in by_temperature(test, measured.calibration)
        ],
        title="Probabilities of the test part",
    )
    plot_credibility(
        folder / "credibility.png",
        p_values(test["novelty"][:, 0], np.array(measured.calibration.novelty, np.float32)),
        title="Credibility of the test part",
    )


def by_temperature(outputs: Mapping[str, Values], calibrated: Calibration) -> tuple[Values, Values]:
    """Return the probabilities as they were before calibration and as they are."""
    after = outputs["probabilities"]
    temperature = calibrated.temperature or 1.0
    return apply_temperature(after, 1 / temperature), after


def sections(
    config: Config, history: History, parts: PictureParts, measured: Measured
) -> tuple[Section, ...]:
    """Write the parts of the card that only this experiment knows."""
    recipe, kind = config.recipe, config.kind
    augmented = f" Every epoch sees every picture {kind.changes}." if recipe.augmented else ""
    calm = (
        f" The last {recipe.calm_epochs} epochs leave half of the pictures as they are."
        if recipe.augmented and recipe.calm_epochs
        else ""
    )
    fit_text = (
        f"{recipe.described} {len(history.measures['loss'])} epochs, of which number "
        f"{history.kept} had the least validation loss and was kept.{augmented}{calm}"
    )
    return (
        Section(
            "Predictions",
            kind.drawn
            + "\n\n"
            + card.image("predictions", "pictures drawn by code, with label and probability"),
        ),
        Section(
            "Fit",
            fit_text
            + "\n\n"
            + card.image("loss", "cross-entropy by epoch")
            + "\n\n"
            + card.image("accuracy", "accuracy by epoch"),
        ),
        Section(
            "Mistakes",
            "Rows are the true class, columns the predicted one; colours show the share of a row "
            "that went wrong.\n\n" + card.image("confusion", "confusion matrix of the test part"),
        ),
        Section("How far to trust it", trusted(parts, measured, config.pictures)),
        Section("Limits", limits(parts, measured, config)),
    )


def limits(parts: PictureParts, measured: Measured, config: Config) -> str:
    """Write where the network ends."""
    doubt = config.kind.doubt if measured.calibration is not None else ""
    return config.kind.limits.format(
        shows=config.pictures.shows, count=len(parts.labels), doubt=doubt
    )


def trusted(parts: PictureParts, measured: Measured, pictures: PictureSet) -> str:
    """Write how well probabilities, prediction sets and credibility hold on other pictures."""
    calibrated, held_out = measured.calibration, measured.answers.held_out
    if calibrated is None or held_out is None:
        return (
            f"With {len(parts.train) + len(parts.validation):,} pictures to learn from, none were "
            "spared for calibration: it answers with probabilities alone, which may be too high, "
            "without prediction sets and credibility."
        )
    test = measured.answers.test
    half = len(parts.test) // 2
    halves = [
        ({name: output[some] for name, output in test.items()}, parts.test.y[some])
        for some in (slice(half), slice(half, None))
    ]
    shown = {
        "held out": (held_out, parts.held_out.y),
        "test": (test, parts.test.y),
        "test, first half": halves[0],
        "test, second half": halves[1],
    }
    errors, sets = [], []
    scores_ascending = np.array(calibrated.scores, dtype=np.float32)
    strange = np.array(calibrated.novelty, dtype=np.float32)
    for name, (outputs, y) in shown.items():
        error = [
            Reliability.of(probabilities, y).error
            for probabilities in by_temperature(outputs, calibrated)
        ]
        doubted = (p_values(outputs["novelty"][:, 0], strange) < 0.05).mean()
        errors.append([name, *(f"{100 * each:.2f} %" for each in error), f"{100 * doubted:.1f} %"])
        sets += [
            [name, *card.covered(found, unit="labels")]
            for found in (
                measure_sets(outputs["probabilities"], y, scores_ascending, asked)
                for asked in supported_coverages(len(scores_ascending))
            )
        ]
    return TRUSTED.format(
        calibrating=len(scores_ascending),
        temperature=calibrated.temperature,
        test=pictures.test,
        errors=card.table(
            ["part", "calibration error before", "after", "credibility below 0.05"], errors
        ),
        sets=card.table(["part", *card.COVERED], sets),
        reliability=card.image("reliability", "reliability diagram of the test part"),
        credibility=card.image("credibility", "credibility of the test part"),
    )


TRUSTED = """\
{calibrating:,} pictures that did not train and chose nothing else calibrated it: they set the
temperature, {temperature:.3g}, that the logits are divided by, and the limits of prediction sets
and credibility. The held-out part is of the same pictures as those that train and was used for
nothing else; the test part {test}.

{errors}

The calibration error is the gap between a label's probability and how often it is right, averaged
over the pictures in 15 bins. The temperature is the likeliest one, which the few pictures decide
that are misread with certainty; the error weighs all pictures alike, and may rise a little by it.

{reliability}

{credibility}

A prediction set holds the truth with the asked coverage. What was found may lie below by the
margin, by chance alone, in one of a thousand honest calibrations: both the calibration part and the
part counted are samples. A set is never empty, so coverage is above what was asked where the most
probable label alone is right more often than that.

{sets}"""
