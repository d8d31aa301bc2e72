"""A picture as text, in base64 or as a data URI -> the bytes of its file.

Web pages get such texts from a canvas, and JSON has no other way to hold a file. A text may be as
long as a body, so nothing here makes an object of Python for each of its characters.
"""

import binascii
import re

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import Fault, InvalidInstances, shown

_DATA_URI = re.compile(rb"data:(?P<type>[^,]{0,200}),", re.IGNORECASE)
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_SPACE = b" \t\r\n\f\v"
# Quotes come along where a text was written as JSON.
_AROUND = _SPACE + b"\"'"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_HEAD_CHARACTERS = 344  # 258 bytes: more than any mark of a format needs
_SHOWN_BYTES = 160  # more than a message shows
_NO_DIGIT = 255


def _hexadecimal_values() -> NDArray[np.uint8]:
    values = np.full(256, _NO_DIGIT, np.uint8)
    for value, digit in enumerate("0123456789abcdef"):
        values[[ord(digit), ord(digit.upper())]] = value
    return values


_HEXADECIMAL_VALUES = _hexadecimal_values()


def decode_text(text: bytes) -> bytes:
    """Return the bytes that base64 or a data URI stands for.

    Base64 may be that of RFC 4648 or its alphabet for URLs, with or without padding, and may be
    broken into lines.

    Raises:
        InvalidInstances: The text is empty, or neither.

    References:
        Masinter (1998), The "data" URL scheme, RFC 2397.
    """
    text = text.strip(_AROUND)
    uri = _DATA_URI.match(text)
    if uri is None:
        body = _decode_base64(text)
    else:
        data = percent_decode(text[uri.end() :])
        body = _decode_base64(data) if _is_base64(uri) else data
    if not body:
        raise _invalid("The text holds no picture. A canvas without pixels gives 'data:,'.")
    return body


def decode_head(head: bytes) -> bytes:
    """Return the first bytes of what text stands for; empty where it is not text of that kind."""
    text = head.lstrip(_AROUND)
    uri = _DATA_URI.match(text)
    if uri and not _is_base64(uri):
        return percent_decode(text[uri.end() :])
    digits = _digits(text[uri.end() if uri else 0 :])[:_HEAD_CHARACTERS]
    if _NO_BASE64.search(digits):
        return b""
    return binascii.a2b_base64(digits[: len(digits) // 4 * 4])


def is_data_uri(head: bytes) -> bool:
    """Tell whether a text begins as a data URI does."""
    return _DATA_URI.match(head.lstrip(_AROUND)) is not None


def percent_decode(text: bytes) -> bytes:
    """Replace each "%" that two hexadecimal digits follow by the byte that they stand for."""
    octets = np.frombuffer(text, np.uint8)
    high, low = _HEXADECIMAL_VALUES[octets[1:-1]], _HEXADECIMAL_VALUES[octets[2:]]
    is_escape = (octets[:-2] == ord("%")) & (high != _NO_DIGIT) & (low != _NO_DIGIT)
    decoded = octets.copy()
    decoded[:-2][is_escape] = 16 * high[is_escape] + low[is_escape]
    is_kept = np.ones(len(octets), np.bool_)
    is_kept[1:-1][is_escape] = is_kept[2:][is_escape] = False
    return decoded[is_kept].tobytes()


def _is_base64(uri: re.Match[bytes]) -> bool:
    return b"base64" in uri["type"].lower()


def _digits(text: bytes) -> bytes:
    return text.translate(_URL_SAFE, _SPACE).rstrip(b"=")


def _decode_base64(text: bytes) -> bytes:
    digits = _digits(text)
    foreign = _NO_BASE64.search(digits)
    if foreign:
        raise _invalid(
            "A picture as text must be the base64 of its file, or a data URI. Received: "
            f"{_shown(text)}; {_shown(digits[foreign.start() :], 1)} is no digit of base64."
        )
    if len(digits) % 4 == 1:
        raise _invalid(f"The base64 of the picture breaks off after {len(digits)} digits.")
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _shown(text: bytes, characters: int | None = None) -> str:
    return shown(text[:_SHOWN_BYTES].decode(errors="replace")[:characters])


def _invalid(detail: str) -> InvalidInstances:
    return InvalidInstances([Fault(detail=detail, pointer="#/instances/0")])
