"""The JSON of a request, and where the bytes of its tensors begin."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from service.errors import InvalidInferenceRequest
from service.http.json_bodies import decode_as
from vitrine.errors import MalformedBody, shown
from vitrine.json_types import read_from_json

HEADER_LENGTH = "inference-header-content-length"

_MAX_DIGITS = 18
_MOST = 2**63 - 1
_PATH_MEMBER = re.compile(r"\.(\w+)")
_MISSING = re.compile(r"missing required field `(\w+)`")
_RECEIVED = re.compile(r"Expected `(.*?)`, got `(.*?)`")
# Clients write a blank number so, though JSON has no such word. Nothing of a text is matched twice,
# be it as long as it may and never closed.
_TEXT_OR_NAN = re.compile(rb'"(?:[^"\\]++|\\.)*+\\?"?|\bNaN\b', re.DOTALL)

Parameters = Mapping[str, Any]


class InputTensor(msgspec.Struct, kw_only=True):
    """A tensor of a request."""

    name: str
    shape: list[Annotated[int, msgspec.Meta(ge=0, le=_MOST)]]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: msgspec.Raw = msgspec.Raw()


class RequestedOutput(msgspec.Struct, kw_only=True):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] | None = None


@read_from_json
class InferRequest(msgspec.Struct, kw_only=True):
    """A request for predictions."""

    inputs: list[InputTensor]
    outputs: list[RequestedOutput] | None = None
    id: str | None = None
    parameters: dict[str, Any] | None = None


def read_header_length(text: str, body_bytes: int) -> int | None:
    """Return how many bytes of a body are its JSON; None where all of them are.

    Args:
        text: Value of the header; empty where it is absent.
        body_bytes: Length of the body, uncompressed.

    Raises:
        InvalidInferenceRequest: It is no number, or more than the body has.
    """
    if not text:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    length = int(text) if is_number else -1
    if not 0 <= length <= body_bytes:
        raise InvalidInferenceRequest(
            f"inference header size should be in range (0, {body_bytes}), got: {text[:40]}"
        )
    return length


def read_message(json: bytes) -> InferRequest:
    """Read the JSON of a request.

    Raises:
        EmptyBody, MalformedBody: It is no JSON.
        InvalidInferenceRequest: A member is missing, or has another type.
    """
    try:
        return _decode(json)
    except msgspec.ValidationError as error:
        raise InvalidInferenceRequest(_unable(str(error))) from None


def _decode(json: bytes) -> InferRequest:
    try:
        return decode_as(json, InferRequest)
    except MalformedBody:
        if b"NaN" not in json:
            raise
    return decode_as(_TEXT_OR_NAN.sub(_null_for_nan, json), InferRequest)


def _null_for_nan(found: re.Match[bytes]) -> bytes:
    return b"null" if found[0] == b"NaN" else found[0]


def _unable(error: str) -> str:
    """Say which member cannot be read, and why, given what the parser says."""
    missing, received = _MISSING.search(error), _RECEIVED.search(error)
    if missing:
        return unable(missing[1], "it is missing.")
    members = _PATH_MEMBER.findall(error)
    why = f"it must be of type {received[1]}, not {received[2]}." if received else "out of range."
    return unable(members[-1], why) if members else f"The body must be a JSON object: {why}"


def unable(member: str, why: str) -> str:
    """Say that a member cannot be read."""
    return f"Unable to parse '{member}': {why}"


def read_count(parameters: Parameters, name: str, *, least: int = 0) -> int | None:
    """Return a parameter that is a whole number, at most 2**63 - 1; None where it is absent.

    Raises:
        InvalidInferenceRequest: It is none, or less than `least`.
    """
    value = parameters.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        why = f"it must be a whole number, {least} or more. Received: {shown(value)}."
        raise InvalidInferenceRequest(unable(name, why))
    return min(value, _MOST)


def read_flag(parameters: Parameters, name: str) -> bool | None:
    """Return a parameter that is true or false; None where it is absent.

    Raises:
        InvalidInferenceRequest: It is neither.
    """
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        why = f"it must be true or false. Received: {shown(value)}."
        raise InvalidInferenceRequest(unable(name, why))
    return value
