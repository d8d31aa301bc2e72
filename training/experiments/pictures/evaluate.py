"""Outputs and scores on the parts that did not train."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np

from training.calibration.reliability import Reliability
from training.calibration.temperature import apply_temperature
from training.datasets.picture_data import Labels
from training.datasets.pictures import Part, PictureParts
from training.drawing.out_of_distribution import out_of_distribution_pictures
from training.evaluation.advantage import Advantage, classes_advantage
from training.evaluation.scores import Values, classification_scores
from training.experiments.pictures.config import PictureConfig
from training.experiments.pictures.network import predict
from training.progress import stretch
from training.publishing.acceptance import require_advantage, require_score
from vitrine.bundle import Calibration
from vitrine.trust import p_values

Outputs = Mapping[str, Values]

# Pictures with a lower credibility are called doubted.
DOUBT = 0.05
# Number of test pictures that pictures of other things are made of, at most.
_MOST_CHANGED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOutputs:
    """Outputs of the finished network for the parts that did not train.

    Attributes:
        validation: Outputs for the validation part.
        calibration: Outputs for the calibration part; None where there is none.
        held_out: Outputs for the held-out part; None where there is none.
        test: Outputs for the test part.
        advantage: The network beside one constant answer, on validation and calibration.

    Shapes:
        Each output (n, ...).
    """

    validation: Outputs
    calibration: Outputs | None
    held_out: Outputs | None
    test: Outputs
    advantage: Advantage

    @property
    def scored(self) -> dict[str, Outputs]:
        """Outputs for the parts that are scored, by the part's name."""
        parts = {"validation": self.validation, "held_out": self.held_out, "test": self.test}
        return {name: outputs for name, outputs in parts.items() if outputs is not None}

    @property
    def not_trained_on(self) -> Values:
        """Probabilities for validation and calibration, which are like the training part."""
        return _probabilities(self.validation, self.calibration)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured of the finished network.

    Attributes:
        outputs: Outputs for the parts that did not train.
        calibration: Scores of the calibration part; None where there is none.
        doubted: Share of the pictures of other things that are doubted, by their kind; empty
            where nothing calibrates credibility.
    """

    outputs: PictureOutputs
    calibration: Calibration | None
    doubted: Mapping[str, float]


def _probabilities(validation: Outputs, calibration: Outputs | None) -> Values:
    parts = [validation] if calibration is None else [validation, calibration]
    return np.concatenate([outputs["probabilities"] for outputs in parts])


def evaluate(network: keras.Model, parts: PictureParts, config: PictureConfig) -> PictureOutputs:
    """Predict validation and calibration, judge the network, and only then predict the test part.

    Raises:
        CannotTrain: The score is too low, or not better than that of one constant answer.
    """
    scored = (parts.validation, parts.calibration, parts.held_out, parts.test)
    with stretch("Scoring", total=sum(map(len, scored))) as advance:

        def predict_if_any(part: Part) -> Outputs | None:
            return predict(network, part, advance=advance) if len(part) else None

        validation = predict(network, parts.validation, advance=advance)
        measured = classification_scores(validation["probabilities"], parts.validation.y)
        require_score(measured["accuracy"], config.min_score, measure="accuracy")
        calibration = predict_if_any(parts.calibration)
        advantage = _measure_advantage(validation, calibration, parts)
        require_advantage(advantage, instances="pictures", force=config.force)
        return PictureOutputs(
            validation=validation,
            calibration=calibration,
            held_out=predict_if_any(parts.held_out),
            test=predict(network, parts.test, advance=advance),
            advantage=advantage,
        )


def _measure_advantage(
    validation: Outputs, calibration: Outputs | None, parts: PictureParts
) -> Advantage:
    return classes_advantage(
        _probabilities(validation, calibration),
        np.concatenate([parts.validation.y, parts.calibration.y]),
        labels=parts.labels,
    )


def doubt_other_pictures(
    network: keras.Model, test: Part, calibration: Calibration | None, config: PictureConfig
) -> dict[str, float]:
    """Return which share of pictures of other things, made by code, is doubted, by their kind.

    Args:
        network: The finished network.
        test: The test part, of which some kinds are made.
        calibration: Scores of the calibration part; None where there is none.
        config: What the network was trained with.
    """
    if calibration is None:
        return {}
    usual = np.array(calibration.novelty, dtype=np.float32)
    rng = np.random.default_rng(config.seed)
    kinds = out_of_distribution_pictures(test.x[:_MOST_CHANGED], config.pictures.geometry, rng)
    doubted = {}
    with stretch("Scoring pictures of other things", total=len(kinds)) as advance:
        for kind, pixels in kinds.items():
            others = Part(pixels, np.zeros(len(pixels), np.int64))
            doubted[kind] = doubted_share(predict(network, others)["novelty"][:, 0], usual)
            advance(1)
    return doubted


def doubted_share(scores: Values, calibration: Values) -> float:
    """Return the share of the pictures whose credibility is low.

    Args:
        scores: Novelty or anomaly scores of the pictures.
        calibration: Those of the calibration part, ascending.
    """
    return float((p_values(scores, calibration) < DOUBT).mean())


def score(outputs: Outputs, y: Labels) -> dict[str, float]:
    """Return the scores of a classifier on one part.

    Shapes:
        y: (n,), codes of the true labels.
    """
    probabilities = outputs["probabilities"]
    return {
        **classification_scores(probabilities, y),
        "calibration_error": Reliability.of(probabilities, y).error,
    }


def reliabilities(outputs: Outputs, y: Labels, calibration: Calibration) -> list[Reliability]:
    """Return the reliability before the temperature was applied, and as served.

    Shapes:
        y: (n,), codes of the true labels.
    """
    served = outputs["probabilities"]
    before = apply_temperature(served, 1 / (calibration.temperature or 1.0))
    return [Reliability.of(probabilities, y) for probabilities in (before, served)]
