"""Pictures into classes: config, data, network, fit, evaluate, calibrate, publish."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import keras
import msgspec
import numpy as np

from service import bundle
from service.bundle import Manifest, PictureInput, ProbabilitiesOutput, Signature
from service.geometry import GEOMETRY_VERSIONS
from training import card, evaluation, plots, publishing
from training.architectures import PICTURE_ARCHITECTURES
from training.augmentation import augment
from training.card import Section, render
from training.datasets import (
    Labels,
    Part,
    PictureParts,
    PictureSet,
    Pixels,
    default_cache,
    load_pictures,
)
from training.evaluation import History, Values
from training.penmanship import add_foreign_strokes
from training.progress import EpochDisplay, console
from training.strokes import golden_digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an architecture is fitted.

    Attributes:
        epochs: At most.
        patience: Epochs without a better validation accuracy before stopping.
        batch_size: Pictures a step.
        learning_rate: At its highest.
        decays: Whether the rate rises for an epoch and then falls to nothing, or stays.
        augmented: Whether every epoch draws the pictures anew.
    """

    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    decays: bool
    augmented: bool


RECIPES = {
    "cnn": Recipe(
        epochs=16, patience=8, batch_size=128, learning_rate=3e-3, decays=True, augmented=True
    ),
    # As the tutorial has it: Adam at its default rate on the pictures as they are.
    "mlp": Recipe(
        epochs=30, patience=5, batch_size=128, learning_rate=1e-3, decays=False, augmented=False
    ),
}


# Of the 1s and 7s; with fewer, digits written outside America were misread.
_FOREIGN_SHARE = 0.25


def _in_other_hands(digits: Pixels, labels: Labels, rng: np.random.Generator) -> Pixels:
    foreign = add_foreign_strokes(digits[..., 0], labels, rng, share=_FOREIGN_SHARE)
    return augment(foreign, rng)[..., np.newaxis]


Augmentation = Callable[[Pixels, Labels, np.random.Generator], Pixels]
# By what the pictures show; what is not listed is learned as it is.
AUGMENTATIONS: Mapping[str, Augmentation] = {"digit": _in_other_hands}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one training is made with.

    Attributes:
        pictures: The set.
        name: Of the model.
        models: Folder to publish under.
        command: As typed, for the record.
        data: Folder that holds the set's folder; None to download.
        architecture: One of `PICTURE_ARCHITECTURES`.
        seed: Of the split and of every random choice.
        epochs: Instead of the recipe's.
        limit: Use only so many pictures of the training file.
        min_score: Refuse to publish below this validation accuracy.
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
    began: float = field(default_factory=time.monotonic)

    @property
    def recipe(self) -> Recipe:
        """How the network is fitted."""
        recipe = RECIPES[self.architecture]
        return recipe if self.epochs is None else replace(recipe, epochs=self.epochs)


def train(config: Config) -> Path:
    """Train a network and publish it.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data cannot be had or the result is not good enough.
    """
    keras.utils.set_random_seed(config.seed)
    with publishing.Draft(config.models, config.name) as draft:
        pictures = config.pictures
        console.print(f"Reading {pictures.name} ...")
        parts = load_pictures(
            pictures,
            data=config.data,
            cache=default_cache(),
            seed=config.seed,
            limit=config.limit,
        )
        network = PICTURE_ARCHITECTURES[config.architecture](
            parts.train.x.shape[1:], len(pictures.labels)
        )
        history = fit(network, parts, config)
        answers = evaluate(network, parts, config)
        return publish(draft, network, history, parts, answers, config)


class Epochs(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in an order of their own each epoch, drawn anew where the recipe says so."""

    def __init__(
        self, part: Part, *, batch_size: int, draw_anew: Augmentation | None, seed: int
    ) -> None:
        super().__init__()
        self._part, self._batch_size, self._seed = part, batch_size, seed
        self._draw_anew = draw_anew
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
        if self._draw_anew is None:
            return {"image": taken.x}, taken.y
        rng = np.random.default_rng([self._seed, self._epoch, batch])
        return {"image": self._draw_anew(taken.x, taken.y, rng)}, taken.y


def fit(network: keras.Model, parts: PictureParts, config: Config) -> History:
    """Fit the network, keeping the weights of the epoch with the best validation accuracy.

    Returns:
        Loss and accuracy of training and validation by epoch.
    """
    recipe = config.recipe
    epochs = Epochs(
        parts.train,
        batch_size=recipe.batch_size,
        draw_anew=AUGMENTATIONS.get(config.pictures.target) if recipe.augmented else None,
        seed=config.seed,
    )
    steps = len(epochs)
    rate = recipe.learning_rate
    if recipe.decays:
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 30,
            max(1, (recipe.epochs - 1) * steps),
            warmup_target=rate,
            warmup_steps=steps,
            alpha=0.01,
        )
    learner = keras.Model(network.input, network.output["probabilities"])
    learner.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    stopping = keras.callbacks.EarlyStopping(
        "val_accuracy", patience=recipe.patience, restore_best_weights=True
    )
    with EpochDisplay() as display:
        history = learner.fit(
            epochs,
            validation_data=({"image": parts.validation.x}, parts.validation.y),
            validation_batch_size=1000,
            epochs=recipe.epochs,
            callbacks=[stopping, display],
            verbose=0,
            shuffle=False,
        )
    return History(history.history, kept=stopping.best_epoch + 1)


def predict(network: keras.Model, part: Part) -> Values:
    """Return the network's probabilities.

    Shapes:
        (n, classes).
    """
    probabilities: Values = network.predict({"image": part.x}, batch_size=1000, verbose=0)[
        "probabilities"
    ]
    return probabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The probabilities that the fitted network gives to the parts that did not train.

    Shapes:
        (n, classes).
    """

    validation: Values
    calibration: Values
    test: Values


def evaluate(network: keras.Model, parts: PictureParts, config: Config) -> Answers:
    """Predict validation, see that it is good enough, and only then look at the test part."""
    validation = predict(network, parts.validation)
    accuracy = evaluation.classification_scores(validation, parts.validation.y)["accuracy"]
    publishing.refuse_below(accuracy, config.min_score, measure="accuracy")
    return Answers(
        validation=validation,
        calibration=predict(network, parts.calibration),
        test=predict(network, parts.test),
    )


def picture_signature(pictures: PictureSet, shape: tuple[int, ...]) -> Signature:
    """Say what goes into the network and what comes out."""
    image = PictureInput(
        name="image",
        tensor="image",
        dtype="float32",
        shape=shape,
        geometry=pictures.geometry,
        geometry_version=GEOMETRY_VERSIONS[pictures.geometry],
    )
    probabilities = ProbabilitiesOutput(
        name="probabilities",
        tensor="probabilities",
        dtype="float32",
        shape=(len(pictures.labels),),
        labels=pictures.labels,
    )
    return Signature(inputs=(image,), outputs=(probabilities,))


def publish(
    draft: publishing.Draft,
    network: keras.Model,
    history: History,
    parts: PictureParts,
    answers: Answers,
    config: Config,
) -> Path:
    """Write the bundle and give it its version."""
    pictures = config.pictures
    signature = picture_signature(pictures, parts.train.x.shape[1:])
    exported = publishing.export(network, signature, draft.folder)
    manifest = Manifest(
        format=bundle.FORMAT,
        name=config.name,
        version=publishing.UNNUMBERED,
        task="classification",
        signature=signature,
        target=pictures.target,
        files={},
        origin=publishing.describe_origin(
            command=config.command,
            seed=config.seed,
            data=pictures.name,
            data_sha256=parts.sha256,
            split=parts.sizes,
            began=config.began,
        ),
        scores={
            "validation": evaluation.classification_scores(answers.validation, parts.validation.y),
            "test": evaluation.classification_scores(answers.test, parts.test.y),
        },
        multiply_adds=evaluation.multiply_adds(exported, signature),
        parameters=publishing.trainable_parameters(network),
        onnx_difference=None,
        golden_tolerance=publishing.GOLDEN_TOLERANCE,
        calibration=evaluation.calibration_scores(
            1 - answers.calibration[np.arange(len(parts.calibration)), parts.calibration.y]
        ),
        reference=evaluation.picture_references(
            parts.train.x,
            np.concatenate([answers.validation, answers.calibration]),
            pictures.labels,
        ),
    )
    difference = publishing.measure_export(
        network, manifest, draft.folder, {"image": parts.validation.x}
    )
    manifest = msgspec.structs.replace(manifest, onnx_difference=difference)
    drawn, _ = golden_digits()
    expected = publishing.add_golden_examples(network, manifest, draft.folder, {"image": drawn})
    draw(draft.plots, history, parts, answers, pictures.labels)
    plots.plot_pictures(draft.plots / "predictions.png", drawn, expected, pictures.labels)
    publishing.write_history(draft.folder, history)
    return draft.publish(
        manifest, partial(render, network=network, sections=sections(config, history))
    )


def draw(
    folder: Path,
    history: History,
    parts: PictureParts,
    answers: Answers,
    labels: tuple[str, ...],
) -> None:
    """Draw what the card shows; no picture of the data set is among it."""
    for measure, title in (("loss", "Cross-entropy by epoch"), ("accuracy", "Accuracy by epoch")):
        plots.plot_history(folder / f"{measure}.png", history, measure, title=title)
    predicted = answers.test.argmax(axis=1)
    counts = evaluation.confusion(predicted, parts.test.y, len(labels))
    wrong = int((predicted != parts.test.y).sum())
    plots.plot_confusion(
        folder / "confusion.png",
        counts,
        labels,
        title=f"Test part: {wrong:,} of {len(predicted):,} taken for another",
    )


def sections(config: Config, history: History) -> tuple[Section, ...]:
    """Write the parts of the card that only this experiment knows."""
    recipe = config.recipe
    augmented = (
        " Every epoch sees every picture warped and inked anew (`training/augmentation.py`), some"
        " 1s with a flag and a foot and some 7s with a bar (`training/penmanship.py`)."
        if recipe.augmented
        else ""
    )
    fit_text = (
        f"Adam, {recipe.batch_size} pictures a step, learning rate {recipe.learning_rate:g}"
        f"{' after a rise over one epoch, then falling as a cosine' if recipe.decays else ''}; "
        f"{len(history.measures['loss'])} epochs, of which number {history.kept} had the best "
        f"validation accuracy and was kept.{augmented}"
    )
    return (
        Section(
            "Predictions",
            "Digits drawn by code, never seen in training, as the model reads them.\n\n"
            + card.image("predictions", "twenty drawn digits with label and probability"),
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
        Section("Limits", LIMITS),
    )


LIMITS = """\
- It knows only what it was trained on: single digits, written by hand in the American way of 1990.
- It answers anything that has ink with one of its labels, a letter or a doodle too. A high
  probability does not mean that the picture shows a digit at all.
- Several digits in one picture are read as one."""
