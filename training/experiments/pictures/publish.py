"""Signature, manifest and bundle of a classifier of pictures."""

from functools import partial
from pathlib import Path

import keras

from training.cards.card import write_card
from training.datasets.picture_sets import PictureSet
from training.datasets.pictures import PictureParts
from training.evaluation.references import picture_references, prediction_references
from training.experiments.pictures.card import card_sections
from training.experiments.pictures.config import PictureConfig
from training.experiments.pictures.evaluate import Evaluation, score
from training.experiments.pictures.plots import draw_card_plots
from training.history import History, write_history
from training.plots.pictures import plot_predictions
from training.progress import stretch
from training.publishing.draft import Draft
from training.publishing.manifest import Description, build_manifest, count_parameters
from training.publishing.origin import describe_origin
from training.publishing.verification import export_and_verify, write_golden_examples
from vitrine import bundle
from vitrine.bundle import Origin
from vitrine.geometry import GEOMETRIES
from vitrine.signature import NoveltyOutput, PictureInput, ProbabilitiesOutput, Signature


def publish(
    draft: Draft,
    network: keras.Model,
    history: History,
    parts: PictureParts,
    evaluation: Evaluation,
    config: PictureConfig,
) -> Path:
    """Write the bundle and give it its version.

    Returns:
        The published folder.
    """
    description = _describe(network, parts, evaluation, config)
    export = export_and_verify(network, description, draft.folder, {"image": parts.validation.x})
    golden = config.kind.golden()
    predicted = write_golden_examples(network, description, draft.folder, {"image": golden})
    with stretch("Drawing the plots of the card"):
        draw_card_plots(draft.plots, history, parts, evaluation)
        plot_predictions(draft.plots / "predictions.png", golden, predicted, parts.labels)
    write_history(draft.folder / bundle.HISTORY_NAME, history)
    sections = card_sections(config, history, parts, evaluation)
    return draft.publish(
        partial(build_manifest, description, draft.folder, export),
        partial(write_card, network=network, sections=sections),
    )


def _describe(
    network: keras.Model, parts: PictureParts, evaluation: Evaluation, config: PictureConfig
) -> Description:
    shape, outputs = parts.train.x.shape[1:], evaluation.outputs
    image = picture_input(config.pictures, shape)
    is_calibrated = evaluation.calibration is not None
    return Description(
        name=config.name,
        task="classification",
        signature=picture_signature(image, parts.labels, calibrated=is_calibrated),
        target=config.pictures.target,
        origin=picture_origin(parts, config),
        parameters=count_parameters(network),
        scores={name: score(each, getattr(parts, name).y) for name, each in outputs.scored.items()},
        calibration=evaluation.calibration,
        reference={
            **picture_references(parts.train.x, inked=image.inked),
            **prediction_references(outputs.not_trained_on, parts.labels),
        },
    )


def picture_input(pictures: PictureSet, shape: tuple[int, ...]) -> PictureInput:
    """Return the input of a network that takes the set's pictures."""
    return PictureInput(
        name="image",
        tensor="image",
        dtype="float32",
        shape=shape,
        geometry=pictures.geometry,
        geometry_version=GEOMETRIES[pictures.geometry].version,
    )


def picture_signature(
    image: PictureInput, labels: tuple[str, ...], *, calibrated: bool
) -> Signature:
    """Return the signature of a classifier of pictures.

    Args:
        image: The input.
        labels: Class labels in the order of their codes.
        calibrated: Whether the network gives novelty as well.
    """
    probabilities = ProbabilitiesOutput(
        name="probabilities",
        tensor="probabilities",
        dtype="float32",
        shape=(len(labels),),
        labels=labels,
    )
    novelty = NoveltyOutput(name="novelty", tensor="novelty", dtype="float32", shape=(1,))
    outputs = (probabilities, novelty) if calibrated else (probabilities,)
    return Signature(inputs=(image,), outputs=outputs)


def picture_origin(parts: PictureParts, config: PictureConfig) -> Origin:
    """Return how a version was made from these parts."""
    return describe_origin(
        command=config.command,
        seed=config.seed,
        data=config.pictures.name,
        data_sha256=parts.sha256,
        split=parts.sizes,
        began=config.began,
    )
