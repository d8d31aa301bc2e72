"""A number in the target's unit: squared error, quantiles, intervals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training import card
from training.architectures.tables import (
    Head,
    ValueHead,
    predict,
    spread_network,
    with_quantiles,
)
from training.calibration.coverage import constant_width, measure_intervals, supported_coverages
from training.calibration.scores import ascending
from training.datasets.tables import Rows, TableParts
from training.datasets.targets import Target
from training.distillation import Lesson, Unexplained, prepare_lesson
from training.evaluation.scores import Values, regression_scores
from training.formatting import format_number
from training.outcomes.outcome import Answers, Outputs, Truth
from training.plots.golden_rows import plot_values
from training.plots.intervals import plot_intervals
from training.plots.residuals import plot_residuals
from training.progress import console
from vitrine.bundle import Calibration
from vitrine.predictions import Predictions
from vitrine.signature import OutputSpec, QuantilesOutput, Task, ValueOutput
from vitrine.trust import intervals, threshold, value_scores

# What the two quantiles beside a value aim at; calibration stretches them to any coverage.
QUANTILES = (0.05, 0.95)
_DRAWN_COVERAGE = 0.9


@dataclass(frozen=True, slots=True)
class Value:
    """A regression.

    Attributes:
        target: What is predicted.
        unit: Of it, where that is known.
    """

    target: Target
    unit: str | None = None
    task: Task = "regression"
    measure: str = "rmse"
    judged_by: str = "r2"

    def head(self, y: Truth) -> Head:
        """Return one number, scaled as the targets are."""
        return ValueHead.of(y)

    def prepare(self, rows: Rows, y: Truth, **options: Any) -> Lesson:
        """Let teachers of values prepare the lesson."""
        return prepare_lesson(rows, y, **options)

    def encode(self, y: Truth) -> Values:
        """Return values as a column."""
        return y.astype(np.float32)[:, np.newaxis]

    def metric(self) -> keras.metrics.Metric:
        """Return the root of the mean squared error."""
        return keras.metrics.RootMeanSquaredError(name=self.measure)

    def finish(
        self, network: keras.Model, parts: TableParts, left: Unexplained | None, *, seed: int
    ) -> keras.Model:
        """Add two quantiles, where there is a part to calibrate them on."""
        if not len(parts.calibration):
            value = {"value": network.output["value"]}
            return keras.Model(network.input, value, name=network.name)
        console.print("Learning how far the truth may lie away ...")
        if left is None:  # rows that only chose the epoch are nearly as new to it as any other
            rows, y = parts.validation.rows, parts.validation.y
            left = Unexplained(rows, y - predict(network, rows)["value"])
        return learn_quantiles(network, left, seed=seed)

    def outputs(self, parts: TableParts) -> tuple[OutputSpec, ...]:
        """Say that a value comes out, and quantiles where they were calibrated."""
        value = ValueOutput(
            name="value", tensor="value", dtype="float32", shape=(1,), unit=self.unit
        )
        if not len(parts.calibration):
            return (value,)
        quantiles = QuantilesOutput(
            name="quantiles",
            tensor="quantiles",
            dtype="float32",
            shape=(2,),
            levels=QUANTILES,
            unit=self.unit,
        )
        return value, quantiles

    def calibrate(self, answers: Answers, parts: TableParts) -> Calibration | None:
        """Return what the calibration part says of the network's quantiles."""
        if answers.calibration is None:
            return None
        return Calibration(scores=ascending(_scores(answers.calibration, parts)))

    def scores(self, outputs: Outputs, y: Truth) -> dict[str, float]:
        """Return RMSE, MAE and R2."""
        return regression_scores(outputs["value"], y)

    def draw(self, folder: Path, parts: TableParts, answers: Answers) -> None:
        """Draw residuals and the widths of intervals."""
        outputs, unit = answers.test, self.unit or ""
        plot_residuals(folder / "residuals.png", outputs["value"], parts.test.y, unit=unit)
        if answers.calibration is not None:
            limit = threshold(_scores(answers.calibration, parts), _DRAWN_COVERAGE)
            ends = intervals(outputs["value"], outputs["quantiles"], limit)
            plot_intervals(
                folder / "intervals.png",
                outputs["value"],
                ends[:, 1] - ends[:, 0],
                constant=_constant_width(answers.calibration, parts, _DRAWN_COVERAGE),
                coverage=_DRAWN_COVERAGE,
                unit=unit,
            )

    def draw_examples(self, path: Path, predictions: Predictions) -> None:
        """Draw values as bars."""
        plot_values(
            path,
            [f"row {row}" for row in range(1, len(predictions) + 1)],
            predictions.values,
            label=f"{self.target.name} {self.unit or ''}".strip(),
        )

    def mistakes(self, parts: TableParts, answers: Answers) -> str:
        """Show the residuals."""
        return card.image("residuals", "predicted against true values; residuals")

    def trusted(self, parts: TableParts, answers: Answers) -> str:
        """Write how well intervals hold on rows that did not calibrate them."""
        calibrated = answers.calibration
        if calibrated is None:
            return card.uncalibrated(parts, "it answers with values alone, without intervals.")
        rows = []
        test, scores = answers.test, _scores(calibrated, parts)
        for asked in supported_coverages(len(scores)):
            found = measure_intervals(test["value"], test["quantiles"], parts.test.y, scores, asked)
            constant = _constant_width(calibrated, parts, asked)
            rows.append([*card.covered(found, unit=""), format_number(constant)])
        return TRUSTED.format(
            calibrating=len(scores),
            rows=card.table([*card.COVERED, "one width for all"], rows),
            intervals=card.image("intervals", "width of the intervals by predicted value"),
        )


def _scores(outputs: Outputs, parts: TableParts) -> Values:
    """Return the calibration part's nonconformity scores, ascending."""
    return np.sort(value_scores(outputs["value"], outputs["quantiles"], parts.calibration.y))


def _constant_width(outputs: Outputs, parts: TableParts, asked: float) -> float:
    residuals = np.abs(outputs["value"] - parts.calibration.y).astype(np.float32)
    return constant_width(residuals, asked)


def learn_quantiles(network: keras.Model, left: Unexplained, *, seed: int) -> keras.Model:
    """Add two quantiles to a fitted network, which stays as it is.

    They are learned from what was left unexplained of rows that had not been seen: on the rows that
    trained it, the network itself is closer to the truth than it will be on others.

    References:
        Koenker, Bassett (1978), Regression quantiles, doi:10.2307/1913643.
    """
    features = predict(network, left.rows)["features"]
    spread = spread_network(features)
    unit = left.rmse or 1.0
    order = np.random.default_rng(seed).permutation(len(features))
    fitting, watching = np.split(order, [len(order) * 7 // 8])
    residuals = (left.residuals / unit).astype(np.float32)[:, np.newaxis]
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


TRUSTED = """\
Intervals are predicted quantiles, stretched until they hold the truth with the asked coverage
(conformalised quantile regression). {calibrating:,} rows that neither trained nor chose anything
tell by how much; the test part counts how often that holds. What was found may lie below or above
by the margin, by chance alone, in two of a thousand honest calibrations: both parts are samples.
The last column is what an interval of one width for all rows would need.

{rows}

{intervals}"""
