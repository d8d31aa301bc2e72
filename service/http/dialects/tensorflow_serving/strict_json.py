"""A large body with NaN, or with something behind its document -> JSON as every parser reads it.

Python's parser reads such bodies, but lets no other thread of the worker run meanwhile: for 30 MB,
that is more than a second. The parsers that take a large body in pieces read nothing but JSON.
"""

import re
from collections.abc import Iterator
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from service.http.json_tokens import CHUNK_BYTES, pieces

# Texts that stand for what is no number in JSON. No text of a client begins with this character: it
# belongs to no alphabet.
_MARK = "\ue000"
NUMBERS = {f"{_MARK}NaN": nan, f"{_MARK}Infinity": inf, f"{_MARK}-Infinity": -inf}

_TOKEN = re.compile(rb"NaN|-?Infinity")
_OPENING, _CLOSING = (91, 123), (93, 125)  # brackets and braces


def to_strict(body: bytes, *, chunk_bytes: int = CHUNK_BYTES) -> bytes:
    """Cut off what is behind the document, and write `NUMBERS` for what is no number in JSON.

    Args:
        body: A body that begins with an object.
        chunk_bytes: As many bytes are looked at at once; more than a token has.
    """
    return b"".join(_written(body, chunk_bytes))


def _written(body: bytes, chunk_bytes: int) -> Iterator[bytes]:
    depth = 0
    for chunk, outside in pieces(body, chunk_bytes=chunk_bytes):
        data = np.frombuffer(chunk, np.uint8)
        steps = np.isin(data, _OPENING).astype(np.int8) - np.isin(data, _CLOSING)
        levels = np.cumsum(steps * outside, dtype=np.int32) + depth
        ends = np.flatnonzero((levels == 0) & (steps < 0) & outside)
        if len(ends):
            yield _marked(chunk[: int(ends[0]) + 1], outside)
            return
        yield _marked(chunk, outside)
        depth = int(levels[-1])


def _marked(chunk: bytes, outside: NDArray[np.bool_]) -> bytes:
    """Write texts for what is no number in JSON, but not inside of other texts."""
    if b"NaN" not in chunk and b"Infinity" not in chunk:
        return chunk

    def mark(token: re.Match[bytes]) -> bytes:
        return f'"{_MARK}{token[0].decode()}"'.encode() if outside[token.start()] else token[0]

    return _TOKEN.sub(mark, chunk)
