"""A large body with NaN, or with something behind its document -> JSON as every parser reads it.

Python's parser reads such bodies, but lets no other thread of the worker run meanwhile: for 30 MB,
that is more than a second. The parsers that take a large body in pieces read nothing but JSON.
"""

import re
from collections.abc import Iterator
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

# Texts that stand for what is no number in JSON. No text of a client begins with this character: it
# belongs to no alphabet.
_MARK = "\ue000"
NUMBERS = {f"{_MARK}NaN": nan, f"{_MARK}Infinity": inf, f"{_MARK}-Infinity": -inf}

_CHUNK_BYTES = 2**20
_TOKEN = re.compile(rb"NaN|-?Infinity")
_LETTERS = b"-INafinty"
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_QUOTE, _BACKSLASH = b'"\\'
_OPENING, _CLOSING = (91, 123), (93, 125)  # brackets and braces


def to_strict(body: bytes, *, chunk_bytes: int = _CHUNK_BYTES) -> bytes:
    """Cut off what is behind the document, and write `NUMBERS` for what is no number in JSON.

    Args:
        body: A body that begins with an object.
        chunk_bytes: As many bytes are looked at at once; more than a token has.
    """
    return b"".join(_written(body, chunk_bytes))


def _written(body: bytes, chunk_bytes: int) -> Iterator[bytes]:
    depth = is_inside = first = 0
    while first < len(body):
        chunk = _chunk(body, first, chunk_bytes)
        data = _without_escapes(chunk)
        outside = (np.cumsum(data == _QUOTE, dtype=np.int32) + is_inside) & 1 == 0
        steps = np.isin(data, _OPENING).astype(np.int8) - np.isin(data, _CLOSING)
        levels = np.cumsum(steps * outside, dtype=np.int32) + depth
        ends = np.flatnonzero((levels == 0) & (steps < 0) & outside)
        if len(ends):
            yield _marked(chunk[: int(ends[0]) + 1], outside)
            return
        yield _marked(chunk, outside)
        depth, is_inside = int(levels[-1]), int(not outside[-1])
        first += len(chunk)


def _chunk(body: bytes, first: int, chunk_bytes: int) -> bytes:
    """Return the next bytes, in which no token and no escape is cut in two."""
    chunk = body[first : first + chunk_bytes]
    if first + len(chunk) < len(body):
        chunk = chunk.rstrip(_LETTERS) or chunk
    backslashes = len(chunk) - len(chunk.rstrip(b"\\"))
    # What a backslash escapes belongs to it.
    return body[first : first + len(chunk) + 1] if backslashes % 2 else chunk


def _without_escapes(chunk: bytes) -> NDArray[np.uint8]:
    """Return the bytes, in which no escaped character looks like another one."""
    return np.frombuffer(_ESCAPE.sub(b"__", chunk) if _BACKSLASH in chunk else chunk, np.uint8)


def _marked(chunk: bytes, outside: NDArray[np.bool_]) -> bytes:
    """Write texts for what is no number in JSON, but not inside of other texts."""
    if b"NaN" not in chunk and b"Infinity" not in chunk:
        return chunk

    def mark(token: re.Match[bytes]) -> bytes:
        return f'"{_MARK}{token[0].decode()}"'.encode() if outside[token.start()] else token[0]

    return _TOKEN.sub(mark, chunk)
