"""The data of a tensor as JSON -> an array, or texts.

A large list is parsed, checked and converted a piece at a time: each of these steps keeps the
interpreter to itself, and others shall compute meanwhile.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import isfinite, prod
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.errors import InvalidInferenceRequest
from service.http.dialects.open_inference.datatypes import BF16, BYTES, DTYPES
from service.http.dialects.open_inference.messages import InputTensor, unable
from service.http.json_pieces import MalformedPiece, parse_elements
from vitrine.errors import shown

_ONLY_BINARY = frozenset(("FP16", BF16))
# A larger list is parsed in pieces.
_LARGE_BYTES = 2**17
_PIECE_ELEMENTS = 2**15
_SHOWN_DIGITS = 40


def read_data(tensor: InputTensor) -> NDArray[Any] | list[str | None]:
    """Read the data of a tensor: an array of its shape; of BYTES, its texts in row-major order.

    Raises:
        InvalidInferenceRequest: The data does not fit the datatype and the shape.
    """
    name, datatype, shape = tensor.name, tensor.datatype, tuple(tensor.shape)
    if datatype in _ONLY_BINARY:
        raise InvalidInferenceRequest(
            f"receiving {datatype} data via JSON is not supported. Please use the binary data "
            f"format for input {shown(name)}"
        )
    if datatype == BYTES:
        texts: list[str | None] = []
        for piece in _pieces(tensor):
            _check_kinds(name, piece, len(texts), {str, type(None)}, "a text")
            texts += piece
        check_count(name, len(texts), prod(shape))
        return texts
    parts: list[NDArray[Any]] = []
    count = 0
    for piece in _pieces(tensor):
        parts.append(_numbers(name, datatype, piece, count))
        count += len(piece)
    check_count(name, count, prod(shape))
    array = np.concatenate(parts) if parts else np.empty(0, DTYPES[datatype])
    return array.reshape(shape)


def check_count(name: str, found: int, count: int) -> None:
    """Check that a tensor has as many elements as its shape.

    Raises:
        InvalidInferenceRequest: It has not.
    """
    if found != count:
        raise wrong_count(name, str(found), count)


def wrong_count(name: str, found: str, count: int) -> InvalidInferenceRequest:
    """Return the error of a tensor that has more or fewer elements than its shape."""
    why = (
        f"Shape does not match true shape of 'data' field: input {shown(name)} has {found} "
        f"elements, and its shape {str(count)[:_SHOWN_DIGITS]}."
    )
    return InvalidInferenceRequest(unable("data", why))


def _pieces(tensor: InputTensor) -> Iterator[list[Any]]:
    """Yield the elements in row-major order, some at a time, be they nested or not."""
    for parsed in _parse(tensor):
        values = _flat(tensor.name, parsed)
        if len(values) <= _PIECE_ELEMENTS:
            yield values
            continue
        for first in range(0, len(values), _PIECE_ELEMENTS):
            yield values[first : first + _PIECE_ELEMENTS]


def _flat(name: str, values: list[Any]) -> list[Any]:
    while values and isinstance(values[0], list):
        length = len(values[0])
        if any(not isinstance(each, list) or len(each) != length for each in values):
            why = f"the lists of input {shown(name)} have different lengths or depths."
            raise InvalidInferenceRequest(unable("data", why))
        values = list(chain.from_iterable(values))
    return values


def _parse(tensor: InputTensor) -> Iterator[list[Any]]:
    text = bytes(tensor.data).strip()
    if not text.startswith(b"["):
        missing = "is missing" if not text else "must be a list"
        why = f"that of input {shown(tensor.name)} {missing}."
        raise InvalidInferenceRequest(unable("data", why))
    try:
        if len(text) < _LARGE_BYTES:
            yield orjson.loads(text)
        else:
            yield from parse_elements(text)
    except (orjson.JSONDecodeError, MalformedPiece):  # what the first parser does not look at
        why = f"that of input {shown(tensor.name)} has a number or a text that is not JSON's."
        raise InvalidInferenceRequest(unable("data", why)) from None


def _check_kinds(
    name: str, values: Sequence[Any], first: int, kinds: set[type], expected: str
) -> None:
    """Check the types of elements, of which there are so many before these."""
    if kinds.issuperset(map(type, values)):
        return
    index = next(index for index, value in enumerate(values) if type(value) not in kinds)
    why = (
        f"element {first + index} of input {shown(name)} must be {expected}. "
        f"Received: {shown(_written(values[index]))}."
    )
    raise InvalidInferenceRequest(unable("data", why))


def _written(value: object) -> object:
    """Return a value of JSON as JSON writes it; of an array or an object, only its kind."""
    names: dict[type, str] = {list: "an array", dict: "an object", type(None): "null"}
    if isinstance(value, bool):
        return str(value).lower()
    return names.get(type(value), value)


def _numbers(name: str, datatype: str, values: list[Any], first: int) -> NDArray[Any]:
    dtype = DTYPES[datatype]
    if dtype.kind == "f":
        _check_kinds(name, values, first, {int, float, type(None)}, "a number or null")
        # Of a number in JSON, whoever needs fewer digits rounds them off, and once.
        dtype = DTYPES["FP64"]
    elif dtype.kind == "b":
        _check_kinds(name, values, first, {bool}, "true or false")
    else:
        _check_kinds(name, values, first, {int, float}, "a whole number")
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
