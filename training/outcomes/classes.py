"""One class label of two or more: cross-entropy, temperature, prediction sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from training import card
from training.architectures.tables import BinaryHead, ClassesHead, Head
from training.calibration.coverage import measure_sets, supported_coverages
from training.calibration.reliability import Reliability
from training.calibration.scores import ascending
from training.calibration.temperature import fit_temperature
from training.datasets.tables import Rows, TableParts
from training.datasets.targets import Target
from training.distillation import Lesson, Unexplained, prepare_lesson
from training.evaluation.scores import (
    Values,
    classification_scores,
    confusion_matrix,
    ranking_scores,
)
from training.outcomes.outcome import Answers, Outputs, Truth, tempered
from training.plots.confusion import plot_confusion
from training.plots.golden_rows import plot_class_probabilities
from training.plots.ranking import plot_ranking_curves
from training.plots.reliability import plot_reliability
from vitrine.bundle import Calibration
from vitrine.predictions import Predictions
from vitrine.signature import OutputSpec, ProbabilitiesOutput, Task
from vitrine.trust import class_scores


@dataclass(frozen=True, slots=True)
class Classes:
    """A classification.

    Attributes:
        target: What is predicted.
    """

    target: Target
    task: Task = "classification"
    measure: str = "accuracy"
    judged_by: str = "accuracy"

    def head(self, y: Truth) -> Head:
        """Return a sigmoid for two labels, a softmax for more."""
        return BinaryHead() if self._is_binary else ClassesHead(len(self.target.labels))

    @property
    def _is_binary(self) -> bool:
        return self.target.task == "binary"

    def prepare(self, rows: Rows, y: Truth, **options: Any) -> Lesson:
        """Let teachers of classes prepare the lesson."""
        return prepare_lesson(rows, y, **options)

    def encode(self, y: Truth) -> Values:
        """Return codes as shares of the labels: of the second alone where there are two."""
        shares = np.eye(len(self.target.labels))[y] if y.ndim == 1 else y
        return (shares[:, 1:] if self._is_binary else shares).astype(np.float32)

    def metric(self) -> keras.metrics.Metric:
        """Return how often the most probable labels agree."""
        return keras.metrics.MeanMetricWrapper(self._agree, name=self.measure)

    def _agree(self, truth: Any, predicted: Any) -> Any:
        if self._is_binary:
            return ops.cast(ops.equal(truth > 0.5, predicted > 0.5), "float32")
        return ops.cast(ops.equal(ops.argmax(truth, -1), ops.argmax(predicted, -1)), "float32")

    def finish(
        self, network: keras.Model, parts: TableParts, left: Unexplained | None, *, seed: int
    ) -> keras.Model:
        """Make the probabilities mean what they say, where there is a part that tells."""
        head = self.head(parts.train.y)
        return tempered(network, parts, head, fit_temperature)

    def outputs(self, parts: TableParts) -> tuple[OutputSpec, ...]:
        """Say that a probability for each label comes out."""
        labels = self.target.labels
        return (
            ProbabilitiesOutput(
                name="probabilities",
                tensor="probabilities",
                dtype="float32",
                shape=(len(labels),),
                labels=labels,
            ),
        )

    def calibrate(self, answers: Answers, parts: TableParts) -> Calibration | None:
        """Return what the calibration part says of the probabilities."""
        if answers.calibration is None:
            return None
        return Calibration(scores=ascending(_scores(answers.calibration, parts)))

    def scores(self, outputs: Outputs, y: Truth) -> dict[str, float]:
        """Return accuracy, log loss, areas under curves and macro F1."""
        probabilities = outputs["probabilities"]
        return {
            **classification_scores(probabilities, y),
            **ranking_scores(probabilities, y, of=self.target.rarest if self._is_binary else None),
            "calibration_error": Reliability.of(probabilities, y).error,
        }

    def draw(self, folder: Path, parts: TableParts, answers: Answers) -> None:
        """Draw confusion, reliability and, for two labels, the curves."""
        probabilities, y = answers.test["probabilities"], parts.test.y
        predicted = probabilities.argmax(axis=1)
        wrong = int((predicted != y).sum())
        plot_confusion(
            folder / "confusion.png",
            confusion_matrix(predicted, y, len(self.target.labels)),
            self.target.labels,
            title=f"Test part: {wrong:,} of {len(y):,} taken for another",
        )
        plot_reliability(
            folder / "reliability.png",
            [Reliability.of(probabilities, y)],
            title="Probabilities of the test part",
        )
        if self._is_binary:
            rare = self.target.rarest or 0
            plot_ranking_curves(
                folder / "curves.png",
                probabilities[:, rare],
                y == rare,
                label=self.target.labels[rare],
            )

    def draw_examples(self, path: Path, predictions: Predictions) -> None:
        """Draw the probabilities of each label."""
        names = [f"row {row}" for row in range(1, len(predictions) + 1)]
        plot_class_probabilities(path, names, predictions.values, self.target.labels)

    def mistakes(self, parts: TableParts, answers: Answers) -> str:
        """Show the confusion matrix and the curves."""
        confused = card.image("confusion", "confusion matrix of the test part")
        text = (
            "Rows are the true label, columns the predicted one; colours show the share of a row "
            f"that went wrong.\n\n{confused}"
        )
        if self._is_binary:
            text += "\n\n" + card.image("curves", "ROC and precision-recall curves")
        return text

    def trusted(self, parts: TableParts, answers: Answers) -> str:
        """Write how well prediction sets hold on rows that did not calibrate them."""
        reliability = card.image("reliability", "reliability diagram of the test part")
        if answers.calibration is None:
            told = "its probabilities are the network's own, without prediction sets."
            return f"{card.uncalibrated(parts, told)}\n\n{reliability}"
        scores = np.sort(_scores(answers.calibration, parts))
        found = [
            measure_sets(answers.test["probabilities"], parts.test.y, scores, asked)
            for asked in supported_coverages(len(scores))
        ]
        return TRUSTED.format(
            calibrating=len(scores),
            sets=card.table(card.COVERED, [card.covered(each, unit="labels") for each in found]),
            reliability=reliability,
        )


def _scores(outputs: Outputs, parts: TableParts) -> Values:
    """Return the nonconformity of the calibration part's true labels."""
    y = parts.calibration.y
    scores: Values = class_scores(outputs["probabilities"])[np.arange(len(y)), y]
    return scores


TRUSTED = """\
{calibrating:,} rows that did not train and chose nothing else set the temperature that the logits
are divided by, and the limits of prediction sets. The test part tells how well both hold.

{reliability}

A prediction set holds the truth with the asked coverage. What was found may lie below by the
margin, by chance alone, in one of a thousand honest calibrations: both the calibration part and the
test part are samples. A set is never empty, so coverage is above what was asked where the most
probable label alone is right more often than that.

{sets}"""
