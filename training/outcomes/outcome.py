"""What every outcome can do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
from numpy.typing import NDArray

from training.architectures.heads import Head
from training.architectures.labels import PROBABILITIES, temper
from training.architectures.table_inputs import predict
from training.datasets.tables import Rows, TableParts
from training.distillation.transfer_set import Residuals, TransferSet
from training.evaluation.advantage import Advantage
from training.evaluation.scores import Values
from vitrine.bundle import Calibration
from vitrine.predictions import Predictions
from vitrine.signature import OutputSpec, Task

Outputs = dict[str, Values]
Truth = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOutputs:
    """Outputs of the fitted network for the parts that did not train.

    Attributes:
        validation: Outputs for the validation part.
        calibration: Outputs for the calibration part; None where there is none.
        test: Outputs for the test part.
        advantage: The network beside one constant answer, on validation and calibration.

    Shapes:
        value: (n,); any other output (n, width).
    """

    validation: Outputs
    calibration: Outputs | None
    test: Outputs
    advantage: Advantage


class Outcome(Protocol):
    """What depends on the task of a table."""

    @property
    def task(self) -> Task:
        """The task, as the manifest names it."""

    @property
    def measure(self) -> str:
        """Name of the metric that people watch, besides the loss."""

    @property
    def judged_by(self) -> str:
        """Name of the score that decides whether a network is good enough; more is better."""

    def head(self, y: Truth) -> Head:
        """Return the network's last layer.

        Args:
            y: Targets of the training rows.
        """

    def build_transfer_set(self, rows: Rows, y: Truth, **options: Any) -> TransferSet:
        """Build what a network learns from; the options are those of the function of that name."""

    def encode(self, y: Truth) -> Values:
        """Return targets as the head's loss takes them.

        Args:
            y: Values, codes of labels, or marks of labels; or probabilities of a transfer set.

        Shapes:
            (n, ...) to (n, width).
        """

    def metric(self) -> keras.metrics.Metric:
        """Return the metric that people watch, on the output of the head's layer."""

    def finish(
        self,
        network: keras.Model,
        parts: TableParts,
        residuals: Residuals | None,
        *,
        seed: int,
    ) -> keras.Model:
        """Make a fitted network tell how sure it is.

        Args:
            network: The fitted network.
            parts: The table.
            residuals: Residuals of the ensemble that taught the network; None where there are none.
            seed: Seed of every random choice.
        """

    def output_specs(self, parts: TableParts) -> tuple[OutputSpec, ...]:
        """Return the outputs of the finished network, the prediction first."""

    def calibrate(self, outputs: TableOutputs, parts: TableParts) -> Calibration | None:
        """Return the scores of the calibration part; None where there is none."""

    def scores(self, outputs: Outputs, y: Truth) -> dict[str, float]:
        """Return the scores of outputs for one part."""

    def advantage(
        self, outputs: Outputs, y: Truth, *, trained_on: Truth, balanced: bool
    ) -> Advantage:
        """Compare outputs with one constant answer.

        Args:
            outputs: Outputs for rows that did not train.
            y: Targets of these rows.
            trained_on: Targets of the training rows.
            balanced: Whether class labels count the same, however rare they are.
        """

    def draw_plots(self, folder: Path, parts: TableParts, outputs: TableOutputs) -> None:
        """Draw the plots of the test part for the card; none of them shows a single row."""

    def draw_golden_rows(self, path: Path, predictions: Predictions) -> None:
        """Draw the predictions for rows made by code."""

    def mistakes_text(self) -> str:
        """Write the section of the card about mistakes."""

    def trust_text(self, parts: TableParts, outputs: TableOutputs) -> str:
        """Write the section of the card about how far to trust the model."""


def row_names(predictions: Predictions) -> list[str]:
    """Return the names of golden rows in plots."""
    return [f"row {number}" for number in range(1, len(predictions) + 1)]


def with_temperature(
    network: keras.Model,
    parts: TableParts,
    head: Head,
    fit: Callable[[Values, Truth], float | Values],
) -> keras.Model:
    """Return a network that gives probabilities alone, tempered where there is a calibration part.

    Args:
        network: The fitted network.
        parts: The table.
        head: The network's last layer.
        fit: Function from probabilities and true labels to one temperature, or one for each label.
    """
    outputs = {PROBABILITIES: network.output[PROBABILITIES]}
    finished = keras.Model(network.input, outputs, name=network.name)
    if len(parts.calibration):
        untempered = predict(finished, parts.calibration.rows)[PROBABILITIES]
        temper(finished, fit(untempered, parts.calibration.y), layer=head.layer)
    return finished
