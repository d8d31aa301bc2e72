"""The inputs of a model: what they are called, and tensors of a request -> instances.

A model of pictures has one numeric input: the levels of pictures as they are, which the model's
geometry brings to the network's size. Encoded pictures may be sent under the same name as BYTES. A
model of tables has an input for each column.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidInferenceRequest
from service.http.dialects.open_inference.datatypes import BYTES
from service.http.dialects.open_inference.messages import unable
from service.http.dialects.open_inference.tensors import Tensor, of_bytes
from service.http.predictor import Admit, Predictor
from vitrine.block_stream import BlockStream
from vitrine.errors import shown
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pictures import HEAD_BYTES, begins_like_picture
from vitrine.signature import ColumnSpec, InputSpec, NumberInput, PictureInput
from vitrine.tables.columns import Values

_LENGTH_BYTES = 4
_MAX_NAMED = 20


def datatype_of(spec: InputSpec) -> str:
    """Return the datatype that the metadata names for an input; others are taken, too."""
    if isinstance(spec, PictureInput):
        return "UINT8"
    return "FP32" if isinstance(spec, NumberInput) else BYTES


def shape_of(spec: InputSpec) -> list[int]:
    """Return the shape of an input, whose first axis may have any length."""
    return [-1, *(spec.shape if isinstance(spec, PictureInput) else (1,))]


def raw_tensor(model: Model, data: bytes) -> Tensor:
    """Read a body that is nothing but the data of a model's only input: one instance.

    Raises:
        InvalidInferenceRequest: The model has several inputs, or the data does not fit it.
    """
    specs = model.manifest.signature.inputs
    if len(specs) != 1:
        raise InvalidInferenceRequest(
            f"Raw request must only have 1 input (found {len(specs)}) to be deduced"
        )
    spec = specs[0]
    if isinstance(spec, PictureInput):
        picture = _raw_picture(data)
        if picture is not None:
            return Tensor(spec.name, BYTES, (1,), [picture])
        return of_bytes(spec.name, "UINT8", (1, *spec.shape), data)
    if datatype_of(spec) == BYTES:
        return Tensor(spec.name, BYTES, (1,), [data])
    return of_bytes(spec.name, "FP32", (1,), data)


def _raw_picture(data: bytes) -> bytes | None:
    """Return the encoded picture that a body is, with or without its length before it."""
    if begins_like_picture(data[:HEAD_BYTES]):
        return data
    bare = data[_LENGTH_BYTES:]
    has_length = int.from_bytes(data[:_LENGTH_BYTES], "little") == len(bare)
    return bare if has_length and begins_like_picture(bare[:HEAD_BYTES]) else None


def open_tensors(
    predictor: Predictor, model: Model, tensors: Sequence[Tensor], options: Options, admit: Admit
) -> BlockStream:
    """Begin to read tensors as instances of a model.

    Raises:
        VitrineError: They do not fit the model, or are refused.
    """
    signature = model.manifest.signature
    named = _by_name(tensors, [spec.name for spec in signature.inputs], model)
    count = _count(tensors)
    if signature.picture is not None:
        pictures = _pictures(named[signature.picture.name], signature.picture)
        return predictor.pictures(model, pictures, options, admit)
    columns = {spec.name: _column(named[spec.name], spec) for spec in signature.columns}
    return predictor.columns(model, columns, count, options, admit)


def _by_name(tensors: Sequence[Tensor], names: Sequence[str], model: Model) -> Mapping[str, Tensor]:
    named = {tensor.name: tensor for tensor in tensors}
    for name in named:
        if name not in names:
            raise InvalidInferenceRequest(
                f"unexpected inference input {shown(name)} for model {shown(model.name)}, "
                f"allowed inputs are: {_listed(names)}"
            )
    if len(named) == len(tensors) == len(names):
        return named
    missing = [name for name in names if name not in named]
    detail = (
        f"Got input(s) {_listed(list(named))}, but missing required input(s) {_listed(missing)}. "
        "Please provide all required input(s)."
        if missing
        else "Each must come once."
    )
    raise InvalidInferenceRequest(
        f"expected {len(names)} inputs but got {len(tensors)} inputs for model "
        f"{shown(model.name)}. {detail}"
    )


def _listed(names: Sequence[str]) -> str:
    more = "..." if len(names) > _MAX_NAMED else ""
    return f"[{', '.join(map(shown, names[:_MAX_NAMED]))}{more}]"


def _count(tensors: Sequence[Tensor]) -> int:
    """Return the number of instances, which all tensors have alike.

    Raises:
        InvalidInferenceRequest: They differ.
    """
    counts = {tensor.name: tensor.shape[0] if tensor.shape else 0 for tensor in tensors}
    for tensor in tensors:
        if not tensor.shape:
            why = f"that of input {shown(tensor.name)} must begin with the number of instances."
            raise InvalidInferenceRequest(unable("shape", why))
        if counts[tensor.name] != counts[tensors[0].name]:
            raise InvalidInferenceRequest(
                f"input batch size does not match other inputs for {shown(tensor.name)}"
            )
    return counts[tensors[0].name]


def _wrong_shape(tensor: Tensor, spec: InputSpec, also: str) -> InvalidInferenceRequest:
    expected, got = (str(list(shape)).replace(" ", "") for shape in (shape_of(spec), tensor.shape))
    return InvalidInferenceRequest(
        f"unexpected shape for input {shown(spec.name)}. Expected {expected}, got {got}. {also}"
    )


def _pictures(tensor: Tensor, spec: PictureInput) -> Sequence[object]:
    """Return each picture: its levels as an array, or its file."""
    values = tensor.values
    if not isinstance(values, np.ndarray):
        if not _is_column(tensor):
            raise _wrong_shape(tensor, spec, "Encoded pictures, as BYTES, have the shape [-1].")
        return values
    is_levels = values.ndim == 4 or (values.ndim == 3 and values.shape[2] > 3)
    if not is_levels:
        raise _wrong_shape(tensor, spec, "Pictures may have another height and width.")
    return list(values)


def _is_column(tensor: Tensor) -> bool:
    return len(tensor.shape) == 1 or tensor.shape[1:] == (1,)


def _column(tensor: Tensor, spec: ColumnSpec) -> Values:
    """Return the values of a column: an array of numbers, or texts, None and booleans."""
    if not _is_column(tensor):
        raise _wrong_shape(tensor, spec, "The shape [-1] is taken, too.")
    values = tensor.values
    if isinstance(values, np.ndarray):
        return _numbers(values.reshape(-1), spec)
    return [_text(each, spec) for each in values]


def _numbers(values: NDArray[Any], spec: ColumnSpec) -> Values:
    """Return numbers as they are; as texts, where these would have digits that nobody sent."""
    if values.dtype.kind == "b":
        truths: list[object] = values.tolist()
        return truths
    if isinstance(spec, NumberInput) or values.dtype.kind != "f":
        return values
    texts: list[object] = values.astype(str).tolist()
    return texts


def _text(element: Any, spec: ColumnSpec) -> str | None:
    if not isinstance(element, bytes):
        text: str | None = element
        return text
    try:
        return element.decode()
    except UnicodeDecodeError:
        raise InvalidInferenceRequest(
            f"a text of input {shown(spec.name)} is not UTF-8, as it must be"
        ) from None
