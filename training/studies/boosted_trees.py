"""Scikit-learn's boosted trees with their defaults, fitted on the rows of a table.

They stand beside the network in a cross-validation.
"""

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from training.datasets.tables import TablePart, TableParts
from training.studies.metrics import Array
from vitrine.signature import FIRST_CODE, CategoryInput
from vitrine.tables.cells import encode_texts


def predict_by_boosted_trees(parts: TableParts, *, seed: int) -> Array:
    """Fit trees on the training and validation rows, and predict the test rows.

    Shapes:
        Result: (n,) values, (n, classes) probabilities, or (n, labels) probabilities.
    """
    frame = pd.concat([_frame(parts, parts.train), _frame(parts, parts.validation)])
    y = np.concatenate([parts.train.y, parts.validation.y])
    scored, task = _frame(parts, parts.test), parts.target.task
    if task == "regression":
        trees = HistGradientBoostingRegressor(random_state=seed).fit(frame, y)
        values: Array = trees.predict(scored)
        return values
    classes = len(parts.target.labels)
    if task != "multilabel":
        return _probabilities(frame, y, scored, classes=classes, seed=seed)
    return np.stack(
        [
            _probabilities(frame, label.astype(np.int64), scored, classes=2, seed=seed)[:, 1]
            for label in y.T
        ],
        axis=1,
    )


def _probabilities(
    frame: pd.DataFrame, y: Array, scored: pd.DataFrame, *, classes: int, seed: int
) -> Array:
    """Return the probability of every class; it is 0 for a class that no training row has."""
    known = np.unique(y)
    probabilities = np.zeros((len(scored), classes))
    if len(known) == 1:
        probabilities[:, known] = 1
        return probabilities
    trees = HistGradientBoostingClassifier(random_state=seed).fit(frame, y)
    probabilities[:, known] = trees.predict_proba(scored)
    return probabilities


def _frame(parts: TableParts, part: TablePart) -> pd.DataFrame:
    """Return rows as the trees take them: missing values and unknown categories are NaN."""
    columns = {
        spec.name: _categorical(part.instances[spec.name], spec)
        if isinstance(spec, CategoryInput)
        else part.instances[spec.name]
        for spec in parts.specs
    }
    return pd.DataFrame(columns)


def _categorical(texts: NDArray[np.object_], spec: CategoryInput) -> pd.Categorical:
    # The codes of missing and unknown texts are below the first code of the vocabulary.
    indices = encode_texts(texts, spec.codes) - FIRST_CODE
    return pd.Categorical.from_codes(np.maximum(indices, -1), spec.vocabulary)
