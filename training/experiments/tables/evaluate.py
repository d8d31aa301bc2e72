"""Outputs for the parts that did not train."""

import keras

from training.architectures.table_inputs import predict
from training.datasets.tables import TableParts
from training.experiments.tables.config import TableConfig
from training.outcomes import Outcome, TableOutputs
from training.publishing.acceptance import require_score


def evaluate(
    network: keras.Model, parts: TableParts, outcome: Outcome, config: TableConfig
) -> TableOutputs:
    """Predict the validation part, require its score, and only then predict the test part.

    Raises:
        CannotTrain: The score is too low.
    """
    validation = predict(network, parts.validation.rows)
    score = outcome.scores(validation, parts.validation.y)[outcome.judged_by]
    require_score(score, config.min_score, measure=outcome.judged_by)
    return TableOutputs(
        validation=validation,
        calibration=predict(network, parts.calibration.rows) if len(parts.calibration) else None,
        test=predict(network, parts.test.rows),
    )
