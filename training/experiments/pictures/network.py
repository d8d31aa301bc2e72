"""The network: its architecture and its outputs."""

import keras

from training.architectures.pictures import PICTURE_ARCHITECTURES, mlp
from training.datasets.pictures import Part, PictureParts
from training.evaluation.scores import Values
from training.experiments.pictures.config import PictureConfig
from training.progress import Advance, nothing

_PREDICTED_AT_ONCE = 1000


def build_network(config: PictureConfig, parts: PictureParts) -> keras.Model:
    """Build the network that the config names."""
    shape, classes = parts.train.x.shape[1:], len(parts.labels)
    if config.hidden is not None:
        return mlp(shape, classes, config.hidden)
    if config.architecture == "cnn":
        return config.kind.network(shape, classes)
    return PICTURE_ARCHITECTURES[config.architecture](shape, classes)


def predict(network: keras.Model, part: Part, *, advance: Advance = nothing) -> dict[str, Values]:
    """Return the outputs of a network for a part.

    Args:
        network: The network.
        part: The pictures.
        advance: Tells how many more pictures are done.

    Shapes:
        Each output (n, ...).
    """
    batches = max(1, -(-len(part) // _PREDICTED_AT_ONCE))
    outputs: dict[str, Values] = network.predict(
        {"image": part.x},
        batch_size=_PREDICTED_AT_ONCE,
        callbacks=[_AfterBatch(advance, len(part) / batches)],
        verbose=0,
    )
    return outputs


class _AfterBatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells after every batch how much more is predicted."""

    def __init__(self, advance: Advance, amount: float) -> None:
        super().__init__()
        self._advance, self._amount = advance, amount

    def on_predict_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        self._advance(self._amount)
