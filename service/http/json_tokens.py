"""JSON of any length -> pieces of it, and which of their bytes stand outside of texts.

NumPy looks for the quotes, and lets other threads of the worker run meanwhile.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CHUNK_BYTES = 2**20
# No piece ends within one of the words of JSON, and of Python's JSON.
_LETTERS = b"-INafinty"
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NAN = re.compile(rb"\bNaN\b")
_QUOTE, _BACKSLASH = b'"\\'


def pieces(
    body: bytes, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[tuple[bytes, NDArray[np.bool_]]]:
    """Yield pieces of JSON, in which neither NaN nor Infinity nor an escape is cut in two.

    Args:
        body: The JSON; it need not be right.
        chunk_bytes: About as many bytes are looked at at once; more than a word has.

    Yields:
        Each piece, and which of its bytes stand outside of texts.
    """
    is_inside = first = 0
    while first < len(body):
        piece = _piece(body, first, chunk_bytes)
        quotes = np.frombuffer(_without_escapes(piece), np.uint8) == _QUOTE
        outside = (np.cumsum(quotes, dtype=np.int32) + is_inside) & 1 == 0
        yield piece, outside
        is_inside = int(not outside[-1])
        first += len(piece)


def with_null_for_nan(body: bytes, *, chunk_bytes: int = CHUNK_BYTES) -> bytes:
    """Write null for every NaN outside of texts: Python writes blanks of a data frame so.

    Args:
        body: The JSON; it need not be right.
        chunk_bytes: About as many bytes are looked at at once; more than a word has.
    """
    found = pieces(body, chunk_bytes=chunk_bytes)
    return b"".join(_with_null(piece, outside) for piece, outside in found)


def _with_null(piece: bytes, outside: NDArray[np.bool_]) -> bytes:
    def null(found: re.Match[bytes]) -> bytes:
        return b"null" if outside[found.start()] else found[0]

    return _NAN.sub(null, piece) if b"NaN" in piece else piece


def _piece(body: bytes, first: int, chunk_bytes: int) -> bytes:
    piece = body[first : first + chunk_bytes]
    if first + len(piece) < len(body):
        piece = piece.rstrip(_LETTERS) or piece
    backslashes = len(piece) - len(piece.rstrip(b"\\"))
    # What a backslash escapes belongs to it.
    return body[first : first + len(piece) + 1] if backslashes % 2 else piece


def _without_escapes(piece: bytes) -> bytes:
    """Return the bytes, in which no escaped character looks like another one."""
    return _ESCAPE.sub(b"__", piece) if _BACKSLASH in piece else piece
