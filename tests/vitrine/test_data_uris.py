"""Base64 and data URIs become the bytes of a file, or are refused."""

from base64 import b64encode, encodebytes, urlsafe_b64encode
from urllib.parse import quote

import pytest

from vitrine.data_uris import decode_head, decode_text, is_data_uri, percent_decode
from vitrine.errors import InvalidInstances

FILE = bytes(range(256)) + b"\xfb\xff\xfe"  # its base64 has both special digits, and padding
BASE64 = b64encode(FILE).decode()

TEXTS = {
    "base64": BASE64,
    "lines": encodebytes(FILE).decode(),
    "lines of Windows": encodebytes(FILE).decode().replace("\n", "\r\n"),
    "alphabet of URLs": urlsafe_b64encode(FILE).decode(),
    "without padding": BASE64.rstrip("="),
    "in quotes": f'"{BASE64}"\n',
    "data URI": f"data:image/png;base64,{BASE64}",
    "data URI without a type": f"data:;base64,{BASE64}",
    "data URI in capitals": f"DATA:IMAGE/PNG;BASE64,{BASE64}",
    "data URI with parameters": f"data:image/png;charset=utf-8;base64,{BASE64}",
    "data URI with percent signs in its base64": f"data:image/png;base64,{quote(BASE64, safe='')}",
    "data URI without base64": f"data:image/png,{quote(FILE)}",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_becomes_the_bytes_of_its_file(text: str) -> None:
    assert decode_text(text.encode()) == FILE


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_first_bytes_are_known_from_the_first_characters(text: str) -> None:
    head = decode_head(text[:100].encode())

    assert len(head) > 12
    assert FILE.startswith(head[:12])


def test_whole_short_text_is_decoded_for_its_first_bytes() -> None:
    assert decode_head(b64encode(b"abcdef")) == b"abcdef"


@pytest.mark.parametrize("head", [b"", b"size,colour", b"\x89PNG\r\n", b"data"])
def test_other_bytes_stand_for_none(head: bytes) -> None:
    assert not decode_head(head).startswith((b"\x89PNG", b"\xff\xd8\xff"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The text holds no picture."),
        ("data:,", "A canvas without pixels gives 'data:,'."),
        ("data:image/png;base64,", "The text holds no picture."),
        ("no picture!", "Received: 'no picture!'; '!' is no digit of base64."),
        ("http://example.org/a.png", "':' is no digit of base64."),
        ("é" * 100, "'é' is no digit of base64."),
        ("abcde", "The base64 of the picture breaks off after 5 digits."),
    ],
    ids=["empty", "empty canvas", "no data", "sentence", "address", "long", "broken off"],
)
def test_text_that_is_neither_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        decode_text(text.encode())

    assert words in caught.value.detail


@pytest.mark.parametrize(
    ("head", "expected"),
    [(b"data:,", True), (b" data:image/png;base64,iV", True), (b"data,target\n1,2\n", False)],
    ids=["empty", "picture", "table"],
)
def test_data_uri_is_known_by_its_scheme(head: bytes, *, expected: bool) -> None:
    assert is_data_uri(head) is expected


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (b"", b""),
        (b"%", b"%"),
        (b"%4", b"%4"),
        (b"%41", b"A"),
        (b"a%2Bb%2bc", b"a+b+c"),
        (b"%%41%4%zz%4z%25", b"%A%4%zz%4z%"),
        (b"%00%ff", b"\0\xff"),
    ],
)
def test_escapes_become_bytes_and_everything_else_stays(text: bytes, decoded: bytes) -> None:
    assert percent_decode(text) == decoded
