"""The texts of the card."""

from collections.abc import Iterator, Mapping

import numpy as np

from training.calibration.coverage import measure_sets, supported_coverages
from training.cards.advantage import advantage_text
from training.cards.coverage_table import COVERAGE_HEADER, coverage_row
from training.cards.fit import epochs_text, rate_text, steps_text
from training.cards.markdown import table
from training.cards.templates import fill
from training.datasets.picture_data import Labels
from training.datasets.picture_sets import PictureSet
from training.datasets.pictures import PictureParts
from training.evaluation.scores import Values
from training.experiments.pictures.config import PictureConfig
from training.experiments.pictures.evaluate import (
    DOUBT,
    Evaluation,
    Outputs,
    PictureOutputs,
    doubted_share,
    reliabilities,
)
from training.history import History
from vitrine.bundle import Calibration


def card_sections(
    config: PictureConfig, history: History, parts: PictureParts, evaluation: Evaluation
) -> str:
    """Write the sections of the card that only this experiment has."""
    return fill(
        "pictures",
        advantage=advantage_text(evaluation.outputs.advantage, instances="pictures"),
        examples=fill(config.kind.golden_text),
        fit=fit_text(config, history, len(parts.train)),
        mistakes=fill("confusion"),
        trust=_trust_text(parts, evaluation, config.pictures),
        limits=_limits_text(parts, evaluation, config),
    )


def fit_text(config: PictureConfig, history: History, instances: int) -> str:
    """Describe the fit in sentences.

    Args:
        config: What the network was trained with.
        history: What was measured after each epoch.
        instances: Number of training pictures.
    """
    recipe = config.recipe
    return fill(
        "picture_fit",
        optimizer=recipe.optimizer,
        steps=steps_text(recipe.batch_size, instances, "pictures"),
        learning_rate=_learning_rate_text(config, history),
        epochs=epochs_text(history, limit=recipe.epochs),
        augmentation=_augmentation_text(config, history),
    )


def _learning_rate_text(config: PictureConfig, history: History) -> str:
    recipe = config.recipe
    if not recipe.decays:
        return rate_text(history, recipe.learning_rate, reduce_patience=config.reduce_patience)
    if recipe.epochs == 1:
        return f"The learning rate rose towards {recipe.learning_rate:g}."
    return (
        f"The learning rate rose to {recipe.learning_rate:g} over the first epoch and then fell "
        f"along a cosine that ends with epoch {recipe.epochs}."
    )


def _augmentation_text(config: PictureConfig, history: History) -> str:
    recipe = config.recipe
    if not recipe.augmented:
        return ""
    text = fill(config.kind.augmentation_text)
    # Training may end before, or among, the epochs at the end that leave pictures alone.
    calm = history.epochs - max(0, recipe.epochs - recipe.calm_epochs)
    if calm <= 0:
        return text
    when = "In the last epoch" if calm == 1 else f"In the last {calm} epochs"
    if calm >= history.epochs:
        when = "In every epoch"
    return f"{text} {when}, about half of the pictures were left as they are."


def _limits_text(parts: PictureParts, evaluation: Evaluation, config: PictureConfig) -> str:
    height, width, _ = parts.train.x.shape[1:]
    return fill(
        config.kind.limits_text,
        shows=config.pictures.shows,
        labels=str(len(parts.labels)),
        credibility=_credibility_text(evaluation),
        size=f"{height} x {width} pixels",
    )


def _credibility_text(evaluation: Evaluation) -> str:
    """Tell how credible pictures of other things are, where credibility is calibrated."""
    if not evaluation.doubted:
        return ""
    shares = (f"{kind} {share:.0%}" for kind, share in evaluation.doubted.items())
    return fill("credibility", doubt=str(DOUBT), shares=", ".join(shares))


def _trust_text(parts: PictureParts, evaluation: Evaluation, pictures: PictureSet) -> str:
    """Tell how well probabilities, prediction sets and credibility hold on other pictures."""
    calibration = evaluation.calibration
    if calibration is None:
        return fill("picture_trust_uncalibrated", pictures=f"{len(parts.train):,}")
    scored = dict(_uncalibrated_parts(parts, evaluation.outputs))
    return fill(
        "picture_trust",
        calibrating=f"{len(calibration.scores):,}",
        temperature=f"{calibration.temperature:.3g}",
        test=pictures.test,
        errors=_error_table(scored, calibration),
        sets=_set_table(scored, np.array(calibration.scores, dtype=np.float32)),
    )


def _uncalibrated_parts(
    parts: PictureParts, outputs: PictureOutputs
) -> Iterator[tuple[str, tuple[Outputs, Labels]]]:
    """Yield the outputs and true labels of each part that did not calibrate, by its name."""
    if outputs.held_out is not None:
        yield "held out", (outputs.held_out, parts.held_out.y)
    yield "test", (outputs.test, parts.test.y)
    middle = len(parts.test) // 2
    for name, half in (("first", slice(middle)), ("second", slice(middle, None))):
        of_half = {output: values[half] for output, values in outputs.test.items()}
        yield f"test, {name} half", (of_half, parts.test.y[half])


def _error_table(scored: Mapping[str, tuple[Outputs, Labels]], calibration: Calibration) -> str:
    novelty = np.array(calibration.novelty, dtype=np.float32)
    rows = []
    for name, (outputs, y) in scored.items():
        errors = [each.error for each in reliabilities(outputs, y, calibration)]
        doubted = doubted_share(outputs["novelty"][:, 0], novelty)
        rows.append([name, *(f"{100 * error:.2f} %" for error in errors), f"{100 * doubted:.1f} %"])
    header = [
        "part",
        "calibration error before the temperature",
        "calibration error as served",
        f"pictures with credibility below {DOUBT}",
    ]
    return table(header, rows)


def _set_table(scored: Mapping[str, tuple[Outputs, Labels]], scores: Values) -> str:
    rows = [
        [name, *coverage_row(measured, unit="labels")]
        for name, (outputs, y) in scored.items()
        for measured in (
            measure_sets(np.asarray(outputs["probabilities"]), y, scores, coverage)
            for coverage in supported_coverages(len(scores))
        )
    ]
    return table(["part", *COVERAGE_HEADER], rows)
