"""Body -> the members of its JSON, or what is wrong with them in the words of TensorFlow Serving.

That server's parser takes NaN and Infinity, and reads no further than to the end of the document.
"""

import json
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from service.http.dialects.tensorflow_serving.strict_json import to_strict
from service.http.inflating import GZIP, inflate
from service.http.json_bodies import endless_number, read_object
from vitrine.errors import EmptyBody, Fault, InvalidInstances, MalformedBody

_GZIP = frozenset(("gzip", "x-gzip"))
_NONE = frozenset(("", "identity"))
_NOT_GZIP = "Failed to uncompress the gzipped body."
# A body of this length takes a parser a millisecond.
_LARGE_BYTES = 2**17
_BYTE = re.compile(r"\(byte (\d+)\)")
_SHOWN_CHARACTERS = 40
_BLANKS = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPES = re.compile(
    r"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>\\u[dD][89a-fA-F]..)", re.DOTALL
)
# Numbers that may be too large; only a few bodies have such.
_LONG_NUMBER = re.compile(r"[eE]\+?\d{3}|\d{300}")
_TYPES: dict[type, str] = {
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
    type(None): "Null",
}
_PRINTER = json.JSONEncoder(indent=4, ensure_ascii=False)

# What Python's parser says -> what that server's parser says.
_ERRORS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Illegal trailing comma before end of array": "Invalid value.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}


_TOO_BIG = "Number too big to be stored in double."


class _NumberTooBig(Exception):
    """A number is beyond the range of 64 bits."""


def unpack(body: bytes, coding: str, *, max_bytes: int) -> bytes:
    """Return a body without its compression.

    Args:
        body: The body.
        coding: Header `Content-Encoding`; empty for none.
        max_bytes: Size that the body may have without its compression.

    Raises:
        BodyTooLarge: It has more.
        MalformedBody: It is not so compressed.
    """
    coding = coding.strip().lower()
    if coding in _NONE:
        return body
    if coding not in _GZIP:
        raise MalformedBody("Unsupported Content-Encoding: only gzip is read.")
    try:
        return inflate(body, GZIP, max_bytes=max_bytes)
    except (zlib.error, MalformedBody):
        raise MalformedBody(_NOT_GZIP) from None


def is_packed(coding: str) -> bool:
    """Tell whether a header `Content-Encoding` names a compression."""
    return coding.strip().lower() not in _NONE


def read_document(body: bytes, *, large_bytes: int = _LARGE_BYTES) -> dict[str, Any]:
    """Return the members of a body, which is one JSON object and may be followed by anything.

    Args:
        body: The body.
        large_bytes: Length from which on the body is parsed in pieces. NaN and infinity are texts
            of `strict_json.NUMBERS` then.

    Raises:
        MalformedBody: It is not JSON.
        InvalidInstances: It is JSON, but no object.
    """
    body = body.removeprefix(BOM_UTF8)
    if not body:
        raise MalformedBody("JSON Parse error: The document is empty")
    try:
        members = read_object(body, large_bytes=large_bytes)
    except (EmptyBody, MalformedBody):
        members = None
    if members is not None:
        return members
    return _parse_large(body) if len(body) >= large_bytes else _parse_leniently(body)


def _parse_large(body: bytes) -> dict[str, Any]:
    """Parse a large body, without that others wait for its parser."""
    start = len(body) - len(body.lstrip())
    if body[start : start + 1] == b"[":
        shown = body[start : start + _SHOWN_CHARACTERS].decode(errors="replace")
        raise invalid(f"JSON Value: {shown}… Is not object")
    if body[start : start + 1] != b"{":
        return _parse_leniently(body[: start + _SHOWN_CHARACTERS])
    strict = to_strict(body)
    try:
        members = read_object(strict, large_bytes=0)
    except MalformedBody:
        raise _malformed("Invalid value.", _offset(strict)) from None
    return members or {}


def _offset(body: bytes) -> int:
    """Return where a large body is no JSON."""
    if endless_number(body) is not None:
        return 0
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        found = _BYTE.search(str(error))
        return int(found[1]) if found else len(body)
    return 0


def _parse_leniently(body: bytes) -> dict[str, Any]:
    text = body.decode(errors="replace")
    start = _skip_blanks(text, 0)
    if start == len(text):
        raise _malformed("The document is empty.", len(body))
    document = _parse(text, start)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {show(document)} Is not object")
    return document


def _parse(text: str, start: int) -> Any:
    """Parse a text up to the end of its document."""
    decoder = _CAREFUL if _LONG_NUMBER.search(text) else _DECODER
    try:
        document, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        _refuse(text, error)
    except _NumberTooBig:
        raise _malformed(_TOO_BIG, start) from None
    except RecursionError:
        raise _malformed("Terminate parsing due to Handler error.", start) from None
    _check_surrogates(text[:end])
    return document


def _check_surrogates(text: str) -> None:
    """Refuse half of a surrogate pair, which no text can hold, though Python's parser takes it."""
    for escape in _ESCAPES.finditer(text):
        if escape["half"]:
            offset = len(text[: escape.start()].encode())
            raise _malformed("The surrogate pair in string is invalid.", offset)


def _skip_blanks(text: str, start: int) -> int:
    found = _BLANKS.match(text, start)
    return start if found is None else found.end()


def _finite(digits: str) -> float:
    number = float(digits)
    if abs(number) == float("inf"):
        raise _NumberTooBig
    return number


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else _finite(digits)


_DECODER = json.JSONDecoder()
_CAREFUL = json.JSONDecoder(parse_float=_finite, parse_int=_whole)


def _refuse(text: str, error: json.JSONDecodeError) -> NoReturn:
    rule = _ERRORS.get(error.msg) or _missing_comma(text[: error.pos])
    raise _malformed(rule, len(text[: error.pos].encode(errors="replace")))


def _missing_comma(before: str) -> str:
    """Say what is missing after a value: that depends on what the value is in."""
    depth = 0
    for bracket in reversed(re.findall(r"[][{}]", _STRING.sub("", before))):
        depth += 1 if bracket in "]}" else -1
        if depth < 0:
            break
    else:
        bracket = "["
    if bracket == "{":
        return "Missing a comma or } after an object member."
    return "Missing a comma or ] after an array element."


def _malformed(rule: str, offset: int) -> MalformedBody:
    return MalformedBody(f"JSON Parse error: {rule} at offset: {offset}")


def invalid(detail: str) -> InvalidInstances:
    """Return the error of a document that is JSON, but not what is expected."""
    return InvalidInstances([Fault(detail=detail, pointer="#")])


def wrong_type(value: object, expected: str) -> str:
    """Say that a value has another type than the tensor."""
    found = f"JSON Value: {show(value)} Type: {type_name(value)}"
    return f"{found} is not of expected type: {expected}"


def type_name(value: object) -> str:
    """Name the type of a JSON value."""
    if isinstance(value, bool):
        return str(value)
    return _TYPES.get(type(value), "Number")


def show(value: object) -> str:
    """Write a JSON value as that server's messages do, cut to 40 characters."""
    text = ""
    for piece in _PRINTER.iterencode(value):
        text += piece
        if len(text) > _SHOWN_CHARACTERS:
            return text[: _SHOWN_CHARACTERS - 1] + "…"
    return text


def signature_name(document: Mapping[str, Any]) -> str:
    """Return the name of the signature that is asked for; empty for the default one.

    Raises:
        InvalidInstances: It is no text.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        rule = "not formatted correctly. 'signature_name' key must be a string value."
        raise invalid(f"JSON Value: {show(document)} {rule}")
    return name
