"""Why: what the model saw of an instance, and which ink or which feature decided.

Both ways ask the network again on altered inputs, so that they work on any engine.

References:
    Zeiler, Fergus (2014), Visualizing and understanding convolutional networks, section 4.2
    (occlusion), arXiv:1311.2901.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine import images
from vitrine.engines import Tensors
from vitrine.model import Model
from vitrine.predictions import Predictions
from vitrine.signature import (
    FIRST_CODE,
    MISSING_CODE,
    CategoryInput,
    ColumnSpec,
    LabelsOutput,
    ProbabilitiesOutput,
)

Explanation = Mapping[str, Any]
Picture = NDArray[np.float32]
Probabilities = NDArray[np.float64]

# In 28 pixels a patch is about as wide as two strokes, and moved by half a stroke.
_STRIDES = 14
_LEAST = 1e-12  # a probability is taken for at least this, so that its logarithm is one


def explain(
    model: Model, predictions: Predictions, decoded: Sequence[tuple[str, ...]] = ()
) -> Iterator[Explanation]:
    """Explain predictions that a model just made, one after the other.

    Args:
        model: Who made them.
        predictions: All without errors, with what the network took.
        decoded: What was done to each picture before the geometry, in plain words.

    Yields:
        Of each picture `image`, what the network took, as a PNG data URI; `steps`, what was done
        to get there; `saliency`, of the same size, how much each pixel spoke for the label, or for
        the value or score, white for the most. Of each row `contributions`, by how much
        each feature moves the value, the score, or the most probable label's log-odds, from where
        the training median would leave it.
    """
    if model.manifest.signature.picture is None:
        for contributions in _contributions(model, predictions):
            yield {"contributions": contributions}
        return
    (pictures,) = predictions.tensors.values()
    steps = predictions.steps
    before = decoded or [()] * len(steps)
    for picture, first, then in zip(pictures, before, steps, strict=True):
        yield {
            "image": _data_uri(picture),
            "steps": [*first, *then],
            "saliency": _data_uri(_saliency(model, picture)),
        }


def _data_uri(levels: Picture) -> str:
    whole = np.rint(levels).astype(np.uint8)
    return "data:image/png;base64," + b64encode(images.encode_png(whole)).decode("ascii")


def _saliency(model: Model, picture: Picture) -> Picture:
    """Cover what stands out from the ground patch by patch: how far do log-odds or score fall?

    The ground is what carries no news: bare black, or the mean colour of a picture without one.

    Shapes:
        picture: (height, width, channels); result: (height, width, 1), levels in [0, 255].
    """
    spec = model.manifest.signature.inputs[0]
    ground = _ground(model, picture)
    stands_out = (picture != ground).any(axis=2, keepdims=True)
    places = list(_patches(stands_out))
    asked = np.repeat(picture[np.newaxis], len(places) + 1, axis=0)
    for covered, place in zip(asked[1:], places, strict=True):
        covered[place] = ground
    answers = _answers(model, {spec.tensor: asked})
    falls = answers[0] - answers[1:]
    total = np.zeros((*picture.shape[:2], 1), dtype=np.float32)
    times = np.zeros_like(total)
    for place, fall in zip(places, falls, strict=True):
        total[place] += fall
        times[place] += 1
    spoke = np.where(stands_out, np.maximum(total / np.maximum(times, 1), 0), 0)
    return spoke * np.float32(255 / max(float(spoke.max()), 1e-6))


def _ground(model: Model, picture: Picture) -> Picture:
    """Return the colour to cover a patch with, (channels,)."""
    spec = model.manifest.signature.picture
    if spec is not None and spec.inked:
        return np.zeros(picture.shape[2], dtype=np.float32)
    return np.asarray(picture.mean(axis=(0, 1)))


def _patches(stands_out: NDArray[np.bool_]) -> Iterator[tuple[slice, slice]]:
    """Yield the places of the patches that hold more than ground, some of them over the edge."""
    height, width = stands_out.shape[:2]
    stride = max(1, round(max(height, width) / _STRIDES))
    side = 2 * stride + 1
    for top in range(stride - side, height, stride):
        for left in range(stride - side, width, stride):
            place = slice(max(0, top), top + side), slice(max(0, left), left + side)
            if stands_out[place].any():
                yield place


def _answers(model: Model, tensors: Tensors) -> NDArray[np.floating[Any]]:
    """Return values and scores as they are, of labels the log-odds of the first one's.

    Shapes:
        (n,).
    """
    answers = model.run(tensors)
    output = model.manifest.signature.prediction
    if not isinstance(output, ProbabilitiesOutput | LabelsOutput):
        return answers
    label = answers[0].argmax()
    of_label = answers[:, label].astype(np.float64)
    if isinstance(output, LabelsOutput):  # each by itself
        return _log_odds(of_label, 1 - of_label)
    return _log_odds(of_label, np.delete(answers, label, axis=1).sum(axis=1, dtype=np.float64))


def _log_odds(of_label: Probabilities, others: Probabilities) -> Probabilities:
    return np.asarray(np.log(np.maximum(of_label, _LEAST) / np.maximum(others, _LEAST)))


def _contributions(model: Model, predictions: Predictions) -> Iterator[dict[str, float]]:
    """Replace each feature of each row by what is usual, and see how the prediction moves."""
    specs = model.manifest.signature.columns
    usual = {spec.tensor: _usual(model, spec) for spec in specs}
    for row in range(len(predictions)):
        tensors = {
            name: np.repeat(tensor[row : row + 1], len(specs) + 1, axis=0)
            for name, tensor in predictions.tensors.items()
        }
        for place, spec in enumerate(specs, start=1):
            tensors[spec.tensor][place] = usual[spec.tensor]
        answers = _answers(model, tensors)
        yield {
            spec.name: float(np.float32(answers[0] - answers[place]))
            for place, spec in enumerate(specs, start=1)
        }


def _usual(model: Model, spec: ColumnSpec) -> float:
    """Return a number's median, or the code of the commonest category."""
    if not isinstance(spec, CategoryInput):
        return np.nan if spec.median is None else spec.median
    reference = model.manifest.reference.get(spec.name)
    if reference is None:
        return FIRST_CODE if spec.vocabulary else MISSING_CODE
    return int(np.argmax(reference.counts))
