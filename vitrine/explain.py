"""Why an instance got its prediction: which pixels, or which features, decided.

Both explanations run the network again on altered inputs, so they work with any engine.

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

# In 28 pixels a patch is about as wide as two strokes, and moves by half a stroke.
_STRIDES = 14
_LEAST = 1e-12  # lower bound of a probability, so that its logarithm is finite


def explain(
    model: Model, predictions: Predictions, decoded: Sequence[tuple[str, ...]] = ()
) -> Iterator[Explanation]:
    """Explain predictions that a model has just made, one after the other.

    Args:
        model: The model that made them.
        predictions: The predictions, all without errors, with the network's input.
        decoded: What decoding did to each picture before the geometry, in plain words.

    Yields:
        For a picture: `image`, the network's input as a PNG data URI; `steps`, what was done to
        get it; `saliency`, a picture of the same size that shows how much each pixel spoke for the
        label, the value or the score, white for the most. For a row: `contributions`, by how much
        each feature moves the value, the score or the log-odds of the most probable label, compared
        with the feature's median in training.
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
    """Cover the foreground patch by patch, and see how far the log-odds or the score fall.

    A patch is covered with the background: black, or the mean colour of a picture without one.

    Shapes:
        picture: (height, width, channels); result: (height, width, 1), levels in [0, 255].
    """
    spec = model.manifest.signature.inputs[0]
    background = _background(model, picture)
    foreground = (picture != background).any(axis=2, keepdims=True)
    patches = list(_patches(foreground))
    # The picture itself first, then one copy for each covered patch.
    pictures = np.repeat(picture[np.newaxis], len(patches) + 1, axis=0)
    for covered, patch in zip(pictures[1:], patches, strict=True):
        covered[patch] = background
    answers = _answers(model, {spec.tensor: pictures})
    falls = answers[0] - answers[1:]
    total = np.zeros((*picture.shape[:2], 1), dtype=np.float32)
    times = np.zeros_like(total)
    # A pixel's part is the mean fall over all patches that cover it.
    for patch, fall in zip(patches, falls, strict=True):
        total[patch] += fall
        times[patch] += 1
    part = np.where(foreground, np.maximum(total / np.maximum(times, 1), 0), 0)
    return part * np.float32(255 / max(float(part.max()), 1e-6))


def _background(model: Model, picture: Picture) -> Picture:
    """Return the colour that covers a patch, (channels,)."""
    spec = model.manifest.signature.picture
    if spec is not None and spec.inked:
        return np.zeros(picture.shape[2], dtype=np.float32)
    return np.asarray(picture.mean(axis=(0, 1)))


def _patches(foreground: NDArray[np.bool_]) -> Iterator[tuple[slice, slice]]:
    """Yield the patches that hold some foreground; some reach over the edge of the picture."""
    height, width = foreground.shape[:2]
    stride = max(1, round(max(height, width) / _STRIDES))
    side = 2 * stride + 1
    for top in range(stride - side, height, stride):
        for left in range(stride - side, width, stride):
            patch = slice(max(0, top), top + side), slice(max(0, left), left + side)
            if foreground[patch].any():
                yield patch


def _answers(model: Model, tensors: Tensors) -> NDArray[np.floating[Any]]:
    """Return values and scores as they are; of labels, the log-odds of the first picture's label.

    Shapes:
        (n,).
    """
    answers = model.run(tensors)
    output = model.manifest.signature.prediction
    if not isinstance(output, ProbabilitiesOutput | LabelsOutput):
        return answers
    label = answers[0].argmax()
    of_label = answers[:, label].astype(np.float64)
    if isinstance(output, LabelsOutput):  # each label has a probability of its own
        return _log_odds(of_label, 1 - of_label)
    return _log_odds(of_label, np.delete(answers, label, axis=1).sum(axis=1, dtype=np.float64))


def _log_odds(of_label: Probabilities, others: Probabilities) -> Probabilities:
    return np.asarray(np.log(np.maximum(of_label, _LEAST) / np.maximum(others, _LEAST)))


def _contributions(model: Model, predictions: Predictions) -> Iterator[dict[str, float]]:
    """Replace each feature of each row by its usual value, and see how the prediction moves."""
    specs = model.manifest.signature.columns
    usual = {spec.tensor: _usual(model, spec) for spec in specs}
    for row in range(len(predictions)):
        tensors = {
            name: np.repeat(tensor[row : row + 1], len(specs) + 1, axis=0)
            for name, tensor in predictions.tensors.items()
        }
        # The row itself first, then one copy for each feature that is replaced.
        for index, spec in enumerate(specs, start=1):
            tensors[spec.tensor][index] = usual[spec.tensor]
        answers = _answers(model, tensors)
        yield {
            spec.name: float(np.float32(answers[0] - answers[index]))
            for index, spec in enumerate(specs, start=1)
        }


def _usual(model: Model, spec: ColumnSpec) -> float:
    """Return the median of a number, or the code of the commonest category."""
    if not isinstance(spec, CategoryInput):
        return np.nan if spec.median is None else spec.median
    reference = model.manifest.reference.get(spec.name)
    if reference is None:
        return FIRST_CODE if spec.vocabulary else MISSING_CODE
    return int(np.argmax(reference.counts))
