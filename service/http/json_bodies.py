"""A JSON body -> the instances in it, or what is wrong with its JSON and how that is written."""

import re
from codecs import BOM_UTF8

import orjson

from vitrine.errors import EmptyBody, Fault, InvalidInstances, MalformedBody, nearest, shown

# The marks of UTF-16 and UTF-32, and a first character of ASCII in these without a mark.
_WIDE_CHARACTERS = re.compile(rb"\xff\xfe|\xfe\xff|\0\0\xfe\xff|\0+[^\0]|[^\0]\0")
_NAMES: dict[type, str] = {list: "a list", str: "a text", type(None): "null"}

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


def read_instances(body: bytes) -> list[object]:
    """Return the instances; a byte order mark before the JSON is skipped.

    Raises:
        EmptyBody: There is nothing in the body.
        MalformedBody: The body is not JSON.
        InvalidInstances: It is no object with a list of instances.
    """
    members = _parse(body.removeprefix(BOM_UTF8))
    if not isinstance(members, dict):
        raise _no_instances(f"Received: {_NAMES.get(type(members), 'a number')}.")
    for name in members:
        if name != "instances":
            raise _no_instances(f"{shown(name)} is not known.{nearest(name, ['instances'])}")
    instances = members.get("instances")
    if not isinstance(instances, list):
        raise _no_instances("'instances' must be a list.")
    return instances


def _no_instances(detail: str) -> InvalidInstances:
    rule = 'The body must be an object {"instances": [...]}.'
    return InvalidInstances([Fault(detail=f"{rule} {detail}", pointer="#")])


def _parse(body: bytes) -> object:
    if not body.strip():
        raise EmptyBody('{"instances": [...]}')
    if _WIDE_CHARACTERS.match(body):
        raise MalformedBody("The body is written in UTF-16 or UTF-32. JSON must be UTF-8.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _malformed(body, error) from None


def _malformed(body: bytes, error: orjson.JSONDecodeError) -> MalformedBody:
    try:
        body.decode()
    except UnicodeDecodeError as undecodable:
        line = body.count(b"\n", 0, undecodable.start) + 1
        return MalformedBody(f"The body is not UTF-8, as JSON must be: see line {line}.")
    at = f"line {error.lineno}, column {error.colno}"
    return MalformedBody(f"The body is not JSON: it goes wrong on {at}.{_cause(error)}")


def _cause(error: orjson.JSONDecodeError) -> str:
    before = error.doc[: error.pos].rstrip()
    if before.endswith(("}", "]")) and _is_json(before):
        return " The JSON ends before that. A request takes one object, with all of its instances."
    for pattern, sentence in _CAUSES:
        if pattern.match(error.doc, error.pos):
            return f" {sentence}"
    return ""


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
