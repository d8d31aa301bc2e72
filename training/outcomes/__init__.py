"""All that follows from what a table predicts: a value, a class label, or several labels.

Each outcome has its head, its lesson, its scores, its calibration, its plots and its part of the
card; everything else about a table's training is the same.
"""

from training.datasets.targets import Target
from training.outcomes.classes import Classes
from training.outcomes.labels import Labels
from training.outcomes.outcome import Answers, Outcome
from training.outcomes.values import Value

__all__ = ["Answers", "Outcome", "outcome_of"]


def outcome_of(target: Target, *, unit: str | None = None) -> Outcome:
    """Return the outcome of a target.

    Args:
        target: What is predicted.
        unit: Of a value, where it is known.
    """
    if target.task == "regression":
        return Value(target, unit)
    return Labels(target) if target.task == "multilabel" else Classes(target)
