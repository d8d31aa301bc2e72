"""Probabilities that mean what they say, and the novelty of a picture."""

import keras
import numpy as np

from training.architectures.labels import temper
from training.architectures.novelty import with_novelty
from training.calibration.prototypes import find_prototypes
from training.calibration.scores import ascending
from training.calibration.temperature import fit_temperature
from training.datasets.pictures import Part, PictureParts
from training.experiments.pictures.config import PictureConfig
from training.experiments.pictures.network import predict
from training.progress import Advance, stretch
from vitrine.bundle import Calibration
from vitrine.trust import class_scores


def calibrate(
    network: keras.Model, parts: PictureParts, config: PictureConfig
) -> tuple[keras.Model, Calibration | None]:
    """Temper the probabilities, and add the novelty score.

    Returns:
        The network that is published, and the scores of the calibration part. Without such a part
        the network gives probabilities alone, and there are no scores.
    """
    if not len(parts.calibration):
        outputs = {"probabilities": network.output["probabilities"]}
        return keras.Model(network.input, outputs, name=network.name), None
    # Clustering takes about as long as predicting the pictures that are clustered.
    total = 2 * (len(parts.calibration) + len(parts.train))
    with stretch("Calibrating", total=total) as advance:
        untempered = predict(network, parts.calibration, advance=advance)["probabilities"]
        temperature = fit_temperature(untempered, parts.calibration.y)
        temper(network, temperature)
        features = predict(network, parts.train, advance=advance)["features"]
        prototypes = find_prototypes(features, parts.train.y, seed=config.seed)
        advance(len(parts.train))
        finished = with_novelty(network, prototypes)
        return finished, _score(finished, parts.calibration, temperature, advance)


def _score(network: keras.Model, part: Part, temperature: float, advance: Advance) -> Calibration:
    outputs = predict(network, part, advance=advance)
    scores = class_scores(outputs["probabilities"])[np.arange(len(part)), part.y]
    return Calibration(
        scores=ascending(scores),
        novelty=ascending(outputs["novelty"][:, 0]),
        temperature=temperature,
    )
