"""Tensors of a request: JSON or bytes -> arrays and texts; arrays and texts -> JSON or bytes."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite, prod
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.errors import InvalidInferenceRequest
from service.http.dialects.open_inference.messages import (
    InferRequest,
    InputTensor,
    read_count,
    unable,
)
from service.http.json_pieces import MalformedPiece, parse_elements
from vitrine.errors import TooManyInstances, shown

BYTES = "BYTES"
DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
_BF16 = "BF16"
_ONLY_BINARY = frozenset(("FP16", _BF16))
_LENGTH = struct.Struct("<I")
# A larger array is parsed in pieces, so that others compute meanwhile.
_LARGE_BYTES = 2**17
_MAX_DIMENSIONS = 32
_SHOWN_DIGITS = 40

# Elements of a tensor of BYTES: texts of JSON, with None for null, or bytes.
Elements = Sequence[str | bytes | None]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that was read.

    Attributes:
        name: Its name.
        datatype: Its datatype.
        shape: Its shape.
        values: An array of that shape; of BYTES, its elements in row-major order.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: NDArray[Any] | Elements


def read_tensors(
    request: InferRequest, binary: bytes | None, model: str, *, max_instances: int
) -> list[Tensor]:
    """Read the tensors of a request.

    Args:
        request: The JSON.
        binary: What follows the JSON; None where the request does not say where that is.
        model: Name of the model, for errors.
        max_instances: Length that the first axis may have.

    Raises:
        InvalidInferenceRequest: The data of some tensor does not fit its datatype and shape.
        TooManyInstances: The first axis of some tensor is longer.
    """
    tensors: list[Tensor] = []
    first = 0
    for tensor in request.inputs:
        _check(tensor, max_instances)
        size = read_count(tensor.parameters or {}, "binary_data_size")
        if size is None:
            tensors.append(_of_json(tensor))
            continue
        if binary is None:
            raise InvalidInferenceRequest(
                "must specify valid 'Infer-Header-Content-Length' in request header and "
                "'binary_data_size' when passing inputs in binary data format"
            )
        data = binary[first : first + size]
        if len(data) < size:
            raise InvalidInferenceRequest(
                f"unexpected size for input {shown(tensor.name)}, expecting {size - len(data)} "
                f"additional bytes for model {shown(model)}"
            )
        first += size
        tensors.append(of_bytes(tensor.name, tensor.datatype, tuple(tensor.shape), data))
    if binary is not None and first < len(binary):
        raise InvalidInferenceRequest(f"unexpected additional input data for model {shown(model)}")
    return tensors


def _check(tensor: InputTensor, max_instances: int) -> None:
    if tensor.datatype not in DTYPES and tensor.datatype not in {BYTES, _BF16}:
        why = f"input {shown(tensor.name)} has the unknown datatype {shown(tensor.datatype)}."
        raise InvalidInferenceRequest(unable("datatype", why))
    if len(tensor.shape) > _MAX_DIMENSIONS:
        raise InvalidInferenceRequest(
            unable("shape", f"input {shown(tensor.name)} has more than {_MAX_DIMENSIONS} axes.")
        )
    if tensor.shape and tensor.shape[0] > max_instances:
        raise TooManyInstances("instances", max_instances)
    if "shared_memory_region" in (tensor.parameters or {}):
        raise InvalidInferenceRequest("shared memory is not supported by this server")


def of_bytes(name: str, datatype: str, shape: tuple[int, ...], data: bytes) -> Tensor:
    """Read a tensor that was sent as bytes: little-endian, row-major.

    Raises:
        InvalidInferenceRequest: There are more or fewer bytes than its shape takes.
    """
    count = prod(shape)
    if datatype == BYTES:
        return Tensor(name, datatype, shape, _elements(name, data, count))
    dtype = DTYPES["UINT16"] if datatype == _BF16 else DTYPES[datatype]
    if len(data) != count * dtype.itemsize:
        raise InvalidInferenceRequest(
            f"unexpected total byte size {len(data)} for input {shown(name)}, "
            f"expecting {count * dtype.itemsize}"
        )
    array: NDArray[Any] = np.frombuffer(data, dtype).reshape(shape)
    if datatype == "BOOL" and (array.view(np.uint8) > 1).any():
        raise InvalidInferenceRequest(f"a BOOL of input {shown(name)} must be a byte 0 or 1")
    if datatype == _BF16:  # the upper half of a float32
        array = (array.astype("<u4") << 16).view("<f4")
    return Tensor(name, datatype, shape, array)


def _elements(name: str, data: bytes, count: int) -> list[bytes]:
    """Cut the bytes of a tensor of BYTES, each of whose elements follows its length."""
    elements: list[bytes] = []
    first = 0
    while first < len(data) and len(elements) <= count:
        start = first + _LENGTH.size
        if start > len(data):
            raise InvalidInferenceRequest(
                f"incomplete string length indicator for inference input {shown(name)}"
            )
        (length,) = _LENGTH.unpack_from(data, first)
        first = start + length
        if first > len(data):
            raise InvalidInferenceRequest(
                f"incomplete string data for inference input {shown(name)}, expecting string of "
                f"length {length} but only {len(data) - start} bytes available"
            )
        elements.append(data[start:first])
    if first < len(data):
        raise _wrong_count(name, f"more than {count}", count)
    _check_count(name, len(elements), count)
    return elements


def _check_count(name: str, found: int, count: int) -> None:
    if found != count:
        raise _wrong_count(name, str(found), count)


def _wrong_count(name: str, found: str, count: int) -> InvalidInferenceRequest:
    why = (
        f"Shape does not match true shape of 'data' field: input {shown(name)} has {found} "
        f"elements, and its shape {str(count)[:_SHOWN_DIGITS]}."
    )
    return InvalidInferenceRequest(unable("data", why))


def _of_json(tensor: InputTensor) -> Tensor:
    name, datatype, shape = tensor.name, tensor.datatype, tuple(tensor.shape)
    if datatype in _ONLY_BINARY:
        raise InvalidInferenceRequest(
            f"receiving {datatype} data via JSON is not supported. Please use the binary data "
            f"format for input {shown(name)}"
        )
    values = _flat(tensor)
    _check_count(name, len(values), prod(shape))
    if datatype == BYTES:
        _check_kinds(name, values, {str, type(None)}, "a text")
        return Tensor(name, datatype, shape, values)
    return Tensor(name, datatype, shape, _numbers(name, datatype, values).reshape(shape))


def _flat(tensor: InputTensor) -> list[Any]:
    """Return the data in row-major order, be it nested or not."""
    values = _parse(tensor)
    while values and isinstance(values[0], list):
        length = len(values[0])
        if any(not isinstance(each, list) or len(each) != length for each in values):
            why = f"the lists of input {shown(tensor.name)} have different lengths or depths."
            raise InvalidInferenceRequest(unable("data", why))
        values = list(chain.from_iterable(values))
    return values


def _parse(tensor: InputTensor) -> list[Any]:
    text = bytes(tensor.data).strip()
    if not text.startswith(b"["):
        missing = "is missing" if not text else "must be a list"
        why = f"that of input {shown(tensor.name)} {missing}."
        raise InvalidInferenceRequest(unable("data", why))
    try:
        if len(text) < _LARGE_BYTES:
            values: list[Any] = orjson.loads(text)
            return values
        return list(chain.from_iterable(parse_elements(text)))
    except (orjson.JSONDecodeError, MalformedPiece):  # what the first parser does not look at
        why = f"that of input {shown(tensor.name)} has a number or a text that is not JSON's."
        raise InvalidInferenceRequest(unable("data", why)) from None


def _check_kinds(name: str, values: Sequence[Any], kinds: set[type], expected: str) -> None:
    if kinds.issuperset(map(type, values)):
        return
    index = next(index for index, value in enumerate(values) if type(value) not in kinds)
    why = (
        f"element {index} of input {shown(name)} must be {expected}. "
        f"Received: {shown(_written(values[index]))}."
    )
    raise InvalidInferenceRequest(unable("data", why))


def _written(value: object) -> object:
    """Return a value of JSON as JSON writes it; of an array or an object, only its kind."""
    names: dict[type, str] = {list: "an array", dict: "an object", type(None): "null"}
    if isinstance(value, bool):
        return str(value).lower()
    return names.get(type(value), value)


def _numbers(name: str, datatype: str, values: list[Any]) -> NDArray[Any]:
    dtype = DTYPES[datatype]
    if dtype.kind == "f":
        _check_kinds(name, values, {int, float, type(None)}, "a number or null")
        # Of a number in JSON, whoever needs fewer digits rounds them off, and once.
        dtype = DTYPES["FP64"]
    elif dtype.kind == "b":
        _check_kinds(name, values, {bool}, "true or false")
    else:
        _check_kinds(name, values, {int, float}, "a whole number")
        values = [_whole(name, value) for value in values]
    try:
        return np.array(values, dtype)
    except OverflowError:
        why = f"a number of input {shown(name)} is beyond the range of {datatype}."
        raise InvalidInferenceRequest(unable("data", why)) from None


def _whole(name: str, value: float) -> int:
    """Return an integer that may be written as 1.0."""
    if isinstance(value, float) and not (isfinite(value) and value.is_integer()):
        why = f"an element of input {shown(name)} must be a whole number. Received: {value:g}."
        raise InvalidInferenceRequest(unable("data", why))
    return int(value)


def to_bytes(values: NDArray[Any] | Sequence[str]) -> bytes:
    """Write a tensor as bytes: little-endian, row-major, each text after its length."""
    if isinstance(values, np.ndarray):
        return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return b"".join(_with_lengths(values))


def _with_lengths(texts: Sequence[str]) -> Iterator[bytes]:
    for text in texts:
        data = text.encode()
        yield _LENGTH.pack(len(data))
        yield data
