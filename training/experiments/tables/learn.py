"""The network and its fit: taught by an ensemble, or learning from the rows alone."""

import keras

from training.datasets.tables import TableParts
from training.errors import CannotTrain
from training.experiments.tables.config import LearningConfig
from training.experiments.tables.distilled import learn_distilled
from training.experiments.tables.fit import FittedNetwork
from training.experiments.tables.plain import learn_plain


def learn(parts: TableParts, learning: LearningConfig, *, seed: int) -> FittedNetwork:
    """Build and fit a network.

    Raises:
        CannotTrain: Class labels should have equal weights, but there are none.
    """
    if learning.class_weights and not parts.target.labels:
        raise CannotTrain(
            f"--class-weights needs class labels; {parts.target.name} is predicted as a number."
        )
    keras.utils.set_random_seed(seed)
    if learning.plain is None:
        return learn_distilled(parts, learning, seed=seed)
    return learn_plain(parts, learning, learning.plain, seed=seed)
