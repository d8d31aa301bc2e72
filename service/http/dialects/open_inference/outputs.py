"""The outputs of a model: what they are called, and predictions -> the tensors of an answer.

They are the columns that our own answers have as a table, each with the shape [-1, 1], and the
probabilities of all labels beside them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.errors import InvalidInferenceRequest
from service.http.content import JSON_TYPE
from service.http.dialects.open_inference.compression import pack
from service.http.dialects.open_inference.datatypes import BYTES
from service.http.dialects.open_inference.messages import (
    InferRequest,
    Parameters,
    RequestedOutput,
    read_count,
    read_flag,
)
from service.http.dialects.open_inference.tensors import to_bytes
from service.http.reply import Headers
from vitrine.errors import shown
from vitrine.model import Model
from vitrine.predictions import PredictedBlock, Predictions, TrustOptions, label_columns
from vitrine.signature import LabelsOutput, ProbabilitiesOutput

BINARY_TYPE = "application/octet-stream"
PROBABILITIES = "probabilities"

# Columns of texts, and those of float64; all others are of float32.
_TEXTS = frozenset(("label", "set", "labels", "warnings"))
_DOUBLES = frozenset(("credibility",))

Column = NDArray[Any] | Sequence[str]


@dataclass(frozen=True, slots=True)
class Output:
    """An output that can be asked for.

    Attributes:
        name: Its name.
        datatype: Its datatype.
        size: Number of its elements for each instance.
    """

    name: str
    datatype: str
    size: int = 1


def outputs_of(model: Model, trust: TrustOptions) -> dict[str, Output]:
    """Return the outputs of a model by name, in order.

    Args:
        model: The model.
        trust: Trust options that it fulfils.
    """
    prediction = model.manifest.signature.prediction
    names = model.columns(trust)
    outputs: list[Output] = []
    if isinstance(prediction, ProbabilitiesOutput | LabelsOutput):
        outputs.append(Output(PROBABILITIES, "FP32", len(prediction.labels)))
    if isinstance(prediction, LabelsOutput):
        names = label_columns(prediction)[:1]
    outputs += [Output(name, _datatype(name)) for name in (*names, "warnings")]
    return {output.name: output for output in outputs}


def _datatype(name: str) -> str:
    if name in _TEXTS:
        return BYTES
    return "FP64" if name in _DOUBLES else "FP32"


def labels_of(model: Model) -> tuple[str, ...]:
    """Return the labels of a model's probabilities; nothing where it has none."""
    prediction = model.manifest.signature.prediction
    if isinstance(prediction, ProbabilitiesOutput | LabelsOutput):
        return prediction.labels
    return ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output as a request wants it.

    Attributes:
        output: The output.
        is_binary: Whether it is sent as bytes.
        classes: Number of its largest elements to name; None for its elements as they are.
    """

    output: Output
    is_binary: bool
    classes: int | None = None


def read_wanted(
    request: InferRequest, model: Model, trust: TrustOptions, *, is_raw: bool = False
) -> list[Wanted]:
    """Return the outputs that a request wants: all of them, where it names none.

    Args:
        request: The request.
        model: The model that answers.
        trust: Trust options that it fulfils.
        is_raw: Whether the request is nothing but data, which is answered alike.

    Raises:
        InvalidInferenceRequest: There is no such output, or it cannot be written so.
    """
    outputs = outputs_of(model, trust)
    is_binary = is_raw or read_flag(request.parameters or {}, "binary_data_output") or False
    if not request.outputs:
        return [Wanted(output, is_binary) for output in outputs.values()]
    wanted = [_read_one(each, outputs, model, is_binary=is_binary) for each in request.outputs]
    names = {each.output.name for each in wanted}
    if len(names) < len(wanted):  # a small request could ask for an answer of any size
        raise InvalidInferenceRequest("each inference output can be requested once")
    return wanted


def _read_one(
    asked: RequestedOutput, outputs: Mapping[str, Output], model: Model, *, is_binary: bool
) -> Wanted:
    output = outputs.get(asked.name)
    if output is None:
        raise InvalidInferenceRequest(
            f"unexpected inference output {shown(asked.name)} for model {shown(model.name)}, "
            f"allowed outputs are: {', '.join(outputs)}"
        )
    parameters: Parameters = asked.parameters or {}
    if "shared_memory_region" in parameters:
        raise InvalidInferenceRequest("shared memory is not supported by this server")
    classes = read_count(parameters, "classification", least=1)
    if classes is not None and output.datatype == BYTES:
        raise InvalidInferenceRequest(
            f"class result not available for output {shown(output.name)} due to unsupported type "
            "'BYTES'"
        )
    own = read_flag(parameters, "binary_data")
    return Wanted(output, is_binary if own is None else own, classes)


class TensorEncoder:
    """Writes predictions as tensors, which are whole only after the last block.

    Args:
        request: What is answered.
        model: The model that predicted.
        wanted: The outputs to write.
        trust: The trust options that the model fulfilled.
        coding: Compression of the answer; empty for none.
    """

    def __init__(
        self,
        request: InferRequest,
        model: Model,
        wanted: Sequence[Wanted],
        trust: TrustOptions,
        coding: str,
    ) -> None:
        self._wanted = wanted
        self._labels = labels_of(model)
        self._coding = coding
        self._header_bytes: int | None = None
        self._predictions: list[Predictions] = []
        self._members: dict[str, Any] = {
            "model_name": model.name,
            "model_version": str(model.version),
        }
        if request.id is not None:
            self._members["id"] = request.id
        if trust.coverage is not None:
            self._members["parameters"] = {"coverage": trust.coverage}

    def begin(self) -> bytes:
        """Return nothing: the sizes of all tensors come first."""
        return b""

    def encode(self, predicted: PredictedBlock) -> bytes:
        """Keep the predictions of a block."""
        self._predictions.append(predicted.predictions)
        return b""

    def end(self) -> bytes:
        """Return the whole answer."""
        read = _Columns(self._predictions)
        chunks: list[bytes] = []
        outputs = [self._output(wanted, read, chunks) for wanted in self._wanted]
        body = orjson.dumps(
            {**self._members, "outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY
        )
        if chunks:
            self._header_bytes = len(body)
            body = b"".join((body, *chunks))
        return pack(body, self._coding) if self._coding else body

    def _output(self, wanted: Wanted, read: "_Columns", chunks: list[bytes]) -> dict[str, Any]:
        output, size = wanted.output, wanted.output.size
        values, datatype = read(output), output.datatype
        if wanted.classes is not None:
            labels = self._labels if output.name == PROBABILITIES else ()
            array = np.asarray(values).reshape(-1, size)
            values, datatype = _classify(array, wanted.classes, labels), BYTES
            size = min(wanted.classes, size)
        written: dict[str, Any] = {"name": output.name, "datatype": datatype}
        written["shape"] = [read.count, size]
        if not wanted.is_binary:
            written["data"] = values
            return written
        chunk = to_bytes(values)
        chunks.append(chunk)
        written["parameters"] = {"binary_data_size": len(chunk)}
        return written

    def headers(self) -> Headers:
        """Return the headers of the answer that was written."""
        is_binary = self._header_bytes is not None
        headers = [("Content-Type", BINARY_TYPE if is_binary else JSON_TYPE)]
        if is_binary:
            headers.append(("Inference-Header-Content-Length", str(self._header_bytes)))
        if self._coding:
            headers.append(("Content-Encoding", self._coding))
        return headers


class _Columns:
    """The outputs of some predictions, worked out when they are asked for.

    Args:
        predictions: The predictions of each block.

    Attributes:
        count: Number of instances.
    """

    def __init__(self, predictions: Sequence[Predictions]) -> None:
        self._predictions = predictions
        self._tables: list[dict[str, NDArray[Any]]] | None = None
        self.count = sum(map(len, predictions))

    def __call__(self, output: Output) -> Column:
        """Return the elements of an output in row-major order."""
        parts = [*map(partial(self._part, output.name), range(len(self._predictions)))]
        if output.datatype == BYTES:
            return ["" if text is None else text for part in parts for text in part]
        dtype = np.float64 if output.datatype == "FP64" else np.float32
        if not parts:
            return np.empty(0, dtype)
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return np.ascontiguousarray(whole, dtype).reshape(-1)

    def _part(self, name: str, index: int) -> Any:
        predictions = self._predictions[index]
        if name == PROBABILITIES:
            return predictions.values
        if name == "warnings":
            warnings = predictions.warnings
            return [" ".join(warnings.get(each, ())) for each in range(len(predictions))]
        if self._tables is None:
            self._tables = [each.columns() for each in self._predictions]
        return self._tables[index][name]


def _classify(values: NDArray[Any], classes: int, labels: Sequence[str]) -> list[str]:
    """Name the largest elements of each instance, the largest first.

    Shapes:
        values: (n, elements); returns n * min(classes, elements) texts.
    """
    best = (-values).argsort(axis=1, kind="stable")[:, :classes]
    write: Callable[[Any, int], str] = _name_with_label(labels) if labels else _name
    return [
        write(values[row, index], index)
        for row, indices in enumerate(best.tolist())
        for index in indices
    ]


def _name(value: Any, index: int) -> str:
    return f"{value!s}:{index}"


def _name_with_label(labels: Sequence[str]) -> Callable[[Any, int], str]:
    return lambda value, index: f"{value!s}:{index}:{labels[index]}"
