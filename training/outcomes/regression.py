"""A value: squared error, quantiles, intervals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.architectures.heads import Head, ValueHead
from training.architectures.quantiles import spread_network, with_quantiles
from training.architectures.table_inputs import predict
from training.calibration.coverage import (
    constant_width,
    measure_intervals,
    supported_coverages,
)
from training.calibration.scores import ascending
from training.cards.coverage_table import COVERAGE_HEADER, coverage_row, why_uncalibrated
from training.cards.markdown import table
from training.cards.templates import fill
from training.datasets.tables import Rows, TableParts
from training.datasets.targets import Target
from training.distillation.transfer_set import Residuals, TransferSet, build_transfer_set
from training.evaluation.advantage import Advantage, values_advantage
from training.evaluation.scores import Values, regression_scores
from training.formatting import format_number
from training.outcomes.outcome import Outputs, TableOutputs, Truth, row_names
from training.plots.golden_rows import plot_values
from training.plots.intervals import plot_intervals
from training.plots.residuals import plot_residuals
from training.progress import Advance, nothing, stretch
from vitrine.bundle import Calibration
from vitrine.predictions import Predictions
from vitrine.signature import OutputSpec, QuantilesOutput, Task, ValueOutput
from vitrine.trust import intervals, threshold, value_scores

# Levels of the two quantiles beside a value; calibration stretches them to any coverage.
QUANTILES = (0.05, 0.95)
_DRAWN_COVERAGE = 0.9
_QUANTILE_EPOCHS, _QUANTILE_PATIENCE, _QUANTILE_RATE = 40, 5, 2e-3


@dataclass(frozen=True, slots=True)
class Regression:
    """A value.

    Attributes:
        target: What is predicted.
        unit: Unit of the value; None where it is not known.
    """

    target: Target
    unit: str | None = None
    task: Task = "regression"
    measure: str = "rmse"
    judged_by: str = "r2"

    def head(self, y: Truth) -> Head:
        """Return one number, scaled as the targets are."""
        return ValueHead.of(y)

    def build_transfer_set(self, rows: Rows, y: Truth, **options: Any) -> TransferSet:
        """Let an ensemble label rows with values."""
        return build_transfer_set(rows, y, **options)

    def encode(self, y: Truth) -> Values:
        """Return values as a column."""
        return y.astype(np.float32)[:, np.newaxis]

    def metric(self) -> keras.metrics.Metric:
        """Return the root mean squared error."""
        return keras.metrics.RootMeanSquaredError(name=self.measure)

    def finish(
        self,
        network: keras.Model,
        parts: TableParts,
        residuals: Residuals | None,
        *,
        seed: int,
    ) -> keras.Model:
        """Add two quantiles, where there is a part to calibrate them on."""
        if not len(parts.calibration):
            outputs = {"value": network.output["value"]}
            return keras.Model(network.input, outputs, name=network.name)
        text = "Learning how far the true value may lie from the prediction"
        with stretch(text, total=_QUANTILE_EPOCHS) as advance:
            if residuals is None:
                # Rows that chose the epoch alone are nearly as new to the network as any others.
                rows, y = parts.validation.rows, parts.validation.y
                residuals = Residuals(rows, y - predict(network, rows)["value"])
            return learn_quantiles(network, residuals, seed=seed, advance=advance)

    def output_specs(self, parts: TableParts) -> tuple[OutputSpec, ...]:
        """Return a value, and quantiles where they were calibrated."""
        value = ValueOutput(
            name="value", tensor="value", dtype="float32", shape=(1,), unit=self.unit
        )
        quantiles = QuantilesOutput(
            name="quantiles",
            tensor="quantiles",
            dtype="float32",
            shape=(2,),
            levels=QUANTILES,
            unit=self.unit,
        )
        return (value, quantiles) if len(parts.calibration) else (value,)

    def calibrate(self, outputs: TableOutputs, parts: TableParts) -> Calibration | None:
        """Return the scores of the true values of the calibration part."""
        if outputs.calibration is None:
            return None
        return Calibration(scores=ascending(_scores(outputs.calibration, parts)))

    def scores(self, outputs: Outputs, y: Truth) -> dict[str, float]:
        """Return RMSE, MAE and R2."""
        return regression_scores(outputs["value"], y)

    def advantage(
        self, outputs: Outputs, y: Truth, *, trained_on: Truth, balanced: bool
    ) -> Advantage:
        """Compare the values with the mean, by RMSE."""
        return values_advantage(outputs["value"], y, mean=float(trained_on.mean()))

    def draw_plots(self, folder: Path, parts: TableParts, outputs: TableOutputs) -> None:
        """Draw residuals and the widths of intervals."""
        value, unit = outputs.test["value"], self.unit or ""
        plot_residuals(folder / "residuals.png", value, parts.test.y, unit=unit)
        if outputs.calibration is None:
            return
        limit = threshold(_scores(outputs.calibration, parts), _DRAWN_COVERAGE)
        ends = intervals(value, outputs.test["quantiles"], limit)
        plot_intervals(
            folder / "intervals.png",
            value,
            ends[:, 1] - ends[:, 0],
            constant=_constant_width(outputs.calibration, parts, _DRAWN_COVERAGE),
            coverage=_DRAWN_COVERAGE,
            unit=unit,
        )

    def draw_golden_rows(self, path: Path, predictions: Predictions) -> None:
        """Draw the value of each row as a bar."""
        label = f"{self.target.name} {self.unit or ''}".strip()
        plot_values(path, row_names(predictions), predictions.values, label=label)

    def mistakes_text(self) -> str:
        """Show the residuals."""
        return fill("residuals")

    def trust_text(self, parts: TableParts, outputs: TableOutputs) -> str:
        """Tell how well intervals hold on rows that did not calibrate them."""
        if outputs.calibration is None:
            return fill("regression_trust_uncalibrated", reason=why_uncalibrated(parts))
        scores = _scores(outputs.calibration, parts)
        rows = []
        for coverage in supported_coverages(len(scores)):
            measured = measure_intervals(
                outputs.test["value"], outputs.test["quantiles"], parts.test.y, scores, coverage
            )
            constant = _constant_width(outputs.calibration, parts, coverage)
            rows.append([*coverage_row(measured, unit=""), format_number(constant)])
        return fill(
            "regression_trust",
            calibrating=f"{len(scores):,}",
            intervals=table([*COVERAGE_HEADER, "one width for all"], rows),
        )


def _scores(outputs: Outputs, parts: TableParts) -> Values:
    """Return the nonconformity scores of the calibration part, ascending."""
    return np.sort(value_scores(outputs["value"], outputs["quantiles"], parts.calibration.y))


def _constant_width(outputs: Outputs, parts: TableParts, coverage: float) -> float:
    residuals = np.abs(outputs["value"] - parts.calibration.y).astype(np.float32)
    return constant_width(residuals, coverage)


def learn_quantiles(
    network: keras.Model, residuals: Residuals, *, seed: int, advance: Advance = nothing
) -> keras.Model:
    """Add two quantiles to a fitted network, whose values stay as they are.

    They are learned from residuals of rows that the predictor had not seen. On its training rows a
    network is closer to the truth than it will be on others.

    Args:
        network: The fitted network.
        residuals: Residuals of rows that were new to the predictor.
        seed: Seed of the split into rows that fit and rows that stop the fit.
        advance: Tells that one more epoch is done.

    References:
        Koenker, Bassett (1978), Regression quantiles, doi:10.2307/1913643.
    """
    features = predict(network, residuals.rows)["features"]
    spread = spread_network(features)
    unit = residuals.rmse or 1.0
    in_units = (residuals.values / unit).astype(np.float32)[:, np.newaxis]
    _fit_spread(spread, features, in_units, seed=seed, advance=advance)
    return with_quantiles(network, spread, unit=unit)


def _fit_spread(
    spread: keras.Model, features: Values, residuals: Values, *, seed: int, advance: Advance
) -> None:
    order: NDArray[np.intp] = np.random.default_rng(seed).permutation(len(features))
    fitting, stopping = np.split(order, [len(order) * 7 // 8])
    # The copy is compiled. A loss that were saved with the network would be missing elsewhere.
    learner = keras.Model(spread.input, spread.output)
    learner.compile(keras.optimizers.Adam(_QUANTILE_RATE), _pinball_loss)
    learner.fit(
        features[fitting],
        residuals[fitting],
        validation_data=(features[stopping], residuals[stopping]),
        epochs=_QUANTILE_EPOCHS,
        batch_size=int(np.clip(len(fitting) // 40, 8, 256)),
        callbacks=[
            keras.callbacks.EarlyStopping(patience=_QUANTILE_PATIENCE, restore_best_weights=True),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: advance(1)),
        ],
        verbose=0,
    )


def _pinball_loss(residuals: Any, distances: Any) -> Any:
    """Return the loss that is smallest where the distances reach the quantiles."""
    low, high = QUANTILES
    below, above = residuals + distances[:, :1], residuals - distances[:, 1:]
    return keras.ops.mean(
        keras.ops.maximum(low * below, (low - 1) * below)
        + keras.ops.maximum(high * above, (high - 1) * above)
    )
