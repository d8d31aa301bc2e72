"""Signature, manifest and bundle of a table's network."""

from functools import partial
from pathlib import Path

import keras

from training.architectures.table_inputs import by_column
from training.cards.card import write_card
from training.datasets.tables import TableParts
from training.evaluation.references import table_references
from training.experiments.tables.card import card_sections
from training.experiments.tables.config import TableConfig
from training.experiments.tables.golden_rows import GoldenRows, make_golden_rows
from training.experiments.tables.plots import draw_plots
from training.experiments.tables.trained import TrainedTable
from training.history import write_history
from training.progress import stretch
from training.publishing.draft import Draft
from training.publishing.manifest import Description, build_manifest, count_parameters
from training.publishing.origin import describe_origin
from training.publishing.verification import export_and_verify, write_golden_examples
from vitrine import bundle
from vitrine.bundle import Origin
from vitrine.predictions import Predictions
from vitrine.signature import Signature


def publish(draft: Draft, trained: TrainedTable, parts: TableParts, config: TableConfig) -> Path:
    """Write the bundle and give it its version.

    Returns:
        The published folder.
    """
    network = by_column(trained.fitted.network, parts.specs)
    description = _describe(network, trained, parts, config)
    export = export_and_verify(network, description, draft.folder, parts.validation.instances)
    instances = make_golden_rows(parts.specs, parts.train.instances)
    predicted = write_golden_examples(network, description, draft.folder, instances)
    golden = GoldenRows(instances, Predictions(description.signature.prediction, predicted))
    with stretch("Drawing the plots of the card"):
        draw_plots(draft.plots, trained, parts, golden)
    write_history(draft.folder / bundle.HISTORY_NAME, trained.fitted.history)
    return draft.publish(
        partial(build_manifest, description, draft.folder, export),
        partial(write_card, network=network, sections=card_sections(trained, parts, golden)),
    )


def _describe(
    network: keras.Model, trained: TrainedTable, parts: TableParts, config: TableConfig
) -> Description:
    outcome, outputs = trained.outcome, trained.outputs
    return Description(
        name=config.name,
        task=outcome.task,
        signature=Signature(inputs=parts.specs, outputs=outcome.output_specs(parts)),
        target=parts.target.name,
        origin=_origin(parts, config),
        parameters=count_parameters(network),
        scores={
            "validation": outcome.scores(outputs.validation, parts.validation.y),
            "test": outcome.scores(outputs.test, parts.test.y),
        },
        calibration=outcome.calibrate(outputs, parts),
        reference=table_references(parts.train.instances, parts.specs),
        dialect=parts.dialect,
        ignored_columns=parts.left_out,
    )


def _origin(parts: TableParts, config: TableConfig) -> Origin:
    return describe_origin(
        command=config.command,
        seed=config.seed,
        data=config.file.name,
        data_sha256=parts.sha256,
        split=parts.sizes,
        began=config.began,
    )
