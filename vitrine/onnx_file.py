"""What an ONNX file declares, read from its bytes before any session is opened.

ONNX Runtime opens whatever file a tensor names as its data, relative to the folder in which the
service happens to run, reserves memory for whatever size a tensor declares, and repeats a loop as
often as the network says. This module reads no more of the format than it takes to see that.

References:
    The encoding of Protocol Buffers: https://protobuf.dev/programming-guides/encoding.
    The messages and the numbers of their fields: onnx/onnx.proto, https://onnx.ai.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

# Of messages within messages: 3 for each graph within a graph, of which a network has one or two.
_MAX_DEPTH = 64

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MAX_VARINT_BYTES = 10

# Messages that lead to tensors: number of a field -> message in it.
_CHILDREN: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"}
    | {22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# Fields of a tensor, and that of a sparse tensor with the shape that it takes in memory.
_DIMS, _TYPE, _EXTERNAL_DATA, _DATA_LOCATION = 1, 2, 13, 14
_SPARSE_DIMS = 3
# Field of a node with the name of its operation, and the operations that repeat a graph.
_OPERATION = 4
_LOOPS = (b"Loop", b"Scan")
# Number of an element type -> bytes of an element; every other type takes no more than eight.
_ELEMENT_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 9: 1, 10: 2, 12: 4, 16: 2}
_LARGEST_ELEMENT_BYTES = 8


class UnreadableFile(ValueError):
    """The bytes are no ONNX file, or one that is not opened; the message says why."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a network declares.

    Attributes:
        tensor_bytes: Memory that all of its tensors take.
        has_loops: Whether it repeats a part of itself, so that a pass may take any time.
    """

    tensor_bytes: int = 0
    has_loops: bool = False

    def __add__(self, other: "Declared") -> "Declared":
        return Declared(self.tensor_bytes + other.tensor_bytes, self.has_loops or other.has_loops)


def read_declared(data: bytes) -> Declared:
    """Return what an ONNX file declares.

    Raises:
        UnreadableFile: The file is damaged, is nested too deeply, or wants to read other files.
    """
    return _declared(memoryview(data), "model", depth=0)


def _declared(message: memoryview, kind: str, *, depth: int) -> Declared:
    if depth > _MAX_DEPTH:
        raise UnreadableFile("is nested too deeply")
    children = _CHILDREN[kind]
    declared = Declared(_own_size(message, kind), _is_loop(message, kind))
    for number, value in _fields(message):
        child = children.get(number)
        if child is not None and isinstance(value, memoryview):
            declared += _declared(value, child, depth=depth + 1)
    return declared


def _is_loop(message: memoryview, kind: str) -> bool:
    return kind == "node" and any(
        number == _OPERATION and isinstance(value, memoryview) and bytes(value) in _LOOPS
        for number, value in _fields(message)
    )


def _own_size(message: memoryview, kind: str) -> int:
    """Return what one tensor takes; nothing for a message that only leads to tensors."""
    if kind == "sparse tensor":
        return prod(_dims(message, _SPARSE_DIMS)) * _LARGEST_ELEMENT_BYTES
    if kind != "tensor":
        return 0
    element = _LARGEST_ELEMENT_BYTES
    for number, value in _fields(message):
        if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value):
            raise UnreadableFile("keeps data in other files, which are not read")
        if number == _TYPE and isinstance(value, int):
            element = _ELEMENT_BYTES.get(value, _LARGEST_ELEMENT_BYTES)
    return prod(_dims(message, _DIMS)) * element


def _dims(message: memoryview, field: int) -> Iterator[int]:
    """Return the sizes of a tensor's axes, which may be packed into one field."""
    for number, value in _fields(message):
        if number == field and isinstance(value, int):
            yield value
        elif number == field and isinstance(value, memoryview):
            at = 0
            while at < len(value):
                dim, at = _varint(value, at)
                yield dim


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Return the number and the value of each field; of no interest are values of a fixed size."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, at = _varint(message, at)
        elif wire_type in _FIXED_SIZES:
            size = _FIXED_SIZES[wire_type]
        else:
            raise UnreadableFile("is damaged")
        if size > len(message) - at:
            raise UnreadableFile("is damaged")
        yield number, message[at : at + size] if wire_type == _BYTES else 0
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(message[at : at + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    raise UnreadableFile("is damaged")
