"""What a training found, from which the bundle is made."""

from collections.abc import Mapping
from dataclasses import dataclass

from training.catboost_comparison import CatBoostComparison
from training.experiments.tables.fit import FittedNetwork
from training.outcomes import Outcome, TableOutputs


@dataclass(frozen=True, slots=True)
class TrainedTable:
    """What a training found.

    Attributes:
        outcome: What depends on the task.
        fitted: The fitted network.
        outputs: Its outputs for the parts that did not train.
        leaks: How each column that gives the target away does so, by its name.
        comparison: Comparison with CatBoost; None where there is none.
    """

    outcome: Outcome
    fitted: FittedNetwork
    outputs: TableOutputs
    leaks: Mapping[str, str]
    comparison: CatBoostComparison | None
