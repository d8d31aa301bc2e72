"""The table network beside CatBoost, with its defaults and tuned, on the same rows."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.architectures.table_inputs import predict
from training.catboost_comparison import (
    Part,
    PredictionsBySeed,
    ScoredRows,
    Tuning,
    compare_predictions,
    describe_comparison,
    write_comparison,
)
from training.datasets.tables import TablePart, TableParts
from training.errors import CannotTrain
from training.experiments.catboost import CatBoost, HyperParameters
from training.experiments.tables import TableConfig
from training.experiments.tables.data import describe_table, read
from training.experiments.tables.learn import learn
from training.progress import console

CANDIDATES = 20


def compare(
    config: TableConfig, *, seeds: int, part: Part, out: Path, candidates: int = CANDIDATES
) -> Path:
    """Train the network and CatBoost with several seeds on the same rows, and write their scores.

    The split is that of the config's seed. The network and the tuned CatBoost use the validation
    part to stop; CatBoost's defaults do not use it.

    Args:
        config: What the network is trained with.
        seeds: Number of seeds.
        part: Part that is scored.
        out: File to write.
        candidates: Number of random hyper-parameters from which the validation part chooses.

    Returns:
        The written file.

    Raises:
        CannotTrain: The data does not allow it.
    """
    parts = read(config)
    describe_table(parts, {})
    _require_regression(parts)
    chosen = CatBoost(parts).search(candidates, seed=config.seed)
    predicted = _predict_by_seed(parts, config, chosen, seeds=seeds, part=part)
    tuning = Tuning(candidates=candidates, hyper_parameters=dict(chosen))
    comparison = compare_predictions(predicted, _scored_rows(parts, part), tuning)
    write_comparison(out, comparison)
    console.print(describe_comparison(comparison))
    return out


def _require_regression(parts: TableParts) -> None:
    if parts.target.task != "regression":
        raise CannotTrain(
            "A comparison with CatBoost needs a numeric target. For class labels use "
            "cross-validate, which compares with scikit-learn's boosted trees."
        )


def _predict_by_seed(
    parts: TableParts,
    config: TableConfig,
    chosen: HyperParameters,
    *,
    seeds: int,
    part: Part,
) -> PredictionsBySeed:
    scored, catboost = getattr(parts, part), CatBoost(parts)
    rows = []
    for seed in range(config.seed, config.seed + seeds):
        network = learn(parts, config.learning, seed=seed).network
        values = (
            predict(network, scored.rows)["value"],
            catboost.predict_with_defaults(scored, seed=seed),
            catboost.predict_tuned(scored, chosen, seed=seed),
        )
        rows.append(values)
        _print_errors(values, scored, seed=seed)
    return PredictionsBySeed(*(np.stack(each) for each in zip(*rows, strict=True)))


def _print_errors(
    values: tuple[NDArray[np.floating], ...], scored: TablePart, *, seed: int
) -> None:
    network, defaults, tuned = (np.sqrt(np.mean((each - scored.y) ** 2)) for each in values)
    console.print(
        f"Seed {seed}: network {network:.6g}, CatBoost with its defaults {defaults:.6g}, "
        f"CatBoost tuned {tuned:.6g}"
    )


def _scored_rows(parts: TableParts, part: Part) -> ScoredRows:
    return ScoredRows(
        data_sha256=parts.sha256,
        target=parts.target.name,
        part=part,
        trained=len(parts.train),
        y=getattr(parts, part).y,
    )
