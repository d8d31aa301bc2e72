"""The comparison of a table network with CatBoost on the same rows, over several seeds.

This module uses NumPy only; the predictions come from its caller.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.errors import CannotTrain

Part = Literal["validation", "test"]


class PairedErrors(msgspec.Struct, frozen=True, kw_only=True):
    """Root mean squared errors of CatBoost, and how the network's differ.

    Attributes:
        errors: Errors of CatBoost, one for each seed, in the unit of the target.
        difference: Mean error of the network less that of CatBoost.
        error_of_rows: Standard error of the difference over the choice of scored rows.
        error_of_seeds: Standard error of the difference over the choice of seeds.
    """

    errors: tuple[float, ...]
    difference: float
    error_of_rows: float
    error_of_seeds: float


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """How the hyper-parameters of the tuned CatBoost were found.

    Attributes:
        candidates: Number of random hyper-parameters from which the validation part chose.
        hyper_parameters: The chosen ones, by CatBoost's names.
    """

    candidates: int
    hyper_parameters: dict[str, float]


class CatBoostComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Root mean squared errors of the network and of CatBoost on the same rows.

    Attributes:
        data_sha256: Hash of the file.
        target: Column that is predicted.
        part: Part that is scored.
        trained: Number of rows that all were trained on.
        scored: Number of rows that all were scored on.
        network: Errors of the network, one for each seed, in the unit of the target.
        defaults: Errors of CatBoost with its defaults.
        tuned: Errors of CatBoost with the hyper-parameters that the validation part chose.
        tuning: How these were found.
    """

    data_sha256: str
    target: str
    part: Part
    trained: int
    scored: int
    network: tuple[float, ...]
    defaults: PairedErrors
    tuned: PairedErrors
    tuning: Tuning


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """The rows that the network and CatBoost are scored on.

    Attributes:
        data_sha256: Hash of the file.
        target: Column that is predicted.
        part: Part that the rows are.
        trained: Number of rows that both were trained on.
        y: Targets of the scored rows.
    """

    data_sha256: str
    target: str
    part: Part
    trained: int
    y: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PredictionsBySeed:
    """Predictions for the same rows, one row of predictions for each seed.

    Attributes:
        network: Predictions of the network.
        defaults: Predictions of CatBoost with its defaults.
        tuned: Predictions of the tuned CatBoost.

    Shapes:
        network, defaults, tuned: (seeds, n).
    """

    network: NDArray[np.float32]
    defaults: NDArray[np.float32]
    tuned: NDArray[np.float32]


def compare_predictions(
    predicted: PredictionsBySeed, scored: ScoredRows, tuning: Tuning
) -> CatBoostComparison:
    """Compare predictions seed by seed and row by row.

    Args:
        predicted: What each model predicted.
        scored: Rows that were predicted.
        tuning: How the tuned CatBoost was found.
    """
    y = scored.y
    squares = _squared_errors(predicted.network, y)
    return CatBoostComparison(
        data_sha256=scored.data_sha256,
        target=scored.target,
        part=scored.part,
        trained=scored.trained,
        scored=len(y),
        network=tuple(_root_means(squares).tolist()),
        defaults=_pair(squares, _squared_errors(predicted.defaults, y)),
        tuned=_pair(squares, _squared_errors(predicted.tuned, y)),
        tuning=tuning,
    )


def _squared_errors(values: NDArray[np.float32], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values.astype(np.float64) - y) ** 2)


def _root_means(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(squares.mean(axis=1)))


def _pair(network: NDArray[np.float64], catboost: NDArray[np.float64]) -> PairedErrors:
    """Compare the squared errors of two models.

    Shapes:
        network, catboost: (seeds, n).
    """
    seeds, rows = network.shape
    by_seed = [_root_means(each) for each in (network, catboost)]
    by_row = (network - catboost).mean(axis=0) / (2 * float(np.mean(by_seed)))
    differences = by_seed[0] - by_seed[1]
    return PairedErrors(
        errors=tuple(by_seed[1].tolist()),
        difference=float(differences.mean()),
        error_of_rows=float(by_row.std(ddof=1) / np.sqrt(rows)),
        error_of_seeds=float(differences.std(ddof=1) / np.sqrt(seeds)) if seeds > 1 else 0.0,
    )


def describe_comparison(comparison: CatBoostComparison) -> str:
    """Say the result of a comparison in a few sentences."""
    seeds, tuning = len(comparison.network), comparison.tuning
    chosen = ", ".join(f"{name} {value:g}" for name, value in tuning.hyper_parameters.items())
    return (
        f"A network that trees teach and CatBoost were trained on the same {comparison.trained:,} "
        f"rows with {seeds} seed{'s' if seeds > 1 else ''}, and scored on the "
        f"{comparison.scored:,} rows of the {comparison.part} part. The mean RMSE of the network "
        f"is {float(np.mean(comparison.network)):,.6g}. "
        f"{_describe_pair('CatBoost with its defaults', comparison.defaults)} "
        f"{_describe_pair('CatBoost tuned by validation', comparison.tuned)} The validation part "
        f"chose the tuned hyper-parameters from {tuning.candidates} random ones ({chosen}), and "
        "the number of trees."
    )


def _describe_pair(model: str, paired: PairedErrors) -> str:
    catboost = float(np.mean(paired.errors))
    of_seeds = f" and {paired.error_of_seeds:,.3g} over seeds" if len(paired.errors) > 1 else ""
    return (
        f"That of {model} is {catboost:,.6g}: the paired difference is {paired.difference:+,.5g} "
        f"({paired.difference / catboost:+.1%}), with a standard error of "
        f"{paired.error_of_rows:,.3g} over rows{of_seeds}."
    )


def write_comparison(path: Path, comparison: CatBoostComparison) -> None:
    """Write a comparison for `read_comparison`."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(comparison), indent=2) + b"\n")


def read_comparison(path: Path, *, data_sha256: str, target: str) -> CatBoostComparison:
    """Read a comparison for the card of a network that was trained on the same data.

    Raises:
        CannotTrain: The file cannot be read, or compares on other data.
    """
    try:
        comparison = msgspec.json.decode(path.read_bytes(), type=CatBoostComparison)
    except (OSError, msgspec.MsgspecError) as error:
        raise CannotTrain(f"{path} is no comparison that `baseline` wrote.") from error
    if (comparison.data_sha256, comparison.target) != (data_sha256, target):
        raise CannotTrain(f"{path} compares on other data or for another target.")
    return comparison
