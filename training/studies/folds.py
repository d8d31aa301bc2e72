"""Folds for cross-validation, by scikit-learn."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from training.datasets.targets import Task
from training.errors import CannotTrain
from training.studies.measures import Array

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def make_folds(task: Task, y: Array, *, folds: int, seed: int) -> list[Fold]:
    """Return the places of what trains and what is scored, by fold.

    Class labels come in each fold in about equal shares; a label too rare for that misses some.

    Raises:
        CannotTrain: There are not enough instances.
    """
    if task in {"binary", "multiclass"}:
        most = int(np.bincount(y).max())
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    else:
        most = len(y)
        splitter = KFold(folds, shuffle=True, random_state=seed)
    if most < folds:
        raise CannotTrain(f"{folds} folds need more instances than {most} of the commonest kind.")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(np.zeros(len(y)), y))
