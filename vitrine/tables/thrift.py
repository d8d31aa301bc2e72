"""Structures in Thrift's compact protocol, as the headers of a Parquet file are written.

PyArrow reads these headers itself. But it takes memory for as many structures, and as many bytes,
as they say that there are; so what they say is looked at before.

References:
    https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Mapping
from typing import Any

# Types of fields, and of the elements of lists.
_TRUE, _FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(1, 14)
_FIXED_BYTES = {BYTE: 1, DOUBLE: 8, UUID: 16}
_MAX_DEPTH = 32
# A number of 64 bits takes at most so many groups of 7 bits.
_MAX_GROUPS = 10

# (Number of a field, its type) -> its value. The type counts: a reader skips a field whose type is
# not the one that it expects.
Struct = Mapping[tuple[int, int], Any]


class TooManyValues(Exception):
    """There are more values than may be read."""


class ThriftReader:
    """Reads structures one after the other, no more values in all than it may.

    Args:
        data: Bytes in which the structures lie.
        max_values: Number of values that are read.
        lists: Numbers of the fields that lead to a list -> the type of its elements. PyArrow reads
            elements of that type, whatever the list says that they are.

    Attributes:
        position: Where the next structure begins.
    """

    def __init__(
        self, data: bytes, *, max_values: int, lists: Mapping[tuple[int, ...], int] | None = None
    ) -> None:
        self._data = data
        self._lists = lists or {}
        self._left = max_values
        self.position = 0

    def read_struct(self, end: int) -> Struct:
        """Read a structure, which must end before a position.

        Raises:
            ValueError: There is no such structure.
            TooManyValues: There are too many values.
        """
        try:
            struct = self._struct(())
        except IndexError:
            raise ValueError("a structure ends too early") from None
        if self.position > end:
            raise ValueError("a structure is too long")
        return struct

    def _struct(self, path: tuple[int, ...]) -> Struct:
        if len(path) > _MAX_DEPTH:
            raise ValueError("structures are nested too deeply")
        fields: dict[tuple[int, int], Any] = {}
        number = 0
        while head := self._byte():
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            value = kind == _TRUE if kind <= _FALSE else self._value(kind, (*path, number))
            fields[number, kind] = value
        return fields

    def _value(self, kind: int, path: tuple[int, ...]) -> Any:
        self._count(1)
        if kind in {I16, I32, I64}:
            return self._zigzag()
        if kind == BINARY:
            return self._bytes(self._varint())
        if kind in _FIXED_BYTES:
            return self._bytes(_FIXED_BYTES[kind])
        if kind in {LIST, SET}:
            return self._list(path)
        if kind == MAP:
            return self._map(path)
        if kind == STRUCT:
            return self._struct(path)
        raise ValueError("a field has an unknown type")

    def _list(self, path: tuple[int, ...]) -> list[Any]:
        head = self._byte()
        size, kind = (head >> 4 if head >> 4 < 15 else self._varint()), head & 15
        if self._lists.get(path, kind) != kind:
            raise ValueError("a list has elements of another type")
        return self._elements(kind, size, path)

    def _map(self, path: tuple[int, ...]) -> list[Any]:
        size = self._varint()
        if not size:
            return []
        both = self._byte()
        kinds = (both >> 4, both & 15)
        return [self._elements(kind, 1, (*path, 0)) for _ in range(size) for kind in kinds]

    def _elements(self, kind: int, size: int, path: tuple[int, ...]) -> list[Any]:
        # Whoever reads the list takes memory for all of its elements first.
        self._count(size)
        if len(path) > _MAX_DEPTH:
            raise ValueError("lists are nested too deeply")
        if kind <= _FALSE:
            return [self._byte() == _TRUE for _ in range(size)]
        # A list in a list has no number.
        inner = path if kind == STRUCT else (*path, 0)
        return [self._value(kind, inner) for _ in range(size)]

    def _count(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise TooManyValues

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _bytes(self, size: int) -> bytes:
        if size > len(self._data) - self.position:
            raise IndexError
        start, self.position = self.position, self.position + size
        return self._data[start : self.position]

    def _varint(self) -> int:
        number = 0
        for group in range(_MAX_GROUPS):
            byte = self._byte()
            number |= (byte & 127) << 7 * group
            if byte < 128:
                return number
        raise ValueError("a number is too long")

    def _zigzag(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)
