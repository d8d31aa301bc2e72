"""What every outcome can tell."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
from numpy.typing import NDArray

from training.architectures.labels import PROBABILITIES, temper
from training.architectures.tables import Head, predict
from training.datasets.tables import Rows, TableParts
from training.distillation import Lesson, Unexplained
from training.evaluation.scores import Values
from vitrine.bundle import Calibration
from vitrine.predictions import Predictions
from vitrine.signature import OutputSpec, Task

Outputs = dict[str, Values]
Truth = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the fitted network answers about the parts that did not train.

    Attributes:
        calibration: None where the table has no such part.

    Shapes:
        value: (n,); any other (n, width).
    """

    validation: Outputs
    calibration: Outputs | None
    test: Outputs


class Outcome(Protocol):
    """All that follows from what a table predicts."""

    @property
    def task(self) -> Task:
        """What the manifest calls it."""

    @property
    def measure(self) -> str:
        """The name of the metric that people look at, besides the loss."""

    @property
    def judged_by(self) -> str:
        """The score that decides whether a network is good enough; more is better."""

    def head(self, y: Truth) -> Head:
        """Return the network's last layer.

        Args:
            y: Of the rows that train.
        """

    def prepare(self, rows: Rows, y: Truth, **options: Any) -> Lesson:
        """Let teachers prepare a lesson; the options are those of `prepare_lesson`."""

    def encode(self, y: Truth) -> Values:
        """Return targets as the head's loss takes them.

        Args:
            y: Values, codes, labels; or probabilities that a lesson has.

        Shapes:
            (n, ...) to (n, width).
        """

    def metric(self) -> keras.metrics.Metric:
        """Return the measure, on what the head's layer gives."""

    def finish(
        self, network: keras.Model, parts: TableParts, left: Unexplained | None, *, seed: int
    ) -> keras.Model:
        """Make a fitted network say how sure it is.

        Args:
            network: That was fitted.
            parts: Of the table.
            left: By its teachers, of values; None where it had none.
            seed: Of every random choice.
        """

    def outputs(self, parts: TableParts) -> tuple[OutputSpec, ...]:
        """Say what comes out of the finished network, the prediction first."""

    def calibrate(self, answers: Answers, parts: TableParts) -> Calibration | None:
        """Return what the calibration part says of the network."""

    def scores(self, outputs: Outputs, y: Truth) -> dict[str, float]:
        """Return what the answers about one part are worth."""

    def draw(self, folder: Path, parts: TableParts, answers: Answers) -> None:
        """Draw what the card shows of the test part; no row of the data set is among it."""

    def draw_examples(self, path: Path, predictions: Predictions) -> None:
        """Draw what is predicted for rows made up by code."""

    def mistakes(self, parts: TableParts, answers: Answers) -> str:
        """Write the card's section on mistakes."""

    def trusted(self, parts: TableParts, answers: Answers) -> str:
        """Write the card's section on how far to trust it."""


def tempered(
    network: keras.Model,
    parts: TableParts,
    head: Head,
    fit: Callable[[Values, Truth], float | Values],
) -> keras.Model:
    """Return a network that gives probabilities alone, and means them where a part tells how.

    Args:
        network: That was fitted.
        parts: Of which one may calibrate.
        head: The network's last layer.
        fit: Finds the temperature, or one a label, from what is answered and the truth.
    """
    answered = {PROBABILITIES: network.output[PROBABILITIES]}
    finished = keras.Model(network.input, answered, name=network.name)
    if len(parts.calibration):
        found = predict(finished, parts.calibration.rows)[PROBABILITIES]
        temper(finished, fit(found, parts.calibration.y), layer=head.layer)
    return finished
