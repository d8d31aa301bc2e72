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


class CatBoostComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Root mean squared errors of the network and of CatBoost on the same rows.

    Attributes:
        data_sha256: Hash of the file.
        target: Column that is predicted.
        part: Part that is scored.
        trained: Number of rows that both were trained on.
        scored: Number of rows that both were scored on.
        network: Errors of the network, one for each seed, in the unit of the target.
        catboost: Errors of CatBoost, one for each seed, in the unit of the target.
        difference: Mean error of the network less that of CatBoost.
        error_of_rows: Standard error of the difference over the choice of scored rows.
        error_of_seeds: Standard error of the difference over the choice of seeds.
    """

    data_sha256: str
    target: str
    part: Part
    trained: int
    scored: int
    network: tuple[float, ...]
    catboost: tuple[float, ...]
    difference: float
    error_of_rows: float
    error_of_seeds: float


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


def compare_predictions(
    network: NDArray[np.float32], catboost: NDArray[np.float32], scored: ScoredRows
) -> CatBoostComparison:
    """Compare predictions seed by seed and row by row.

    Args:
        network: Predictions of the network.
        catboost: Predictions of CatBoost.
        scored: Rows that were predicted.

    Shapes:
        network, catboost: (seeds, n).
    """
    y = scored.y
    squares = [(values.astype(np.float64) - y) ** 2 for values in (network, catboost)]
    by_seed = [np.sqrt(each.mean(axis=1)) for each in squares]
    typical = float(np.mean(by_seed))
    by_row = (squares[0] - squares[1]).mean(axis=0) / (2 * typical)
    differences = by_seed[0] - by_seed[1]
    seeds = len(differences)
    return CatBoostComparison(
        data_sha256=scored.data_sha256,
        target=scored.target,
        part=scored.part,
        trained=scored.trained,
        scored=len(y),
        network=tuple(by_seed[0].tolist()),
        catboost=tuple(by_seed[1].tolist()),
        difference=float(differences.mean()),
        error_of_rows=float(by_row.std(ddof=1) / np.sqrt(len(y))),
        error_of_seeds=float(differences.std(ddof=1) / np.sqrt(seeds)) if seeds > 1 else 0.0,
    )


def describe_comparison(comparison: CatBoostComparison) -> str:
    """Say the result of a comparison in a few sentences."""
    seeds = len(comparison.network)
    network, catboost = (float(np.mean(each)) for each in (comparison.network, comparison.catboost))
    return (
        "This network and CatBoost with its defaults were trained on the same "
        f"{comparison.trained:,} rows with {seeds} seed{'s' if seeds > 1 else ''}, and scored on "
        f"the {comparison.scored:,} rows of the {comparison.part} part. The mean RMSE is "
        f"{network:,.6g} for this network and {catboost:,.6g} for CatBoost. The paired difference "
        f"is {comparison.difference:+,.5g} ({comparison.difference / catboost:+.1%}), with a "
        f"standard error of {comparison.error_of_rows:,.3g} over rows and "
        f"{comparison.error_of_seeds:,.3g} over seeds."
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
