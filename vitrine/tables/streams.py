"""What the bytes of a body are read from, in the encoding that they have."""

import codecs
import re
from typing import Protocol, runtime_checkable

# Matches the byte order mark of UTF-16, and not that of UTF-32.
UTF16_MARK = re.compile(rb"\xff\xfe(?!\x00\x00)|\xfe\xff")


class ByteStream(Protocol):
    """Anything that a body can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


@runtime_checkable
class ArrivingStream(ByteStream, Protocol):
    """A body that is read while it arrives."""

    def has_arrived(self, size: int) -> bool:
        """Tell whether so many bytes, or all that are left, can be read without waiting."""


def has_arrived(stream: ByteStream, size: int) -> bool:
    """Tell whether so many bytes can be read without waiting; of files, they always can."""
    return not isinstance(stream, ArrivingStream) or stream.has_arrived(size)


class Utf16Stream:
    """A body in UTF-16, with a byte order mark, that is read as UTF-8.

    Spreadsheets call such a file Unicode text.

    Half of a character becomes bytes that are not UTF-8, so that it is found where it stands.

    Args:
        start: Bytes that were already read of the body.
        stream: The rest of the body.
    """

    def __init__(self, start: bytes, stream: ByteStream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
        self._pending = self._recode(start)

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        while not self._pending and (piece := self._stream.read(size)):
            self._pending = self._recode(piece)
        if not self._pending and self._decoder.getstate()[0]:
            self._decoder.reset()
            self._pending = b"\xff"
        read, self._pending = self._pending[:size], self._pending[size:]
        return read

    def has_arrived(self, size: int) -> bool:
        """Tell whether so many bytes can be read without waiting.

        Few characters take more bytes in UTF-8 than in UTF-16.
        """
        return has_arrived(self._stream, 2 * size)

    def _recode(self, piece: bytes) -> bytes:
        return self._decoder.decode(piece).encode("utf-8", "surrogatepass")
