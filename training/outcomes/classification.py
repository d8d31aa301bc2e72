"""One class label of two or more: cross-entropy, a temperature, prediction sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from training.architectures.heads import BinaryHead, ClassesHead, Head
from training.calibration.coverage import measure_sets, supported_coverages
from training.calibration.reliability import Reliability
from training.calibration.scores import ascending
from training.calibration.temperature import fit_temperature
from training.cards.coverage_table import COVERAGE_HEADER, coverage_row, why_uncalibrated
from training.cards.markdown import table
from training.cards.templates import fill
from training.datasets.tables import Rows, TableParts
from training.datasets.targets import Target
from training.distillation.transfer_set import Residuals, TransferSet, build_transfer_set
from training.evaluation.advantage import Advantage, classes_advantage
from training.evaluation.scores import (
    Values,
    classification_scores,
    confusion_matrix,
    ranking_scores,
)
from training.outcomes.outcome import Outputs, TableOutputs, Truth, row_names, with_temperature
from training.plots.confusion import plot_confusion
from training.plots.golden_rows import plot_class_probabilities
from training.plots.ranking import plot_ranking_curves
from training.plots.reliability import plot_reliability
from vitrine.bundle import Calibration
from vitrine.predictions import Predictions
from vitrine.signature import OutputSpec, ProbabilitiesOutput, Task
from vitrine.trust import class_scores


@dataclass(frozen=True, slots=True)
class Classification:
    """One class label of two or more.

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

    def build_transfer_set(self, rows: Rows, y: Truth, **options: Any) -> TransferSet:
        """Let an ensemble label rows with probabilities of classes."""
        return build_transfer_set(rows, y, **options)

    def encode(self, y: Truth) -> Values:
        """Return a probability for each label, or, of two labels, for the second alone."""
        probabilities = np.eye(len(self.target.labels))[y] if y.ndim == 1 else y
        return (probabilities[:, 1:] if self._is_binary else probabilities).astype(np.float32)

    def metric(self) -> keras.metrics.Metric:
        """Return how often the most probable labels agree."""
        return keras.metrics.MeanMetricWrapper(self._agree, name=self.measure)

    def _agree(self, truth: Any, predicted: Any) -> Any:
        if self._is_binary:
            return ops.cast(ops.equal(truth > 0.5, predicted > 0.5), "float32")
        return ops.cast(ops.equal(ops.argmax(truth, -1), ops.argmax(predicted, -1)), "float32")

    def finish(
        self,
        network: keras.Model,
        parts: TableParts,
        residuals: Residuals | None,
        *,
        seed: int,
    ) -> keras.Model:
        """Temper the probabilities, where there is a calibration part."""
        return with_temperature(network, parts, self.head(parts.train.y), fit_temperature)

    def output_specs(self, parts: TableParts) -> tuple[OutputSpec, ...]:
        """Return a probability for each label."""
        labels = self.target.labels
        probabilities = ProbabilitiesOutput(
            name="probabilities",
            tensor="probabilities",
            dtype="float32",
            shape=(len(labels),),
            labels=labels,
        )
        return (probabilities,)

    def calibrate(self, outputs: TableOutputs, parts: TableParts) -> Calibration | None:
        """Return the scores of the true labels of the calibration part."""
        if outputs.calibration is None:
            return None
        return Calibration(scores=ascending(_scores(outputs.calibration, parts)))

    def scores(self, outputs: Outputs, y: Truth) -> dict[str, float]:
        """Return accuracy, log loss, areas under curves, F1 and calibration error."""
        probabilities = outputs["probabilities"]
        rarest = self.target.rarest if self._is_binary else None
        return {
            **classification_scores(probabilities, y),
            **ranking_scores(probabilities, y, of=rarest),
            "calibration_error": Reliability.of(probabilities, y).error,
        }

    def advantage(
        self, outputs: Outputs, y: Truth, *, trained_on: Truth, balanced: bool
    ) -> Advantage:
        """Compare the labels with the commonest one, by accuracy."""
        labels = self.target.labels
        return classes_advantage(outputs["probabilities"], y, labels=labels, balanced=balanced)

    def draw_plots(self, folder: Path, parts: TableParts, outputs: TableOutputs) -> None:
        """Draw the confusion matrix, the reliability and, of two labels, the curves."""
        probabilities, y = outputs.test["probabilities"], parts.test.y
        self._draw_confusion(folder / "confusion.png", probabilities.argmax(axis=1), y)
        plot_reliability(
            folder / "reliability.png",
            [Reliability.of(probabilities, y)],
            title="Probabilities of the test part",
        )
        if self._is_binary:
            code = self.target.rarest or 0
            label = self.target.labels[code]
            plot_ranking_curves(
                folder / "curves.png", probabilities[:, code], y == code, label=label
            )

    def _draw_confusion(self, path: Path, predicted: Truth, y: Truth) -> None:
        labels, wrong = self.target.labels, int((predicted != y).sum())
        plot_confusion(
            path,
            confusion_matrix(predicted, y, len(labels)),
            labels,
            title=f"Test part: {wrong:,} of {len(y):,} predictions are wrong",
        )

    def draw_golden_rows(self, path: Path, predictions: Predictions) -> None:
        """Draw the probabilities of each row as a bar."""
        names = row_names(predictions)
        plot_class_probabilities(path, names, predictions.values, self.target.labels)

    def mistakes_text(self) -> str:
        """Show the confusion matrix and, of two labels, the curves."""
        curves = [fill("ranking_curves")] if self._is_binary else []
        return "\n\n".join([fill("confusion"), *curves])

    def trust_text(self, parts: TableParts, outputs: TableOutputs) -> str:
        """Tell how well prediction sets hold on rows that did not calibrate them."""
        if outputs.calibration is None:
            return fill("classification_trust_uncalibrated", reason=why_uncalibrated(parts))
        scores = np.sort(_scores(outputs.calibration, parts))
        rows = [
            coverage_row(measured, unit="labels")
            for measured in (
                measure_sets(outputs.test["probabilities"], parts.test.y, scores, coverage)
                for coverage in supported_coverages(len(scores))
            )
        ]
        return fill(
            "classification_trust",
            calibrating=f"{len(scores):,}",
            sets=table(COVERAGE_HEADER, rows),
        )


def _scores(outputs: Outputs, parts: TableParts) -> Values:
    """Return the nonconformity scores of the true labels of the calibration part."""
    y = parts.calibration.y
    scores: Values = class_scores(outputs["probabilities"])[np.arange(len(y)), y]
    return scores
