"""Two kinds of model on the same rows, by seed: how far apart they are and how sure that is.

NumPy only; knows nothing of what the models are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.errors import CannotTrain

Part = Literal["validation", "test"]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Root mean squared errors of both on the same rows, by seed.

    Attributes:
        data_sha256: Of the file.
        target: The column predicted.
        part: The rows they are scored on.
        trained, scored: How many rows.
        network, catboost: Errors by seed, in the target's unit.
        difference: Of the mean squared errors' roots, network less CatBoost.
        error_of_rows: Its standard error, had other rows been drawn to score on.
        error_of_seeds: Its standard error, had other seeds been drawn.
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
class Scored:
    """The rows that both are scored on, and those that both learned from.

    Attributes:
        data_sha256: Of the file.
        target: The column predicted.
        part: Which rows.
        trained: How many rows trained.
        y: Targets of the rows scored.
    """

    data_sha256: str
    target: str
    part: Part
    trained: int
    y: NDArray[np.float64]


def weigh(
    network: NDArray[np.float32], catboost: NDArray[np.float32], scored: Scored
) -> Comparison:
    """Compare predictions by seed and row.

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
    return Comparison(
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


def describe(comparison: Comparison) -> str:
    """Say in a few sentences what came out."""
    network, catboost = (float(np.mean(each)) for each in (comparison.network, comparison.catboost))
    return (
        f"Over {len(comparison.network)} seeds on the same {comparison.trained:,} training rows, "
        f"scored on the {comparison.scored:,} rows of the {comparison.part} part: mean RMSE "
        f"{network:,.6g} of this network, {catboost:,.6g} of CatBoost with its defaults. The "
        f"paired difference is {comparison.difference:+,.5g} "
        f"({comparison.difference / catboost:+.1%}), with a standard error of "
        f"{comparison.error_of_rows:,.3g} over rows and {comparison.error_of_seeds:,.3g} over "
        "seeds."
    )


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write a comparison for `read_comparison`."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(comparison), indent=2) + b"\n")


def read_comparison(path: Path, *, data_sha256: str, target: str) -> Comparison:
    """Read a comparison for the card of a network trained on the same data.

    Raises:
        CannotTrain: It cannot be read or is of other data.
    """
    try:
        comparison = msgspec.json.decode(path.read_bytes(), type=Comparison)
    except (OSError, msgspec.MsgspecError) as error:
        raise CannotTrain(f"{path} is no comparison written by `baseline`.") from error
    if (comparison.data_sha256, comparison.target) != (data_sha256, target):
        raise CannotTrain(f"{path} compares on other data or another target.")
    return comparison
