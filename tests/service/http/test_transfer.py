"""The body of a request: how much of it is read, and what is said where it does not come."""

from io import BytesIO
from typing import Any

import pytest

from service.errors import BodyTimeout, BodyTooLarge
from service.http.transfer import RequestBody
from vitrine.errors import MalformedBody, VitrineError

PATIENCE_SECONDS = 30.0


class _Failing(BytesIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def read(self, _: int | None = -1, /) -> bytes:
        raise self.error


def body_of(source: BytesIO, *, length: int | None = None, **environ: Any) -> RequestBody:
    """Make a body; without a length it is chunked."""
    framing = (
        {"HTTP_TRANSFER_ENCODING": "chunked"} if length is None else {"CONTENT_LENGTH": str(length)}
    )
    return RequestBody(
        {"wsgi.input": source, **framing, **environ}, timeout_seconds=PATIENCE_SECONDS
    )


@pytest.mark.parametrize("length", [None, 100_000])
def test_first_bytes_are_seen_before_they_are_read(length: int | None) -> None:
    data = bytes(range(100)) * 1000
    body = body_of(BytesIO(data), length=length)

    head = body.peek()

    assert (len(head), body.peek()) == (2**15, head)
    assert body.received_bytes == 2**15
    assert (body.read(10), body.read(90_000), body.read(20_000), body.read(1)) == (
        *(data[:10], data[10:90_010], data[90_010:], b""),
    )


def test_short_body_is_seen_whole() -> None:
    body = body_of(BytesIO(b"abc"), length=3)

    assert body.peek() == b"abc"
    assert body.read_all() == b"abc"


def test_body_that_was_looked_at_may_not_be_larger_than_allowed() -> None:
    body = body_of(BytesIO(b"abcdef"))
    body.peek()
    body.limit(5)

    with pytest.raises(BodyTooLarge):
        body.read_all()


@pytest.mark.parametrize("length", [None, 6])
def test_body_is_read_to_its_end(length: int | None) -> None:
    body = body_of(BytesIO(b"abcdef"), length=length)

    assert (body.read(4), body.read(4), body.read(4)) == (b"abcd", b"ef", b"")
    assert body.received_bytes == 6


def test_request_without_a_body_has_none() -> None:
    body = RequestBody({"wsgi.input": BytesIO(b"next request")}, timeout_seconds=1)

    assert body.read_all() == b""


def test_body_is_not_read_beyond_its_end() -> None:
    body = body_of(BytesIO(b"abcnext request"), length=3)

    assert body.read_all() == b"abc"


def test_announced_body_is_refused_before_it_comes() -> None:
    body = body_of(BytesIO(), length=11)

    with pytest.raises(BodyTooLarge):
        body.limit(10)


def test_body_of_unknown_length_is_refused_where_it_grows_too_large() -> None:
    body = body_of(BytesIO(b"x" * 11))
    body.limit(10)

    with pytest.raises(BodyTooLarge):
        body.read_all()


def test_body_of_just_the_limit_is_read() -> None:
    body = body_of(BytesIO(b"x" * 10))
    body.limit(10)

    assert body.read_all() == b"x" * 10


def test_body_that_ends_early_is_not_complete() -> None:
    body = body_of(BytesIO(b"abc"), length=4)

    with pytest.raises(MalformedBody, match="after 3 bytes"):
        body.read(4)
    assert body.read(4) == b""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), BodyTimeout),
        (ConnectionResetError(), MalformedBody),
        (OSError(), MalformedBody),
    ],
)
def test_body_that_fails_to_come_is_an_error(
    error: Exception, expected: type[VitrineError]
) -> None:
    body = body_of(_Failing(error), length=4)

    with pytest.raises(expected):
        body.read(4)
    assert body.read(4) == b""
