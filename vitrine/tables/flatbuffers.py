"""The few fields of Arrow's messages that say how much memory a message takes.

Arrow reads the messages themselves. But it believes the lengths that stand in them, and takes as
much memory as they say.

References:
    The format of messages: https://arrow.apache.org/docs/format/Columnar.html, with the schemas
    `Message.fbs` and `Schema.fbs`. That of FlatBuffers: https://flatbuffers.dev/internals/.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says of its size.

    Attributes:
        body_bytes: Length of the body that follows it.
        rows: Number of rows, or of entries of a dictionary; 0 for any other message.
        buffers: Where the buffers of the batch lie in the body.
        is_compressed: Whether they are compressed.
        dictionary: Number of the dictionary that the message brings; None if it brings none.
        is_delta: Whether it adds to that dictionary.

    Shapes:
        buffers: (n, 2), offset and length.
    """

    body_bytes: int
    rows: int
    buffers: NDArray[np.int64]
    is_compressed: bool
    dictionary: int | None = None
    is_delta: bool = False

    def unpacked_bytes(self, body: bytes) -> int:
        """Return how many bytes the body says that its buffers have when they are unpacked.

        Raises:
            ValueError: It says so for none of them, or they are not within the body.
        """
        if not self.is_compressed:
            return len(body)
        total = 0
        for offset, length in self.buffers.tolist():
            if not length:
                continue
            if length < 8 or not 0 <= offset <= len(body) - length:
                raise ValueError("a buffer is not within its body")
            (unpacked,) = struct.unpack_from("<q", body, offset)
            if unpacked < -1:
                raise ValueError("a buffer has a negative length")
            total += length if unpacked < 0 else unpacked
        return total


def read_message(metadata: bytes) -> Message:
    """Read how much memory a message takes.

    Raises:
        ValueError: It is no message.
    """
    # Arrow 0.17 said in another place that a batch is compressed, which Arrow still reads.
    if b"ARROW:experimental_compression" in metadata:
        raise ValueError("the batch is compressed as Arrow 0.17 did")
    try:
        return _message(_root(metadata))
    except struct.error:
        raise ValueError("the message ends too early") from None


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of FlatBuffers: a list of fields, of which any may be absent."""

    data: bytes
    start: int

    def at(self, field: int) -> int:
        """Return where a field is; 0 where it is absent."""
        vtable = self.start - _unpack("<i", self.data, self.start)
        if 4 + 2 * field >= _unpack("<H", self.data, vtable):
            return 0
        offset = _unpack("<H", self.data, vtable + 4 + 2 * field)
        return self.start + offset if offset else 0

    def number(self, field: int, kind: str) -> int:
        at = self.at(field)
        return _unpack(kind, self.data, at) if at else 0

    def target(self, field: int) -> int:
        """Return where that lies which a field points at; 0 where it is absent."""
        at = self.at(field)
        return at + _unpack("<I", self.data, at) if at else 0

    def table(self, field: int) -> "_Table | None":
        target = self.target(field)
        return _Table(self.data, target) if target else None


def _unpack(kind: str, data: bytes, at: int) -> int:
    if at < 0:  # Python would count from the end
        raise ValueError("a field lies before the message")
    number: int = struct.unpack_from(kind, data, at)[0]
    return number


def _root(data: bytes) -> _Table:
    return _Table(data, _unpack("<I", data, 0))


def _message(message: _Table) -> Message:
    body_bytes = message.number(3, "<q")
    kind, header = message.number(1, "<B"), message.table(2)
    if body_bytes < 0 or header is None:
        raise ValueError("the message has no header, or a body of a negative length")
    if kind == _RECORD_BATCH:
        return _batch(header, body_bytes)
    if kind != _DICTIONARY_BATCH:
        return Message(body_bytes, 0, np.empty((0, 2), np.int64), is_compressed=False)
    data = header.table(1)
    if data is None:
        raise ValueError("the dictionary has no data")
    batch = _batch(data, body_bytes)
    return Message(
        body_bytes,
        batch.rows,
        batch.buffers,
        batch.is_compressed,
        dictionary=header.number(0, "<q"),
        is_delta=bool(header.number(2, "<B")),
    )


def _batch(batch: _Table, body_bytes: int) -> Message:
    rows = batch.number(0, "<q")
    # PyArrow believes a negative length of a dictionary.
    if rows < 0 or (_pairs(batch, 1)[:, 0] < 0).any():
        raise ValueError("the batch has a negative number of rows")
    return Message(body_bytes, rows, _pairs(batch, 2), is_compressed=batch.at(3) != 0)


def _pairs(batch: _Table, field: int) -> NDArray[np.int64]:
    """Return the pairs of numbers in a field: lengths with nulls, or offsets with lengths."""
    start = batch.target(field)
    if not start:
        return np.empty((0, 2), np.int64)
    count = _unpack("<I", batch.data, start)
    if start + 4 + 16 * count > len(batch.data):
        raise ValueError("the numbers are not within the message")
    return np.frombuffer(batch.data, "<i8", 2 * count, start + 4).reshape(count, 2)
