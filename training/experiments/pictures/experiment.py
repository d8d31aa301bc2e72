"""All steps of the experiment, one after the other."""

from collections.abc import Callable
from pathlib import Path

import keras

from training.datasets.pictures import PictureParts
from training.experiments.pictures.calibrate import calibrate
from training.experiments.pictures.config import PictureConfig, with_enough_steps
from training.experiments.pictures.data import read
from training.experiments.pictures.evaluate import (
    Evaluation,
    doubt_other_pictures,
    evaluate,
)
from training.experiments.pictures.fit import fit
from training.experiments.pictures.network import build_network
from training.experiments.pictures.plots import find_example, show_predictions
from training.experiments.pictures.publish import publish
from training.history import History
from training.publishing.draft import Draft
from training.publishing.report import print_report

Fit = Callable[[keras.Model, PictureParts, PictureConfig], History]


def train(config: PictureConfig, *, fit_network: Fit = fit) -> Path:
    """Train a network and publish it.

    Args:
        config: What the network is trained with.
        fit_network: Function that fits the network.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data cannot be had, or the result is not good enough.
    """
    keras.utils.set_random_seed(config.seed)
    with Draft(config.models, config.name) as draft:
        parts = read(config)
        config = with_enough_steps(config, len(parts.train))
        network = build_network(config, parts)
        history = fit_network(network, parts, config)
        network, calibration = calibrate(network, parts, config)
        outputs = evaluate(network, parts, config)
        show_predictions(outputs, parts, config)
        doubted = doubt_other_pictures(network, parts.test, calibration, config)
        evaluation = Evaluation(outputs, calibration, doubted)
        folder = publish(draft, network, history, parts, evaluation, config)
    print_report(folder, find_example(parts, config))
    return folder
