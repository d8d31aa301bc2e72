"""Outputs for the parts that did not train."""

import keras
import numpy as np

from training.architectures.table_inputs import predict
from training.datasets.tables import TableParts
from training.experiments.tables.config import TableConfig
from training.outcomes import Outcome, TableOutputs
from training.publishing.acceptance import require_advantage, require_score

_CLASS_WEIGHTS = " or, if a label is rare, `table --class-weights`"


def evaluate(
    network: keras.Model, parts: TableParts, outcome: Outcome, config: TableConfig
) -> TableOutputs:
    """Predict validation and calibration, judge the network, and only then predict the test part.

    Raises:
        CannotTrain: The score is too low, or not better than that of one constant answer.
    """
    validation = predict(network, parts.validation.rows)
    score = outcome.scores(validation, parts.validation.y)[outcome.judged_by]
    require_score(score, config.min_score, measure=outcome.judged_by)
    calibration = predict(network, parts.calibration.rows) if len(parts.calibration) else None
    not_trained_on = [validation] if calibration is None else [validation, calibration]
    balanced = config.learning.class_weights
    advantage = outcome.advantage(
        {name: np.concatenate([each[name] for each in not_trained_on]) for name in validation},
        np.concatenate([parts.validation.y, parts.calibration.y]),
        trained_on=parts.train.y,
        balanced=balanced,
    )
    advice = _CLASS_WEIGHTS if parts.target.labels and not balanced else ""
    require_advantage(advantage, instances="rows", force=config.force, advice=advice)
    return TableOutputs(
        validation=validation,
        calibration=calibration,
        test=predict(network, parts.test.rows),
        advantage=advantage,
    )
