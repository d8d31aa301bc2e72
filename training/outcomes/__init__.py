"""What depends on the task of a table: its head, scores, calibration, plots and texts.

    outcome.py         what every outcome can do
    regression.py      a value
    classification.py  one class label of two or more
    multi_label.py     any of several labels

Everything else about a table's training is the same.
"""

from training.datasets.targets import Target
from training.outcomes.classification import Classification
from training.outcomes.multi_label import MultiLabel
from training.outcomes.outcome import Outcome, TableOutputs
from training.outcomes.regression import Regression

__all__ = ["Outcome", "TableOutputs", "outcome_of"]


def outcome_of(target: Target, *, unit: str | None = None) -> Outcome:
    """Return the outcome of a target.

    Args:
        target: What is predicted.
        unit: Unit of a value; None where it is not known.
    """
    if target.task == "regression":
        return Regression(target, unit)
    return MultiLabel(target) if target.task == "multilabel" else Classification(target)
