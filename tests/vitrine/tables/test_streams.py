"""Text in UTF-16 is read as UTF-8."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitrine.tables.tables import Dripping
from vitrine.tables.streams import UTF16_MARK, Utf16Stream


def read_all(stream: Utf16Stream, size: int) -> bytes:
    """Read a stream to its end, in pieces of at most `size` bytes."""
    pieces = list(iter(lambda: stream.read(size), b""))
    assert all(len(piece) <= size for piece in pieces)
    return b"".join(pieces)


@given(st.text(), st.integers(0, 9), st.integers(1, 9), st.lists(st.integers(1, 9)))
def test_text_is_the_same_however_it_is_read(
    text: str, started: int, size: int, sizes: list[int]
) -> None:
    body = text.encode("utf-16")

    stream = Utf16Stream(body[:started], Dripping(body[started:], sizes))

    assert read_all(stream, size) == text.encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\xff\xfea\x00b", b"a\xff"),
        (b"\xff\xfe\x00\xd8a\x00", b"\xed\xa0\x80a"),
        (b"\xff\xfea\x00\x3d\xd8", b"a\xff"),
    ],
    ids=["half a unit", "half a pair", "half a pair at the end"],
)
def test_half_of_a_character_is_no_utf8(body: bytes, expected: bytes) -> None:
    assert read_all(Utf16Stream(b"", BytesIO(body)), 100) == expected


@pytest.mark.parametrize(
    ("encoding", "is_found"),
    [("utf-16-le", True), ("utf-16-be", True), ("utf-32-le", False), ("utf-8", False)],
)
def test_mark_of_utf16_is_told_from_others(encoding: str, is_found: bool) -> None:
    assert bool(UTF16_MARK.match("\ufeffa".encode(encoding))) == is_found
