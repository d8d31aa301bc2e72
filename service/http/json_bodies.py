"""A JSON body -> the instances in it, or what is wrong with its JSON and how that is written."""

import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import TypeVar

import msgspec
import orjson

from service.http.json_pieces import MalformedPiece, parse_elements
from vitrine.errors import (
    EmptyBody,
    Fault,
    InvalidInstances,
    MalformedBody,
    TooManyInstances,
    nearest,
    shown,
)

# A body of this length takes a parser a millisecond.
_LARGE_BYTES = 2**17
_LOOKED_AT_BYTES = 1000
# Columns by name are an object in an object; what is nested deeper is no instance's.
_NESTED_OBJECTS = 1
# No number has so many digits, and a parser would look at each of them for long.
_MOST_DIGITS = 1000
_DIGITS, _BEFORE_NUMBERS = b"0123456789.", b":,[ \t\r\n"
_BYTE = re.compile(r"\(byte (\d+)\)")

# The marks of UTF-16 and UTF-32, and a first character of ASCII in these without a mark.
_WIDE_CHARACTERS = re.compile(rb"\xff\xfe|\xfe\xff|\0\0\xfe\xff|\0+[^\0]|[^\0]\0")
Decoded = TypeVar("Decoded")

_NAMES: dict[type, str] = {list: "a list", str: "a text", type(None): "null"}

_MORE_FOLLOWS = " The JSON ends before that. A request takes one object, with all of its instances."
_QUOTES = "Names and texts stand in double quotes; in Python, json.dumps writes them so."
# What stands at the place where the JSON goes wrong, and what is said of it.
_CAUSES = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"NaN\b", "NaN is not JSON; write null for a blank."),
        (r"-?[Ii]nf(inity)?\b", "Infinity is not JSON; a number must be finite."),
        (r"(None|nan|NULL|Null|NA|nil|undefined)\b", "Write null for a blank."),
        (r"(True|False|TRUE|FALSE)\b", "Write true and false in lower case."),
        (r"['`(]", f"This looks like Python or JavaScript. {_QUOTES}"),
        ("[\u2018-\u201f\u00ab\u00bb]", "Quotes must be straight double quotes."),
        (r",\s*[}\]]", "There must be no comma before a closing bracket."),
        (r"//|/\*|#", "JSON has no comments."),
        (r"[A-Za-z_$][\w$]*\s*[:=]", _QUOTES),
        (r"[+.]\d|0\d", "A number begins with a digit or '-', and with no 0 before its digits."),
        (r"-?\d+(\.\d+)?[eE]\+?\d{3}", "A number must be finite."),
        (r"[\0-\x1f]", "A line break or tab inside a text is written as \\n or \\t."),
        (r"\\", "A backslash inside a text is written as \\\\."),
        (r"\Z", "It ends before its last bracket."),
    )
)


def read_instances(body: bytes, *, limit: int, large_bytes: int = _LARGE_BYTES) -> list[object]:
    """Return the instances; a byte order mark before the JSON is skipped.

    Args:
        body: The body.
        limit: Number of instances that there may be.
        large_bytes: Length from which on the instances are parsed a few at a time.

    Raises:
        EmptyBody: There is nothing in the body.
        MalformedBody: The body is not JSON.
        InvalidInstances: It is no object with a list of instances.
        TooManyInstances: There are more instances.
    """
    body = body.removeprefix(BOM_UTF8)
    _check_encoding(body)
    if len(body) >= large_bytes:
        return _read_in_pieces(body, limit)
    members = _parse(body)
    if not isinstance(members, dict):
        raise _no_instances(f"Received: {_NAMES.get(type(members), 'a number')}.")
    _check_names(members)
    instances = members.get("instances")
    if not isinstance(instances, list):
        raise _no_instances("'instances' must be a list.")
    if len(instances) > limit:
        raise TooManyInstances("instances", limit)
    return instances


def read_object(body: bytes, *, large_bytes: int = _LARGE_BYTES) -> dict[str, object] | None:
    """Return the members of an object; None where the body is JSON of another kind.

    A large body that does not begin like an object is none, be it JSON or not: nothing of it is
    parsed.

    Args:
        body: The body; a byte order mark before the JSON is skipped.
        large_bytes: Length from which on the members are parsed a piece at a time.

    Raises:
        EmptyBody: There is nothing in the body.
        MalformedBody: The body is not JSON.
    """
    body = body.removeprefix(BOM_UTF8)
    _check_encoding(body)
    if len(body) < large_bytes:
        members = _parse(body)
        return members if isinstance(members, dict) else None
    if not body.lstrip().startswith(b"{"):
        return None
    endless = endless_number(body)
    if endless is not None:
        raise _malformed_at(body, endless)
    return _members_in_pieces(body, body, _NESTED_OBJECTS, large_bytes)


def decode_as(body: bytes, kind: type[Decoded]) -> Decoded:
    """Parse a body as JSON of some type; a byte order mark before it is skipped.

    Args:
        body: The body.
        kind: What it must be, as msgspec has types.

    Raises:
        EmptyBody: There is nothing in the body.
        MalformedBody: The body is not JSON.
        msgspec.ValidationError: It is, but of another type.
    """
    body = body.removeprefix(BOM_UTF8)
    if not body.strip():
        raise EmptyBody("a JSON object")
    _check_encoding(body)
    endless = endless_number(body)
    if endless is not None:
        raise _malformed_at(body, endless)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _malformed_at(body, _position(error, len(body)), _known_cause(error)) from None


def _members_in_pieces(text: bytes, body: bytes, depth: int, large_bytes: int) -> dict[str, object]:
    """Parse an object, and the lists and objects in it, without that others wait for the parser.

    Args:
        text: The object.
        body: The body, in which places are counted.
        depth: Number of levels of objects in it that are parsed in the same way.
        large_bytes: Length from which on a value is parsed in pieces; objects have many small ones.
    """
    try:
        members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _malformed_at(body, body.index(text) + _position(error, len(text))) from None
    return {
        name: _value_in_pieces(bytes(raw).strip(), body, depth, large_bytes)
        for name, raw in members.items()
    }


def _value_in_pieces(text: bytes, body: bytes, depth: int, large_bytes: int) -> object:
    try:
        if len(text) < large_bytes:
            return _parse_value(text)
        if text.startswith(b"["):
            return [element for piece in parse_elements(text) for element in piece]
    except MalformedPiece as error:
        raise _malformed_at(body, body.index(text) + error.position) from None
    if text.startswith(b"{") and depth:
        return _members_in_pieces(text, body, depth - 1, large_bytes)
    return _value_in_pieces(text, body, 0, large_bytes=len(text) + 1)


def _parse_value(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        before = len(error.doc[: error.pos].encode(errors="replace"))
        raise MalformedPiece(before) from None


def _read_in_pieces(body: bytes, limit: int) -> list[object]:
    """Return the instances of a large body, without that others wait for its parser."""
    endless = endless_number(body)
    if endless is not None:
        raise _malformed_at(body, endless)
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        raise _no_instances("Received: something else.") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed_at(body, _position(error, len(body))) from None
    _check_names(members)
    array = bytes(members.get("instances", b"")).strip()
    if not array.startswith(b"["):
        raise _no_instances("'instances' must be a list.")
    instances: list[object] = []
    try:
        for piece in parse_elements(array):
            instances += piece
            if len(instances) > limit:
                raise TooManyInstances("instances", limit)
    except MalformedPiece as error:
        raise _malformed_at(body, body.index(array) + error.position) from None
    return instances


def endless_number(body: bytes) -> int | None:
    """Return where a number of too many digits begins; None where there is none.

    One byte of so many is looked at, because a search that looks at all of them would keep other
    threads waiting for a second.
    """
    for index in range(0, len(body), _MOST_DIGITS):
        if body[index] not in _DIGITS:
            continue
        before = body[max(0, index - _MOST_DIGITS) : index]
        start = index - len(before) + len(before.rstrip(_DIGITS))
        digits = body[start : start + _MOST_DIGITS]
        if len(digits) == _MOST_DIGITS and not digits.strip(_DIGITS):
            first = start - (body[start - 1 : start] == b"-")
            if body[first - 1 : first] and body[first - 1] in _BEFORE_NUMBERS:
                return first
    return None


def _position(error: Exception, end: int) -> int:
    found = _BYTE.search(str(error))
    return int(found[1]) if found else end


def _known_cause(error: Exception) -> str:
    """Return what the parser says itself; empty where the place of the error tells more."""
    if isinstance(error, RecursionError):
        return " Its lists and objects are nested too deep."
    return _MORE_FOLLOWS if "trailing characters" in str(error) else ""


def _malformed_at(body: bytes, position: int, cause: str = "") -> MalformedBody:
    undecodable = _undecodable(body)
    if undecodable is not None:
        return undecodable
    line = body.count(b"\n", 0, position) + 1
    column = len(body[body.rfind(b"\n", 0, position) + 1 : position].decode(errors="replace")) + 1
    text = body[position : position + _LOOKED_AT_BYTES].decode(errors="replace")
    return _malformed_json(line, column, cause or _cause_in(text, 0))


def _check_names(members: Mapping[str, object]) -> None:
    for name in members:
        if name != "instances":
            raise _no_instances(f"{shown(name)} is not known.{nearest(name, ['instances'])}")


def _no_instances(detail: str) -> InvalidInstances:
    rule = 'The body must be an object {"instances": [...]}.'
    return InvalidInstances([Fault(detail=f"{rule} {detail}", pointer="#")])


def _check_encoding(body: bytes) -> None:
    if not body.strip():
        raise EmptyBody('{"instances": [...]}')
    if _WIDE_CHARACTERS.match(body):
        raise MalformedBody("The body is written in UTF-16 or UTF-32. JSON must be UTF-8.")


def _parse(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _malformed(body, error) from None


def _malformed(body: bytes, error: orjson.JSONDecodeError) -> MalformedBody:
    undecodable = _undecodable(body)
    return undecodable or _malformed_json(error.lineno, error.colno, _cause(error))


def _undecodable(body: bytes) -> MalformedBody | None:
    try:
        body.decode()
    except UnicodeDecodeError as undecodable:
        line = body.count(b"\n", 0, undecodable.start) + 1
        return MalformedBody(f"The body is not UTF-8, as JSON must be: see line {line}.")
    return None


def _malformed_json(line: int, column: int, cause: str) -> MalformedBody:
    at = f"line {line}, column {column}"
    return MalformedBody(f"The body is not JSON: it goes wrong on {at}.{cause}")


def _cause(error: orjson.JSONDecodeError) -> str:
    before = error.doc[: error.pos].rstrip()
    if before.endswith(("}", "]")) and _is_json(before):
        return _MORE_FOLLOWS
    return _cause_in(error.doc, error.pos)


def _cause_in(text: str, position: int) -> str:
    for pattern, sentence in _CAUSES:
        if pattern.match(text, position):
            return f" {sentence}"
    return ""


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
