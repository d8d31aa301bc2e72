"""The network: its architecture and its outputs."""

import keras

from training.architectures.pictures import PICTURE_ARCHITECTURES, mlp
from training.datasets.pictures import Part, PictureParts
from training.evaluation.scores import Values
from training.experiments.pictures.config import PictureConfig

_PREDICTED_AT_ONCE = 1000


def build_network(config: PictureConfig, parts: PictureParts) -> keras.Model:
    """Build the network that the config names."""
    shape, classes = parts.train.x.shape[1:], len(parts.labels)
    if config.hidden is not None:
        return mlp(shape, classes, config.hidden)
    if config.architecture == "cnn":
        return config.kind.network(shape, classes)
    return PICTURE_ARCHITECTURES[config.architecture](shape, classes)


def predict(network: keras.Model, part: Part) -> dict[str, Values]:
    """Return the outputs of a network for a part.

    Shapes:
        Each output (n, ...).
    """
    outputs: dict[str, Values] = network.predict(
        {"image": part.x}, batch_size=_PREDICTED_AT_ONCE, verbose=0
    )
    return outputs
