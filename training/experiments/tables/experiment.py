"""All steps of the experiment, one after the other."""

from pathlib import Path

from training.catboost_comparison import CatBoostComparison, read_comparison
from training.datasets.tables import TableParts
from training.errors import CannotTrain
from training.experiments.tables.config import TableConfig
from training.experiments.tables.data import describe_table, find_leaks, read
from training.experiments.tables.evaluate import evaluate
from training.experiments.tables.learn import learn
from training.experiments.tables.publish import publish
from training.experiments.tables.trained import TrainedTable
from training.outcomes import outcome_of
from training.publishing.draft import Draft
from training.publishing.report import print_report


def train(config: TableConfig) -> Path:
    """Train a network and publish it.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data does not allow it, or the result is not good enough.
    """
    with Draft(config.models, config.name) as draft:
        parts = read(config)
        _refuse_unit_of_labels(parts, config)
        comparison = _read_comparison(parts, config)
        leaks = find_leaks(parts, seed=config.seed)
        describe_table(parts, leaks)
        fitted = learn(parts, config.learning, seed=config.seed)
        outcome = outcome_of(parts.target, unit=config.unit or parts.target.unit)
        outputs = evaluate(fitted.network, parts, outcome, config)
        trained = TrainedTable(outcome, fitted, outputs, leaks, comparison)
        folder = publish(draft, trained, parts, config)
    print_report(folder, config.file)
    return folder


def _refuse_unit_of_labels(parts: TableParts, config: TableConfig) -> None:
    if config.unit is not None and parts.target.labels:
        raise CannotTrain(
            f"--unit is for a target that is a number, but {parts.target.name} has class labels. "
            "Leave out --unit, or give --task regression."
        )


def _read_comparison(parts: TableParts, config: TableConfig) -> CatBoostComparison | None:
    if config.comparison is None:
        return None
    if config.learning.plain is not None:
        raise CannotTrain(
            "--baseline compares a network that trees teach. Leave out --baseline, or --hidden."
        )
    comparison = read_comparison(
        config.comparison, data_sha256=parts.sha256, target=parts.target.name
    )
    if comparison.trained != len(parts.train):
        raise CannotTrain(
            f"{config.comparison} compares networks of {comparison.trained:,} training rows, and "
            f"this one has {len(parts.train):,}. Give both commands the same options."
        )
    return comparison
