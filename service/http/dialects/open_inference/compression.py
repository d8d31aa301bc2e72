"""Bodies that come or go compressed, as the header Content-Encoding says."""

import zlib
from functools import lru_cache

from werkzeug.http import parse_accept_header

from service.errors import InvalidInferenceRequest
from service.http.inflating import GZIP, inflate
from vitrine.errors import MalformedBody, shown

# The other formats, as zlib names them: its own, and the bare one that some take for "deflate".
_ZLIB = zlib.MAX_WBITS
_BARE = -zlib.MAX_WBITS
# In the order in which an answer is written where a client accepts several alike.
_FORMATS = {"gzip": GZIP, "deflate": _ZLIB}
# An answer is mostly numbers: higher levels take longer and gain little.
_LEVEL = 1


def unpack(body: bytes, coding: str, *, max_bytes: int) -> bytes:
    """Undo the compression of a body.

    Args:
        body: The body as it arrived.
        coding: Value of Content-Encoding.
        max_bytes: Length that it may have without its compression.

    Raises:
        InvalidInferenceRequest: The compression is not known.
        MalformedBody: The body is not compressed so, or is truncated.
        BodyTooLarge: It unpacks to more bytes.
    """
    name = coding.strip().lower()
    if name not in _FORMATS:
        raise InvalidInferenceRequest(
            f"Content-Encoding must be gzip or deflate. Received: {shown(coding)}."
        )
    formats = [GZIP] if name == "gzip" else [_ZLIB, _BARE]
    for form in formats:
        try:
            return inflate(body, form, max_bytes=max_bytes)
        except zlib.error:
            continue
    raise MalformedBody(f"The body is not compressed by {name}, or is corrupt.")


def pack(body: bytes, coding: str) -> bytes:
    """Compress an answer by one of the names that `accepted_coding` returns."""
    packer = zlib.compressobj(_LEVEL, wbits=_FORMATS[coding])
    return packer.compress(body) + packer.flush()


# Clients send the same few headers again and again.
@lru_cache(maxsize=256)
def accepted_coding(accept_encoding: str) -> str:
    """Return the compression of an answer; empty for none.

    Args:
        accept_encoding: Header Accept-Encoding of the request; empty where it is absent.
    """
    accepted = dict(parse_accept_header(accept_encoding.lower()))
    # Without a word of the client's own for it, an answer stays as it is.
    best = max(_FORMATS, key=lambda name: accepted.get(name, 0.0))
    quality = accepted.get(best, 0.0)
    return best if quality > 0 and quality >= accepted.get("identity", 0.0) else ""
