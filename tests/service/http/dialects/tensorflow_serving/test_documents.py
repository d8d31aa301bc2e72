"""JSON as TensorFlow Serving's parser reads it, and numbers as that server writes them."""

import gzip
import json
from math import isnan
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import BodyTooLarge
from service.http.dialects.tensorflow_serving import documents
from service.http.dialects.tensorflow_serving.documents import read_document, show, unpack
from service.http.dialects.tensorflow_serving.outputs import write_numbers
from service.http.dialects.tensorflow_serving.strict_json import NUMBERS, to_strict
from vitrine.errors import MalformedBody, VitrineError

steady = settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
FLOATS = st.floats(width=32)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, where NaN equals NaN."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isnan(one):
        return isinstance(other, float) and isnan(other)
    return bool(one == other)


@steady
@given(
    st.dictionaries(st.text(), VALUES),
    st.sampled_from([b"", b" ", b"\n]}", b"NaN", b"\0", b"{}"]),
    st.sampled_from([b"", b"\xef\xbb\xbf", b" \t\r\n"]),
)
def test_document_is_read_as_it_was_written(
    members: dict[str, Any], after: bytes, before: bytes
) -> None:
    body = before + json.dumps(members, ensure_ascii=False).encode(errors="replace") + after

    assert same(read_document(body), json.loads(json.dumps(members).encode()))


@steady
@given(st.dictionaries(st.text(min_size=1), st.lists(FLOATS), max_size=3), st.integers(0, 40))
def test_large_document_is_read_as_a_small_one(members: dict[str, Any], depth: int) -> None:
    padding = [["x" * 60] * 10] * 300
    body = json.dumps({"padding": padding, "deep": nested(depth), **members}).encode()

    read = read_document(body + b" more")

    assert len(body) > 2**17
    assert same(unmarked(read), json.loads(body))


def unmarked(value: Any) -> Any:
    """Return a value with numbers instead of the texts that stand for them."""
    if isinstance(value, dict):
        return {name: unmarked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [unmarked(each) for each in value]
    return NUMBERS.get(value, value) if isinstance(value, str) else value


@steady
@given(
    st.dictionaries(st.text(), VALUES),
    st.sampled_from([b"", b" ", b"\n]}", b"NaN", b"{", b'"']),
    st.integers(10, 40),
)
def test_strict_document_has_the_same_values(
    members: dict[str, Any], after: bytes, chunk_bytes: int
) -> None:
    body = json.dumps({"NaN, \\": "Infinity", **members}).encode()

    strict = to_strict(body + after, chunk_bytes=chunk_bytes)

    assert same(unmarked(orjson.loads(strict)), json.loads(body))


@steady
@given(st.binary(max_size=300))
def test_any_large_body_is_read_or_refused(body: bytes) -> None:
    for prefix in (b"", b"{", b'{"a": [', b'{"a": "\\', b'{"a": NaN'):
        try:
            read_document(prefix + body, large_bytes=0)
        except VitrineError as error:
            assert error.detail.startswith("JSON ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b" \n", "The document is empty. at offset: 2"),
        (b'"a"', 'JSON Value: "a" Is not object'),
        (b"[1, 2]", "JSON Value: [1, 2]… Is not object"),
        (b"instances = [1, 2]", "Invalid value. at offset: 0"),
        (b'{"a": x}', "Invalid value. at offset: 6"),
        (b'{"a": [1, x]}', "Invalid value. at offset: 10"),
        (b'{"a": [1', "Invalid value. at offset: 8"),
        (b'{"a": "b', "Invalid value. at offset: 8"),
        (b'{"a": 1}}', None),
        (b'{"a": NaN, "b": "NaN", "c": -Infinity} and', None),
        (b'{"a": ' + b"9" * 5000 + b"}", "Invalid value. at offset: 0"),
        (b'{"a": ' + b"[" * 100_000, "Invalid value. at offset: "),
        (b'{"a": "\\ud800", "b": NaN}', "Invalid value. at offset: "),
    ],
)
def test_large_body_that_is_malformed_is_refused(body: bytes, message: str | None) -> None:
    if message is None:
        assert read_document(body, large_bytes=0)
        return
    with pytest.raises(VitrineError) as refused:
        read_document(body, large_bytes=0)

    assert message in refused.value.detail


def nested(depth: int) -> list[Any]:
    """Return a list in lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@steady
@given(st.binary(max_size=200))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    for prefix in (b"", b"{", b'{"a": [', b'{"instances": '):
        try:
            read_document(prefix + body)
        except VitrineError as error:
            assert error.detail.startswith("JSON ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The document is empty"),
        (b" \n", "The document is empty. at offset: 2"),
        (b"instances = [1, 2]", "Invalid value. at offset: 0"),
        (b'{"a": x}', "Invalid value. at offset: 6"),
        (b'{"a": tru}', "Invalid value. at offset: 6"),
        (b'{"a": [1,]}', "Invalid value. at offset: 9"),
        (b'{"a": 1,}', "Missing a name for object member. at offset: 8"),
        (b"{a: 1}", "Missing a name for object member. at offset: 1"),
        (b"{", "Missing a name for object member. at offset: 1"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        (b'{"a": 1 "b"}', "Missing a comma or } after an object member. at offset: 8"),
        (b'{"a": [1, {}], "b": "]"', "Missing a comma or } after an object member. at offset: 23"),
        (b'{"a": [1 2]}', "Missing a comma or ] after an array element. at offset: 9"),
        (b'{"a": [{}, "{"', "Missing a comma or ] after an array element. at offset: 14"),
        (b'{"a": "b', "Missing a closing quotation mark in string. at offset: 6"),
        (b'{"a": "\x01"}', "Invalid encoding in string. at offset: 7"),
        (b'{"a": "\\x"}', "Invalid escape character in string. at offset: 7"),
        (b'{"a": "\\u12g4"}', "Incorrect hex digit after \\u escape in string. at offset: 8"),
        (
            b'{"a": "\\ud83d\\ude00\\ud800"}',
            "The surrogate pair in string is invalid. at offset: 19",
        ),
        (b'{"a": [NaN, "\\udc00"]}', "The surrogate pair in string is invalid. at offset: 13"),
        ('{"ä": x}'.encode(), "Invalid value. at offset: 7"),
        (b'{"a": 1e999}', "Number too big to be stored in double. at offset: 0"),
        (b'{"a": ' + b"9" * 400 + b"}", "Number too big to be stored in double. at offset: 0"),
        (b'{"a": ' + b"9" * 5000 + b"}", "Number too big to be stored in double. at offset: 0"),
        (
            b'{"a": ' + b"[" * 100_000,
            "Terminate parsing due to Handler error. at offset: 0",
        ),
    ],
)
def test_malformed_body_is_told_in_the_words_of_that_parser(body: bytes, message: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        read_document(body)

    assert refused.value.detail == f"JSON Parse error: {message}"


def test_escapes_that_are_text_are_read() -> None:
    body = rb'{"a": ["\\ud800", "\ud83d\ude00", NaN]}'

    assert read_document(body)["a"][:2] == ["\\ud800", "\U0001f600"]


def test_long_number_that_is_finite_is_read() -> None:
    body = b'{"a": [0.' + b"1" * 400 + b", 1e300, NaN, 123456789012345678901234567890]}"

    numbers = read_document(body)["a"]

    assert numbers[:2] == [0.1111111111111111, 1e300]
    assert numbers[3] == 1.2345678901234568e29


@steady
@given(VALUES)
def test_value_is_shown_in_few_characters(value: Any) -> None:
    text = show(value)

    assert len(text) <= 40
    full = json.dumps(value, indent=4, ensure_ascii=False)
    assert text == full if len(full) <= 40 else text == full[:39] + "…"


@steady
@given(st.binary(max_size=2000), st.sampled_from(["gzip", "GZIP", "x-gzip", " gzip "]))
def test_packed_body_is_unpacked(body: bytes, coding: str) -> None:
    assert unpack(gzip.compress(body), coding, max_bytes=2000) == body
    assert unpack(body, "", max_bytes=0) == unpack(body, "identity", max_bytes=0) == body


def test_packed_body_may_be_several_files_of_gzip() -> None:
    body = gzip.compress(b'{"instances": ') + gzip.compress(b"[1.0]}")

    assert unpack(body, "gzip", max_bytes=20) == b'{"instances": [1.0]}'
    with pytest.raises(BodyTooLarge):
        unpack(body, "gzip", max_bytes=19)


def test_packed_body_is_unpacked_no_further_than_its_limit() -> None:
    bomb = gzip.compress(bytes(10**7))

    with pytest.raises(BodyTooLarge):
        unpack(bomb, "gzip", max_bytes=1000)


@steady
@given(st.lists(FLOATS, max_size=30))
def test_written_numbers_are_read_as_the_same(values: list[float]) -> None:
    numbers = np.array(values, dtype=np.float32)

    texts = write_numbers(numbers)

    read = np.array([json.loads(text) for text in texts], dtype=np.float32)
    np.testing.assert_array_equal(read, numbers)
    assert all("." in text or "e" in text or text[-1] in "Ny" for text in texts)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (3.5, "3.5"),
        (0.2, "0.2"),
        (1 / 3, "0.333333343"),
        (123456.0, "123456.0"),
        (1234567.0, "1234567.0"),
        (9000000.0, "9e+06"),
        (16777216.0, "16777216.0"),
        (3e-5, "3e-05"),
        (3.4028235e38, "3.40282347e+38"),
        (1e-45, "1.4013e-45"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_number_is_written_in_six_digits_or_in_nine(number: float, text: str) -> None:
    assert write_numbers(np.array([number], dtype=np.float32)) == [text]


def test_types_have_the_names_of_that_parser() -> None:
    values: list[object] = [None, True, False, 1, 1.5, "a", [], {}]

    names = [documents.type_name(value) for value in values]

    assert names == ["Null", "True", "False", "Number", "Number", "String", "Array", "Object"]
