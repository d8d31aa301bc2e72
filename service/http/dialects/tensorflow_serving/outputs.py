"""Predictions -> JSON, with numbers as TensorFlow Serving writes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from vitrine.model import Model
from vitrine.predictions import PredictedBlock, Predictions
from vitrine.signature import (
    AnomalyOutput,
    LabelsOutput,
    ProbabilitiesOutput,
    ValueOutput,
)

# The text of an output for each instance.
Texts = Sequence[str]
# Returns the texts of each output by its name.
Write = Callable[[Sequence[Predictions]], Mapping[str, Texts]]

_END = "]\n}\n"


def write_numbers(values: NDArray[np.floating]) -> list[str]:
    """Write numbers as that server does: in six digits, or in all where six are not exact.

    Shapes:
        values: (n,).
    """
    numbers, digits = values.tolist(), _DIGITS[values.dtype.itemsize]
    texts = [f"{number:g}" for number in numbers]
    for index in np.flatnonzero(np.array(texts, np.float64).astype(values.dtype) != values):
        texts[index] = f"{numbers[index]:.{digits}g}"
    return [_marked(text) for text in texts]


# Bytes of a number -> digits that distinguish any two such numbers.
_DIGITS = {4: 9, 8: 17}


def _marked(text: str) -> str:
    """Mark a whole number as a decimal one; write what is no number by its name."""
    if "." in text or "e" in text:
        return text
    return _NAMES.get(text) or f"{text}.0"


_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class Encoder:
    """Writes what a request is answered with, once all of it is predicted.

    Args:
        write: Writes the outputs of all predictions.
        wrap: Puts the outputs together to one document.
    """

    def __init__(self, write: Write, wrap: Callable[[Mapping[str, Texts]], str]) -> None:
        self._write = write
        self._wrap = wrap
        self._predicted: list[Predictions] = []

    def begin(self) -> bytes:
        """Return nothing: the answer is written at its end."""
        return b""

    def encode(self, predicted: PredictedBlock) -> bytes:
        """Keep the predictions of a block."""
        self._predicted.append(predicted.predictions)
        return b""

    def end(self) -> bytes:
        """Return the answer."""
        return self._wrap(self._write(self._predicted)).encode()


def in_rows(outputs: Mapping[str, Texts]) -> str:
    """Return one value for each instance, or one object where there are several outputs."""
    texts: Iterable[str] = next(iter(outputs.values()))
    if len(outputs) > 1:
        names = [f"{_quote(name)}: " for name in outputs]
        texts = (
            "{" + ", ".join(map(str.__add__, names, row)) + "}"
            for row in zip(*outputs.values(), strict=True)
        )
    return f'{{\n    "predictions": [{", ".join(texts)}{_END}'


def in_columns(outputs: Mapping[str, Texts]) -> str:
    """Return one list for each output."""
    lists = {name: f"[{', '.join(texts)}]" for name, texts in outputs.items()}
    if len(lists) == 1:
        (value,) = lists.values()
    else:
        value = "{" + ", ".join(f"{_quote(name)}: {text}" for name, text in lists.items()) + "}"
    return f'{{\n    "outputs": {value}\n}}\n'


def as_results(outputs: Mapping[str, Texts]) -> str:
    """Return the results of `classify` or `regress`."""
    (texts,) = outputs.values()
    return f'{{\n    "results": [{", ".join(texts)}{_END}'


def _quote(text: str | None) -> str:
    return orjson.dumps(text).decode()


def own_output(model: Model, *, is_flat: bool) -> Write:
    """Return what writes the network's own output, in its own shape.

    Args:
        model: The model that predicted.
        is_flat: Whether an output of one number is written without a list around it.
    """
    spec = model.manifest.signature.prediction
    is_number = isinstance(spec, ValueOutput | AnomalyOutput)
    is_bare = is_number and (is_flat or not spec.shape)

    def write(predicted: Sequence[Predictions]) -> Mapping[str, Texts]:
        values = _joined([each.values for each in predicted])
        return {spec.name: write_numbers(values) if is_bare else _lists(values)}

    return write


def _joined(arrays: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _lists(values: NDArray[np.floating]) -> list[str]:
    """Write the numbers of each instance as a list."""
    texts = write_numbers(values.reshape(-1))
    width = values.size // len(values)
    return [f"[{', '.join(texts[at : at + width])}]" for at in range(0, len(texts), width)]


def classes(model: Model) -> Write:
    """Return what writes each class label with its score, in the order of the signature."""
    output = model.manifest.signature.prediction
    labels: Sequence[str] = [""]
    if isinstance(output, ProbabilitiesOutput | LabelsOutput):
        labels = output.labels
    begins = [f"[{_quote(label)}, " for label in labels]

    def write(predicted: Sequence[Predictions]) -> Mapping[str, Texts]:
        texts = write_numbers(_joined([each.values for each in predicted]).reshape(-1))
        width = len(begins)
        rows = [texts[at : at + width] for at in range(0, len(texts), width)]
        return {"classes": [f"[{', '.join(map('{}{}]'.format, begins, row))}]" for row in rows]}

    return write


def detailed(predicted: Sequence[Predictions]) -> Mapping[str, Texts]:
    """Write everything that is known of each prediction, each under a name of its own."""
    parts = [_details(each) for each in predicted]
    return {name: [text for part in parts for text in part[name]] for name in parts[0]}


def _details(predictions: Predictions) -> dict[str, Texts]:
    output, confidence = predictions.output, predictions.confidence
    outputs: dict[str, Texts] = {}
    match output:
        case ProbabilitiesOutput():
            outputs["label"] = [_quote(label) for label in predictions.labels()]
            outputs["probability"] = write_numbers(predictions.values.max(axis=1))
            outputs["probabilities"] = _lists(predictions.values)
        case LabelsOutput():
            outputs["labels"] = [_quote_all(labels) for labels in predictions.label_lists()]
            outputs["probabilities"] = _lists(predictions.values)
        case ValueOutput():
            outputs["prediction"] = write_numbers(predictions.values)
        case AnomalyOutput():
            outputs["anomaly_score"] = write_numbers(predictions.values)
    if confidence is not None:
        if confidence.sets is not None:
            outputs["set"] = [_quote_all(labels) for labels in predictions.set_lists()]
        if confidence.intervals is not None:
            lower, upper = confidence.intervals.T
            outputs["lower"], outputs["upper"] = write_numbers(lower), write_numbers(upper)
        if confidence.credibility is not None:
            outputs["credibility"] = write_numbers(confidence.credibility)
    outputs["warnings"] = [
        _quote_all(predictions.warnings.get(index, [])) for index in range(len(predictions))
    ]
    return outputs


def _quote_all(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_quote, texts))}]"
