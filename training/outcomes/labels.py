"""Any of several labels: a sigmoid each, a temperature each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from training import card
from training.architectures.tables import Head, LabelsHead
from training.calibration.reliability import Reliability
from training.calibration.temperature import fit_temperature
from training.datasets.tables import Rows, TableParts
from training.datasets.targets import Target
from training.distillation import Lesson, Unexplained, prepare_labels_lesson
from training.evaluation.scores import Values, classification_scores, ranking_scores
from training.outcomes.outcome import Answers, Outputs, Truth, tempered
from training.plots.golden_rows import plot_label_probabilities
from training.plots.label_scores import plot_label_scores
from training.plots.reliability import plot_reliability
from vitrine.bundle import Calibration
from vitrine.predictions import Predictions
from vitrine.signature import LabelsOutput, OutputSpec, Task


@dataclass(frozen=True, slots=True)
class Labels:
    """A multi-label classification.

    Attributes:
        target: What is predicted.
    """

    target: Target
    task: Task = "multi-label classification"
    measure: str = "accuracy"
    judged_by: str = "accuracy"

    def head(self, y: Truth) -> Head:
        """Return a sigmoid for each label."""
        return LabelsHead(len(self.target.labels))

    def prepare(self, rows: Rows, y: Truth, **options: Any) -> Lesson:
        """Let teachers of each label prepare the lesson."""
        return prepare_labels_lesson(rows, y, **options)

    def encode(self, y: Truth) -> Values:
        """Return them as they are."""
        return y.astype(np.float32)

    def metric(self) -> keras.metrics.Metric:
        """Return how often a label agrees."""
        return keras.metrics.MeanMetricWrapper(_agree, name=self.measure)

    def finish(
        self, network: keras.Model, parts: TableParts, left: Unexplained | None, *, seed: int
    ) -> keras.Model:
        """Make each label's probabilities mean what they say, where there is a part that tells."""
        return tempered(network, parts, self.head(parts.train.y), _fit_temperatures)

    def outputs(self, parts: TableParts) -> tuple[OutputSpec, ...]:
        """Say that a probability for each label comes out."""
        labels = self.target.labels
        return (
            LabelsOutput(
                name="probabilities",
                tensor="probabilities",
                dtype="float32",
                shape=(len(labels),),
                labels=labels,
            ),
        )

    def calibrate(self, answers: Answers, parts: TableParts) -> Calibration | None:
        """Return None: probabilities are all that is told."""
        return None

    def scores(self, outputs: Outputs, y: Truth) -> dict[str, float]:
        """Return the means over the labels that can be scored, then each label's own."""
        each = {
            label: _label_scores(probabilities, truth.astype(np.int64))
            for label, probabilities, truth in zip(
                self.target.labels, outputs["probabilities"].T, y.T, strict=True
            )
        }
        measures = dict.fromkeys(name for scores in each.values() for name in scores)
        means = {
            name: float(np.mean([scores[name] for scores in each.values() if name in scores]))
            for name in measures
        }
        own = {
            f"{name}{card.OF_LABEL}{label}": value
            for label, scores in each.items()
            for name, value in scores.items()
        }
        return {**means, **own}

    def draw(self, folder: Path, parts: TableParts, answers: Answers) -> None:
        """Draw each label's precision and recall, and how reliable all probabilities are."""
        found, y = answers.test["probabilities"], parts.test.y
        plot_label_scores(folder / "labels.png", found, y, self.target.labels)
        plot_reliability(
            folder / "reliability.png",
            [Reliability.of(_two(found.ravel()), y.ravel().astype(np.int64))],
            title="Probabilities of the test part, all labels",
        )

    def draw_examples(self, path: Path, predictions: Predictions) -> None:
        """Draw the probability of each label, row by row."""
        names = [f"row {row}" for row in range(1, len(predictions) + 1)]
        plot_label_probabilities(path, names, predictions.values, self.target.labels)

    def mistakes(self, parts: TableParts, answers: Answers) -> str:
        """Show how each label does."""
        return card.image("labels", "precision, recall and frequency of each label")

    def trusted(self, parts: TableParts, answers: Answers) -> str:
        """Write how reliable the probabilities are."""
        reliability = card.image("reliability", "reliability diagram of the test part")
        if answers.calibration is None:
            told = "its probabilities are the network's own."
            return f"{card.uncalibrated(parts, told)}\n\n{reliability}"
        return (
            f"{len(parts.calibration):,} rows that did not train and chose nothing else set a "
            "temperature for each label, by which its logit is divided. Prediction sets are of "
            f"one label an instance; here there are none.\n\n{reliability}"
        )


def _agree(truth: Any, predicted: Any) -> Any:
    return ops.mean(ops.cast(ops.equal(truth > 0.5, predicted > 0.5), "float32"), axis=-1)


def _fit_temperatures(probabilities: Values, y: Truth) -> Values:
    temperatures = [
        fit_temperature(_two(each), truth.astype(np.int64))
        for each, truth in zip(probabilities.T, y.T, strict=True)
    ]
    return np.array(temperatures, dtype=np.float32)


def _two(probabilities: Values) -> Values:
    """Return the probabilities that an instance lacks a label and has it."""
    return np.stack([1 - probabilities, probabilities], axis=1)


def _label_scores(probabilities: Values, y: Truth) -> dict[str, float]:
    two = _two(probabilities)
    scores = classification_scores(two, y)
    del scores["accuracy_standard_error"]
    return {**scores, **ranking_scores(two, y, of=1)}
