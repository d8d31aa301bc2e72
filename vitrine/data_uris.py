"""A picture as text, in base64 or as a data URI -> the bytes of its file.

Web pages get such texts from a canvas, and JSON has no other way to hold a file.
"""

import binascii
import re
from urllib.parse import unquote, unquote_to_bytes

from vitrine.errors import Fault, InvalidInstances, shown

_DATA_URI = re.compile(r"data:(?P<type>[^,]{0,200}),", re.IGNORECASE)
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
# White space breaks long lines, and quotes come along where a text was written as JSON.
_AROUND = " \t\r\n\"'"
_URL_SAFE = str.maketrans("-_", "+/")
_HEAD_CHARACTERS = 344  # 258 bytes: more than any mark of a format needs


def decode_text(text: str) -> bytes:
    """Return the bytes that base64 or a data URI stands for.

    Base64 may be that of RFC 4648 or its alphabet for URLs, with or without padding, and may be
    broken into lines.

    Raises:
        InvalidInstances: The text is empty, or neither.

    References:
        Masinter (1998), The "data" URL scheme, RFC 2397.
    """
    stripped = text.strip(_AROUND)
    uri = _DATA_URI.match(stripped)
    data = stripped[uri.end() :] if uri else stripped
    if uri and "base64" not in uri["type"].lower():
        body = unquote_to_bytes(data)
    else:
        body = _decode_base64(unquote(data) if uri else data)
    if not body:
        raise _invalid("The text holds no picture. A canvas without pixels gives 'data:,'.")
    return body


def decode_head(head: bytes) -> bytes:
    """Return the first bytes of what text stands for; empty where it is not text of that kind."""
    text = head.decode("ascii", "replace").lstrip(_AROUND)
    uri = _DATA_URI.match(text)
    if uri and "base64" not in uri["type"].lower():
        return unquote_to_bytes(text[uri.end() :])
    digits = "".join(text[uri.end() if uri else 0 :].split())[:_HEAD_CHARACTERS]
    digits = digits.rstrip("=").translate(_URL_SAFE)
    if _NO_BASE64.search(digits):
        return b""
    return binascii.a2b_base64(digits[: len(digits) // 4 * 4])


def is_data_uri(head: bytes) -> bool:
    """Tell whether a text begins as a data URI does."""
    return _DATA_URI.match(head.decode("ascii", "replace").lstrip(_AROUND)) is not None


def _decode_base64(text: str) -> bytes:
    digits = "".join(text.split()).rstrip("=").translate(_URL_SAFE)
    foreign = _NO_BASE64.search(digits)
    if foreign:
        raise _invalid(
            "A picture as text must be the base64 of its file, or a data URI. "
            f"Received: {shown(text)}; {shown(foreign[0])} is no digit of base64."
        )
    if len(digits) % 4 == 1:
        raise _invalid(f"The base64 of the picture breaks off after {len(digits)} digits.")
    return binascii.a2b_base64(digits + "=" * (-len(digits) % 4))


def _invalid(detail: str) -> InvalidInstances:
    return InvalidInstances([Fault(detail=detail, pointer="#/instances/0")])
