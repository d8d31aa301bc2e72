"""Compressed bodies -> what is in them, up to a limit."""

import zlib

from service.errors import BodyTooLarge
from vitrine.errors import MalformedBody

# Format of gzip, as zlib names it.
GZIP = 16 + zlib.MAX_WBITS


def inflate(body: bytes, form: int, *, max_bytes: int) -> bytes:
    """Undo the compression of a body.

    Args:
        body: The body as it arrived.
        form: Format of zlib, its argument `wbits`.
        max_bytes: Length that it may have without its compression.

    Raises:
        zlib.error: The body has another format, or is corrupt.
        MalformedBody: It is truncated, or something else follows.
        BodyTooLarge: It unpacks to more bytes.
    """
    pieces: list[bytes] = []
    room = max_bytes
    while True:
        unpacker = zlib.decompressobj(form)
        pieces.append(unpacker.decompress(body, room + 1))
        room -= len(pieces[-1])
        if room < 0:
            raise BodyTooLarge(max_bytes)
        if not unpacker.eof:
            raise MalformedBody("The compressed body is truncated.")
        body = unpacker.unused_data
        if not body:
            return b"".join(pieces)
        if form != GZIP:  # only gzip's files may follow each other
            raise MalformedBody("Bytes follow the compressed body.")
