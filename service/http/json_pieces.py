"""A large JSON array -> its elements, parsed a few at a time.

A parser in C keeps the interpreter to itself from the first byte to the last: for a body of 30 MB
that is half a second, in which no other thread of the worker does anything. So a large array is cut
at the commas between its elements, and these are parsed piece by piece. NumPy, which looks for the
commas, lets others compute meanwhile.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import orjson

# As much is parsed at once as takes a few milliseconds.
_PIECE_BYTES = 2**17
_CHUNK_BYTES = 2**20
# An element of instances, of the rows of one picture, and of the values of a row.
_DEPTH = 3
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
    array: bytes,
    *,
    piece_bytes: int = _PIECE_BYTES,
    chunk_bytes: int = _CHUNK_BYTES,
    depth: int = _DEPTH,
) -> Iterator[list[object]]:
    """Parse the elements of an array, some at a time.

    Args:
        array: A JSON array whose brackets, strings and commas are in order; what is between them
            need not be.
        piece_bytes: About as many bytes are parsed at once.
        chunk_bytes: As many are searched for commas at once.
        depth: An element of more bytes is parsed in pieces itself, and so on, so many times.

    Raises:
        MalformedPiece: An element is no JSON.
    """
    for start, end, is_alone in _pieces(array, piece_bytes, chunk_bytes):
        text = array[start:end]
        if depth and is_alone and text.lstrip()[:1] in (b"[", b"{"):
            first = start + len(text) - len(text.lstrip())
            value = text.strip()
            parse = _parse_array if value.startswith(b"[") else _parse_object
            with _moved(first):
                yield [parse(value, piece_bytes, chunk_bytes, depth - 1)]
        else:
            yield _parse(b"[%b]", text, start)


def _parse_array(array: bytes, piece_bytes: int, chunk_bytes: int, depth: int) -> list[object]:
    pieces = parse_elements(array, piece_bytes=piece_bytes, chunk_bytes=chunk_bytes, depth=depth)
    return list(chain.from_iterable(pieces))


def _parse_object(members: bytes, piece_bytes: int, chunk_bytes: int, __: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for start, end, _ in _pieces(members, piece_bytes, chunk_bytes):
        value.update(_parse(b"{%b}", members[start:end], start))
    return value


def _parse(around: bytes, text: bytes, start: int) -> Any:
    try:
        return orjson.loads(around % text)
    except orjson.JSONDecodeError as error:
        before = len(error.doc[: error.pos].encode(errors="replace"))
        raise MalformedPiece(start + before - 1) from None


@contextmanager
def _moved(first: int) -> Iterator[None]:
    """Count a position inside an element from the beginning of the array."""
    try:
        yield
    except MalformedPiece as error:
        raise MalformedPiece(first + error.position) from None


def _pieces(
    container: bytes, piece_bytes: int, chunk_bytes: int
) -> Iterator[tuple[int, int, bool]]:
    """Yield where each piece begins and ends, and whether it is one large element."""
    start = element = 1
    last = len(container.rstrip()) - 1
    for comma in chain(_commas(container, chunk_bytes), [last]):
        if comma - element >= piece_bytes and element > start:
            yield start, element - 1, False
            start = element
        if comma - start >= piece_bytes:
            yield start, comma, element == start
            start = comma + 1
        element = comma + 1
    if container[start:last].strip():
        yield start, last, False


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
