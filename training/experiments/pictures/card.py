"""The texts of the card."""

from collections.abc import Iterator, Mapping

import numpy as np

from training.calibration.coverage import measure_sets, supported_coverages
from training.cards.coverage_table import COVERAGE_HEADER, coverage_row
from training.cards.markdown import table
from training.cards.templates import fill
from training.datasets.picture_data import Labels
from training.datasets.picture_sets import PictureSet
from training.datasets.pictures import PictureParts
from training.evaluation.scores import Values
from training.experiments.pictures.config import PictureConfig
from training.experiments.pictures.evaluate import (
    Evaluation,
    Outputs,
    PictureOutputs,
    reliabilities,
)
from training.history import History
from vitrine.bundle import Calibration
from vitrine.trust import p_values

# Pictures with a lower credibility are called doubted.
_DOUBT = 0.05


def card_sections(
    config: PictureConfig, history: History, parts: PictureParts, evaluation: Evaluation
) -> str:
    """Write the sections of the card that only this experiment has."""
    return fill(
        "pictures",
        examples=fill(config.kind.golden_text),
        fit=fit_text(config, history),
        mistakes=fill("confusion"),
        trust=_trust_text(parts, evaluation, config.pictures),
        limits=_limits_text(parts, evaluation, config),
    )


def fit_text(config: PictureConfig, history: History) -> str:
    """Describe the fit in sentences."""
    recipe = config.recipe
    return fill(
        "picture_fit",
        optimizer=recipe.optimizer,
        batch_size=str(recipe.batch_size),
        learning_rate=_learning_rate_text(config),
        kept=fill("kept_epoch", epochs=str(history.epochs), kept=str(history.kept)),
        augmentation=_augmentation_text(config),
    )


def _learning_rate_text(config: PictureConfig) -> str:
    rate = f"{config.recipe.learning_rate:g}"
    if config.recipe.decays:
        return f"The learning rate rose to {rate} over one epoch and then fell along a cosine."
    if config.reduce_patience is not None:
        return (
            f"The learning rate was {rate} at the start. It was halved after "
            f"{config.reduce_patience} epochs without a smaller validation loss."
        )
    return f"The learning rate was {rate} throughout."


def _augmentation_text(config: PictureConfig) -> str:
    recipe = config.recipe
    if not recipe.augmented:
        return ""
    text = fill(config.kind.augmentation_text)
    if recipe.calm_epochs:
        text += f" In the last {recipe.calm_epochs} epochs half of the pictures are left unchanged."
    return text


def _limits_text(parts: PictureParts, evaluation: Evaluation, config: PictureConfig) -> str:
    is_calibrated = evaluation.calibration is not None
    return fill(
        config.kind.limits_text,
        shows=config.pictures.shows,
        labels=str(len(parts.labels)),
        credibility=config.kind.credibility if is_calibrated else "",
    )


def _trust_text(parts: PictureParts, evaluation: Evaluation, pictures: PictureSet) -> str:
    """Tell how well probabilities, prediction sets and credibility hold on other pictures."""
    calibration = evaluation.calibration
    if calibration is None:
        learning = len(parts.train) + len(parts.validation)
        return fill("picture_trust_uncalibrated", pictures=f"{learning:,}")
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
        doubted = (p_values(outputs["novelty"][:, 0], novelty) < _DOUBT).mean()
        rows.append([name, *(f"{100 * error:.2f} %" for error in errors), f"{100 * doubted:.1f} %"])
    header = [
        "part",
        "calibration error before the temperature",
        "calibration error as served",
        f"pictures with credibility below {_DOUBT}",
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
