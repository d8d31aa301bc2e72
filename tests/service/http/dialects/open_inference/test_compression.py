"""Bodies that are compressed: what is packed is unpacked again, and what is too large is not."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BodyTooLarge
from service.http.dialects.open_inference.compression import accepted_coding, pack, unpack
from vitrine.errors import MalformedBody

CODINGS = ["gzip", "deflate"]
LIMIT = 10_000


@given(body=st.binary(max_size=LIMIT), coding=st.sampled_from(CODINGS))
def test_what_is_packed_is_unpacked(body: bytes, coding: str) -> None:
    assert unpack(pack(body, coding), coding.upper(), max_bytes=LIMIT) == body


@given(body=st.binary(max_size=200), coding=st.sampled_from(CODINGS))
def test_any_body_is_unpacked_or_refused(body: bytes, coding: str) -> None:
    try:
        unpack(body, coding, max_bytes=LIMIT)
    except (MalformedBody, BodyTooLarge) as error:
        assert error.status in {400, 413}


def test_bare_deflate_is_read() -> None:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    assert unpack(packer.compress(b"abc") + packer.flush(), "deflate", max_bytes=3) == b"abc"


def test_files_of_gzip_may_follow_each_other() -> None:
    body = gzip.compress(b"ab") + gzip.compress(b"c")

    assert unpack(body, "gzip", max_bytes=3) == b"abc"
    with pytest.raises(BodyTooLarge):
        unpack(body, "gzip", max_bytes=2)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("end", [slice(0, -1), slice(0, 5)])
def test_truncated_body_is_refused(coding: str, end: slice) -> None:
    with pytest.raises(MalformedBody):
        unpack(pack(b"abc" * 100, coding)[end], coding, max_bytes=LIMIT)


def test_what_follows_is_refused() -> None:
    for coding in CODINGS:
        with pytest.raises(MalformedBody):
            unpack(pack(b"abc", coding) + b"x", coding, max_bytes=LIMIT)


@pytest.mark.parametrize("coding", CODINGS)
def test_small_body_that_unpacks_to_much_is_refused(coding: str) -> None:
    body = pack(bytes(100 * LIMIT), coding)

    assert len(body) < LIMIT
    with pytest.raises(BodyTooLarge):
        unpack(body, coding, max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br", "gzip"),
        ("deflate;q=1, gzip;q=0.5", "deflate"),
        ("gzip;q=0", ""),
        ("identity, gzip;q=0.5", ""),
        ("br", ""),
        ("*", ""),
        ("GZIP", "gzip"),
        ("gzip;q=x", ""),
    ],
)
def test_answer_is_compressed_as_the_client_wants(header: str, coding: str) -> None:
    assert accepted_coding(header) == coding
