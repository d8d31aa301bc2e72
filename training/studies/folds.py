"""Folds for cross-validation, made by scikit-learn."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from training.datasets.targets import Task
from training.errors import CannotTrain
from training.studies.metrics import Array

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def make_folds(task: Task, y: Array, *, folds: int, seed: int) -> list[Fold]:
    """Return for each fold the indices of its training instances and of its scored instances.

    Every fold has about the same share of each class label. A label with fewer instances than
    there are folds is missing from some of them.

    Raises:
        CannotTrain: There are not enough instances.
    """
    if task in {"binary", "multiclass"}:
        most, counted = int(np.bincount(y).max()), "instances of the most frequent class"
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    else:
        most, counted = len(y), "instances"
        splitter = KFold(folds, shuffle=True, random_state=seed)
    if most < folds:
        raise CannotTrain(f"{folds} folds need at least {folds} {counted}. Received: {most}.")
    with warnings.catch_warnings():
        # A label with fewer instances than folds is allowed here.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(np.zeros(len(y)), y))
