"""A large JSON array -> its elements, parsed a few at a time.

A parser in C keeps the interpreter to itself from the first byte to the last: for a body of 30 MB
that is half a second, in which no other thread of the worker does anything. So a large array is cut
at the commas between its elements, and these are parsed piece by piece. NumPy, which looks for the
commas, lets others compute meanwhile.
"""

import re
from collections.abc import Iterator

import numpy as np
import orjson

# As much is parsed at once as takes a few milliseconds.
_PIECE_BYTES = 2**17
_CHUNK_BYTES = 2**20
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_QUOTE, _COMMA, _BACKSLASH = b'",\\'
_OPENING, _CLOSING = (91, 123), (93, 125)  # brackets and braces


class MalformedPiece(Exception):
    """An element of an array is no JSON.

    Args:
        position: Index of the byte where it goes wrong.
    """

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


def parse_elements(
    array: bytes, *, piece_bytes: int = _PIECE_BYTES, chunk_bytes: int = _CHUNK_BYTES
) -> Iterator[list[object]]:
    """Parse the elements of an array, some at a time.

    Args:
        array: A JSON array whose brackets, strings and commas are in order; what is between them
            need not be.
        piece_bytes: About as many bytes are parsed at once.
        chunk_bytes: As many are searched for commas at once.

    Raises:
        MalformedPiece: An element is no JSON.
    """
    start = array.index(b"[") + 1
    end = array.rindex(b"]")
    for comma in _ends_of_pieces(array, start, piece_bytes, chunk_bytes):
        yield _parse(array, start, comma)
        start = comma + 1
    if array[start:end].strip():
        yield _parse(array, start, end)


def _parse(array: bytes, start: int, end: int) -> list[object]:
    try:
        elements: list[object] = orjson.loads(b"[%b]" % array[start:end])
    except orjson.JSONDecodeError as error:
        before = len(error.doc[: error.pos].encode(errors="replace"))
        raise MalformedPiece(start + before - 1) from None
    return elements


def _ends_of_pieces(array: bytes, start: int, piece_bytes: int, chunk_bytes: int) -> Iterator[int]:
    """Yield the index of a comma between two elements, one for each piece but the last."""
    for comma in _commas(array, chunk_bytes):
        if comma - start >= piece_bytes:
            yield comma
            start = comma


def _commas(array: bytes, chunk_bytes: int) -> Iterator[int]:
    """Yield the index of every comma between two elements."""
    depth, is_inside, first = 0, 0, 0
    while first < len(array):
        chunk = _chunk(array, first, chunk_bytes)
        data = np.frombuffer(chunk, np.uint8)
        inside = (np.cumsum(data == _QUOTE, dtype=np.int32) + is_inside) & 1
        outside = inside == 0
        steps = np.isin(data, _OPENING).astype(np.int8) - np.isin(data, _CLOSING)
        levels = np.cumsum(steps * outside, dtype=np.int32) + depth
        yield from (np.flatnonzero((data == _COMMA) & outside & (levels == 1)) + first).tolist()
        depth, is_inside, first = int(levels[-1]), int(inside[-1]), first + len(chunk)


def _chunk(array: bytes, first: int, chunk_bytes: int) -> bytes:
    """Return the next bytes, in which no escaped character looks like another one."""
    chunk = array[first : first + chunk_bytes]
    backslashes = len(chunk) - len(chunk.rstrip(b"\\"))
    if backslashes % 2:  # what it escapes belongs to it
        chunk = array[first : first + len(chunk) + 1]
    return _ESCAPE.sub(b"__", chunk) if _BACKSLASH in chunk else chunk
