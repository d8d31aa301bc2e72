"""Any of several labels: a sigmoid and a temperature for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from training.architectures.heads import Head, LabelsHead
from training.calibration.reliability import Reliability
from training.calibration.temperature import fit_temperature
from training.cards.coverage_table import why_uncalibrated
from training.cards.score_table import OF_LABEL
from training.cards.templates import fill
from training.datasets.tables import Rows, TableParts
from training.datasets.targets import Target
from training.distillation.transfer_set import (
    Residuals,
    TransferSet,
    build_labels_transfer_set,
)
from training.evaluation.advantage import Advantage, labels_advantage
from training.evaluation.scores import Values, classification_scores, ranking_scores
from training.outcomes.outcome import Outputs, TableOutputs, Truth, row_names, with_temperature
from training.plots.golden_rows import plot_label_probabilities
from training.plots.label_scores import plot_label_scores
from training.plots.reliability import plot_reliability
from vitrine.bundle import Calibration
from vitrine.predictions import Predictions
from vitrine.signature import LabelsOutput, OutputSpec, Task


@dataclass(frozen=True, slots=True)
class MultiLabel:
    """Any of several labels.

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

    def build_transfer_set(self, rows: Rows, y: Truth, **options: Any) -> TransferSet:
        """Let an ensemble for each label give rows its probability."""
        return build_labels_transfer_set(rows, y, **options)

    def encode(self, y: Truth) -> Values:
        """Return the marks or probabilities as they are."""
        return y.astype(np.float32)

    def metric(self) -> keras.metrics.Metric:
        """Return how often a label agrees."""
        return keras.metrics.MeanMetricWrapper(_agree, name=self.measure)

    def finish(
        self,
        network: keras.Model,
        parts: TableParts,
        residuals: Residuals | None,
        *,
        seed: int,
    ) -> keras.Model:
        """Temper the probabilities of each label, where there is a calibration part."""
        return with_temperature(network, parts, self.head(parts.train.y), _fit_temperatures)

    def output_specs(self, parts: TableParts) -> tuple[OutputSpec, ...]:
        """Return a probability for each label."""
        labels = self.target.labels
        probabilities = LabelsOutput(
            name="probabilities",
            tensor="probabilities",
            dtype="float32",
            shape=(len(labels),),
            labels=labels,
        )
        return (probabilities,)

    def calibrate(self, outputs: TableOutputs, parts: TableParts) -> Calibration | None:
        """Return None: there are no sets or intervals to calibrate."""
        return None

    def scores(self, outputs: Outputs, y: Truth) -> dict[str, float]:
        """Return the means over the labels, then the scores of each label.

        A label that has no such score is left out of the mean. The standard error of the accuracy
        is that over rows, because the labels of one row are not independent.
        """
        of_labels = {
            label: _label_scores(probabilities, truth.astype(np.int64))
            for label, probabilities, truth in zip(
                self.target.labels, outputs["probabilities"].T, y.T, strict=True
            )
        }
        error = _accuracy_error(outputs["probabilities"], y)
        return {**_means(of_labels), "accuracy_standard_error": error, **_by_label(of_labels)}

    def advantage(
        self, outputs: Outputs, y: Truth, *, trained_on: Truth, balanced: bool
    ) -> Advantage:
        """Compare the labels with the commoner value of each, by accuracy."""
        return labels_advantage(outputs["probabilities"], y, balanced=balanced)

    def draw_plots(self, folder: Path, parts: TableParts, outputs: TableOutputs) -> None:
        """Draw the scores of each label, and how reliable all probabilities are."""
        probabilities, y = outputs.test["probabilities"], parts.test.y
        plot_label_scores(folder / "labels.png", probabilities, y, self.target.labels)
        both = _absent_and_present(probabilities.ravel())
        plot_reliability(
            folder / "reliability.png",
            [Reliability.of(both, y.ravel().astype(np.int64))],
            title="Probabilities of all labels",
        )

    def draw_golden_rows(self, path: Path, predictions: Predictions) -> None:
        """Draw the probability of each label, row by row."""
        names = row_names(predictions)
        plot_label_probabilities(path, names, predictions.values, self.target.labels)

    def mistakes_text(self) -> str:
        """Show the scores of each label."""
        return fill("label_mistakes")

    def trust_text(self, parts: TableParts, outputs: TableOutputs) -> str:
        """Tell how reliable the probabilities are."""
        if outputs.calibration is None:
            return fill("multi_label_trust_uncalibrated", reason=why_uncalibrated(parts))
        return fill("multi_label_trust", calibrating=f"{len(parts.calibration):,}")


def _agree(truth: Any, predicted: Any) -> Any:
    return ops.mean(ops.cast(ops.equal(truth > 0.5, predicted > 0.5), "float32"), axis=-1)


def _fit_temperatures(probabilities: Values, y: Truth) -> Values:
    temperatures = [
        fit_temperature(_absent_and_present(each), truth.astype(np.int64))
        for each, truth in zip(probabilities.T, y.T, strict=True)
    ]
    return np.array(temperatures, dtype=np.float32)


def _absent_and_present(probabilities: Values) -> Values:
    """Return the probabilities that a label is absent and that it is present.

    Shapes:
        (n,) to (n, 2).
    """
    return np.stack([1 - probabilities, probabilities], axis=1)


def _accuracy_error(probabilities: Values, y: Truth) -> float:
    """Return the standard error of the share of labels that are right, over rows."""
    right = ((probabilities > 0.5) == (y > 0.5)).mean(axis=1)
    return float(right.std() / np.sqrt(len(right)))


def _label_scores(probabilities: Values, y: Truth) -> dict[str, float]:
    both = _absent_and_present(probabilities)
    scores = classification_scores(both, y)
    del scores["accuracy_standard_error"]
    return {**scores, **ranking_scores(both, y, of=1)}


def _means(of_labels: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    measures = dict.fromkeys(name for scores in of_labels.values() for name in scores)
    return {
        name: float(np.mean([scores[name] for scores in of_labels.values() if name in scores]))
        for name in measures
    }


def _by_label(of_labels: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        f"{name}{OF_LABEL}{label}": value
        for label, scores in of_labels.items()
        for name, value in scores.items()
    }
