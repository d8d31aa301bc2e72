"""JSON bodies: what is read, and what is said of a body that is not JSON."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http import json_bodies
from vitrine.errors import EmptyBody, InvalidInstances, MalformedBody, TooManyInstances

LIMIT = 1000


def read_instances(body: bytes) -> list[object]:
    """Read a body as a small one and as a large one, which must give the same."""
    read = [_read(body, large_bytes) for large_bytes in (2**30, 0)]
    assert json.dumps(read[0]) == json.dumps(read[1])
    return read[0]


def _read(body: bytes, large_bytes: int) -> list[object]:
    return json_bodies.read_instances(body, limit=LIMIT, large_bytes=large_bytes)


@pytest.mark.parametrize(
    "body",
    [b'{"instances": [1]}', b'\xef\xbb\xbf{"instances": [1]}', b' \n{"instances":[1]}\n'],
    ids=["plain", "byte order mark", "white space"],
)
def test_instances_are_read(body: bytes) -> None:
    assert read_instances(body) == [1]


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf", b" \n"], ids=["no", "mark", "white space"])
def test_body_without_json_is_empty(body: bytes) -> None:
    with pytest.raises(EmptyBody):
        read_instances(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[1]", "Received: a list."),
        (b"7", "Received: a number."),
        (b'"text"', "Received: a text."),
        (b"null", "Received: null."),
        (b'{"instance": [1]}', "'instance' is not known. Did you mean 'instances'?"),
        (b'{"instances": 1}', "'instances' must be a list."),
        (b"{}", "'instances' must be a list."),
    ],
    ids=["list", "number", "text", "null", "another name", "no list", "nothing"],
)
def test_json_of_another_form_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        read_instances(body)

    assert words in caught.value.detail


PYTHON = "This looks like Python or JavaScript. Names and texts stand in double quotes"
NUMBER = "A number begins with a digit or '-', and with no 0 before its digits."
FINITE = "Infinity is not JSON; a number must be finite."

MALFORMED: dict[str, tuple[str, str]] = {
    "NaN": ('{"instances": [{"a": NaN}]}', "column 22. NaN is not JSON; write null for a blank."),
    "Infinity": ('{"a": Infinity}', f"column 7. {FINITE}"),
    "-Infinity": ('{"a": -Infinity}', f"column 8. {FINITE}"),
    "large exponent": ('{"a": 1e400}', "column 7. A number must be finite."),
    "None": ('{"a": None}', "column 7. Write null for a blank."),
    "undefined": ('{"a": undefined}', "column 7. Write null for a blank."),
    "True": ('{"a": True}', "column 7. Write true and false in lower case."),
    "single quotes": ("{'a': 1}", f"column 2. {PYTHON}"),
    "tuple": ('{"a": (1, 2)}', f"column 7. {PYTHON}"),
    "no quotes": ("{a: 1}", "column 2. Names and texts stand in double quotes"),
    "curly quotes": ("{“a”: 1}", "column 2. Quotes must be straight double quotes."),
    "comma before }": ('{"a": 1,}', "column 8. There must be no comma before a closing bracket."),
    "comma before ]": ("[1,\n2, ]", "line 2, column 2. There must be no comma before"),
    "comment": ('{"a": 1, // one\n}', "column 10. JSON has no comments."),
    "plus": ('{"a": +1}', f"column 7. {NUMBER}"),
    "point": ('{"a": .5}', f"column 7. {NUMBER}"),
    "zero": ('{"a": 007}', f"column 7. {NUMBER}"),
    "line break in a text": ('{"a": "x\ny"}', "column 9. A line break or tab inside a text"),
    "backslash": (r'{"a": "C:\data"}', "column 10. A backslash inside a text is written as \\\\."),
    "no end": ('{"a": [1, 2', "column 12. It ends before its last bracket."),
    "two objects": ('{"a": 1}\n{"a": 2}\n', "line 2, column 1. The JSON ends before that."),
    "something else": ('{"a" 1}', "column 6."),
}


@pytest.mark.parametrize(("body", "words"), MALFORMED.values(), ids=MALFORMED)
def test_mistake_in_json_is_named_where_it_is(body: str, words: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        read_instances(body.encode())

    assert caught.value.detail.startswith("The body is not JSON: it goes wrong on line ")
    assert words in caught.value.detail


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_other_encoding_of_unicode_is_named(encoding: str) -> None:
    with pytest.raises(MalformedBody, match="is written in UTF-16 or UTF-32"):
        read_instances('{"instances": []}'.encode(encoding))


def test_bytes_that_are_not_utf8_are_named_by_their_line() -> None:
    with pytest.raises(MalformedBody, match="is not UTF-8, as JSON must be: see line 2"):
        read_instances('{\n"caf\xe9": 1}'.encode("latin-1"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"instances": [1,\n2, NaN]}', "line 2, column 4. NaN is not JSON"),
        ('{"instances": [1,\n2, 1e400]}', "line 2, column 4. A number must be finite."),
        ('{"instances": [1,\n2', "line 2, column 2. It ends before its last bracket."),
        ('{"instances": [1,\n2,]}', "goes wrong on line 2, column 3."),
        ("{'instances': [1]}", f"line 1, column 2. {PYTHON}"),
        ('{"instances": [1,\n' + "7" * 5000 + "]}", "goes wrong on line 2, column 1."),
        ('{"instances": [1,\n-0.' + "7" * 5000 + "]}", "goes wrong on line 2, column 1."),
    ],
    ids=["NaN", "large exponent", "cut off", "comma before ]", "single quotes", "digits", "float"],
)
def test_large_body_that_is_no_json_is_told_what_is_wrong(body: str, words: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        _read(body.encode(), 0)

    assert words in caught.value.detail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[1]", "Received: something else."),
        (b'{"instance": [1]}', "'instance' is not known. Did you mean 'instances'?"),
        (b'{"instances": 1}', "'instances' must be a list."),
        (b"{}", "'instances' must be a list."),
    ],
    ids=["list", "another name", "no list", "nothing"],
)
def test_large_json_of_another_form_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        _read(body, 0)

    assert words in caught.value.detail


def test_large_body_that_is_not_utf_8_is_told_where() -> None:
    with pytest.raises(MalformedBody, match="see line 2"):
        _read('{"instances": [1,\n"caf\xe9"]}'.encode("latin-1"), 0)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(MalformedBody):
        _read(b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 0)


@pytest.mark.parametrize("large_bytes", [0, 2**30], ids=["large", "small"])
def test_more_instances_than_allowed_are_refused(large_bytes: int) -> None:
    body = b'{"instances": [%b]}' % b",".join([b"{}"] * (LIMIT + 1))

    with pytest.raises(TooManyInstances):
        _read(body, large_bytes)


@pytest.mark.parametrize("before", [0, 1, 500, 999, 1000, 2500])
@pytest.mark.parametrize("sign", ["", "-"])
def test_endless_number_is_refused_where_it_begins(before: int, sign: str) -> None:
    body = '{"instances": [' + " " * before + sign + "7" * 3000

    with pytest.raises(MalformedBody, match=f"column {len(body) - 2999 - len(sign)}"):
        _read(body.encode(), 0)


@pytest.mark.parametrize(
    "digits", ["0." + "7" * 990, '"' + "7" * 5000 + '"', '"a ' + "7" * 999 + '"']
)
def test_digits_that_are_no_endless_number_are_read(digits: str) -> None:
    body = ('{"instances": [' + digits + "]}").encode()

    assert len(_read(body, 0)) == 1


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("body", [b"[1]", b"7", b"Infinity", b'"{}"'])
def test_large_body_that_does_not_begin_like_an_object_is_none(body: bytes) -> None:
    assert json_bodies.read_object(body, large_bytes=0) is None


@given(st.dictionaries(st.text(), VALUES), st.sampled_from([0, 8, 40]))
def test_object_is_read_in_pieces_as_a_whole(value: object, large_bytes: int) -> None:
    body = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    outcomes: list[object] = []
    for length in (2**30, large_bytes):
        try:
            outcomes.append(json.dumps(json_bodies.read_object(body, large_bytes=length)))
        except MalformedBody:  # infinity
            outcomes.append(MalformedBody)

    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "body",
    [b'{"a": 1, "\xff": 2}', b'{"a": "\xff"}', b'{"a": {"\xff": 2}}', b'{"a": [1, \xff]}'],
    ids=["name", "text", "nested name", "list"],
)
def test_object_that_is_not_utf8_is_refused(body: bytes) -> None:
    for large_bytes in (2**30, 0):
        with pytest.raises(MalformedBody, match="The body is not UTF-8"):
            json_bodies.read_object(body, large_bytes=large_bytes)


def test_object_of_many_members_is_read() -> None:
    body = json.dumps({str(number): number for number in range(30_000)}).encode()

    assert len(json_bodies.read_object(body) or {}) == 30_000


def test_body_is_read_as_a_type() -> None:
    assert json_bodies.decode_as(b'\xef\xbb\xbf {"a": 1}', dict[str, int]) == {"a": 1}
    with pytest.raises(msgspec.ValidationError):
        json_bodies.decode_as(b'{"a": "1"}', dict[str, int])


@pytest.mark.parametrize(
    "body",
    [
        *(b'{"a": 1', b"{'a': 1}", b'{"a": "\xff"}'),
        *(b'{"a":' + b"[" * 30_000, b'{"a":' + b"1" * 9999 + b"}"),
    ],
)
def test_body_that_is_no_json_is_of_no_type(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        json_bodies.decode_as(body, dict[str, object])


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_empty_body_is_of_no_type(body: bytes) -> None:
    with pytest.raises(EmptyBody):
        json_bodies.decode_as(body, dict[str, int])


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b'{"a": 1} x', "The JSON ends before that."),
        (b'{"a": 1}{"a": 2}', "The JSON ends before that."),
        (
            b'{"a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}",
            "Its lists and objects are nested too deep.",
        ),
        (b'{"a": [1, 2', "It ends before its last bracket."),
    ],
)
def test_object_that_cannot_be_parsed_says_why(body: bytes, cause: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        json_bodies.decode_as(body, dict[str, object])

    assert cause in refused.value.detail
