"""Tensors of a request: JSON or bytes -> arrays and texts; arrays and texts -> JSON or bytes."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidInferenceRequest
from service.http.dialects.open_inference.datatypes import BF16, BYTES, DTYPES
from service.http.dialects.open_inference.json_data import check_count, read_data, wrong_count
from service.http.dialects.open_inference.messages import (
    InferRequest,
    InputTensor,
    read_count,
    unable,
)
from vitrine.errors import TooManyInstances, shown

_LENGTH = struct.Struct("<I")
_MAX_DIMENSIONS = 32
_MOST_ELEMENTS = 2**40

Buffer = bytes | memoryview
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
    request: InferRequest, binary: Buffer | None, model: str, *, max_instances: int
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
            shape = tuple(tensor.shape)
            tensors.append(Tensor(tensor.name, tensor.datatype, shape, read_data(tensor)))
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
    if tensor.datatype not in DTYPES and tensor.datatype not in {BYTES, BF16}:
        why = f"input {shown(tensor.name)} has the unknown datatype {shown(tensor.datatype)}."
        raise InvalidInferenceRequest(unable("datatype", why))
    if len(tensor.shape) > _MAX_DIMENSIONS:
        raise InvalidInferenceRequest(
            unable("shape", f"input {shown(tensor.name)} has more than {_MAX_DIMENSIONS} axes.")
        )
    if tensor.shape and tensor.shape[0] > max_instances:
        raise TooManyInstances("instances", max_instances)
    if 0 in tensor.shape and prod(filter(None, tensor.shape)) > _MOST_ELEMENTS:
        # Any other tensor would lack elements, but NumPy cannot count those of this one.
        raise InvalidInferenceRequest(
            unable("shape", f"an axis of input {shown(tensor.name)} is too long.")
        )
    if "shared_memory_region" in (tensor.parameters or {}):
        raise InvalidInferenceRequest("shared memory is not supported by this server")


def of_bytes(name: str, datatype: str, shape: tuple[int, ...], data: Buffer) -> Tensor:
    """Read a tensor that was sent as bytes: little-endian, row-major.

    Raises:
        InvalidInferenceRequest: There are more or fewer bytes than its shape takes.
    """
    count = prod(shape)
    if datatype == BYTES:
        return Tensor(name, datatype, shape, _elements(name, data, count))
    dtype = DTYPES["UINT16"] if datatype == BF16 else DTYPES[datatype]
    if len(data) != count * dtype.itemsize:
        raise InvalidInferenceRequest(
            f"unexpected total byte size {len(data)} for input {shown(name)}, "
            f"expecting {count * dtype.itemsize}"
        )
    array: NDArray[Any] = np.frombuffer(data, dtype).reshape(shape)
    if datatype == "BOOL" and (array.view(np.uint8) > 1).any():
        raise InvalidInferenceRequest(f"a BOOL of input {shown(name)} must be a byte 0 or 1")
    if datatype == BF16:  # the upper half of a float32
        array = (array.astype("<u4") << 16).view("<f4")
    return Tensor(name, datatype, shape, array)


def _elements(name: str, data: Buffer, count: int) -> list[bytes]:
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
        elements.append(bytes(data[start:first]))
    if first < len(data):
        raise wrong_count(name, f"more than {count}", count)
    check_count(name, len(elements), count)
    return elements


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
