"""Encoded pictures, or their levels -> blocks of instances."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import MAX_FAULTS, Fault, VitrineError
from vitrine.extras import needs
from vitrine.levels import Picture, from_levels
from vitrine.tables.blocks import Block

# Decoded pictures are large, and the arrays between a network's layers are larger.
_BLOCK_PICTURES = 16


def picture_blocks(
    pictures: Sequence[object], name: str, *, max_pixels: int, keep_faults: bool
) -> Iterator[Block]:
    """Decode pictures, one block at a time.

    Args:
        pictures: Each the bytes of a file, or its levels as nested lists.
        name: Name of the model's input.
        max_pixels: Number of pixels that one picture may have.
        keep_faults: Whether a picture that cannot be decoded becomes a fault of its block.

    Raises:
        VitrineError: A picture cannot be decoded, and its fault is not kept.
    """
    caught = VitrineError if keep_faults else ()
    for first in range(0, len(pictures), _BLOCK_PICTURES):
        some = pictures[first : first + _BLOCK_PICTURES]
        yield _block(some, first, name, caught=caught, max_pixels=max_pixels)


def _block(
    pictures: Sequence[object],
    first: int,
    name: str,
    *,
    caught: type[VitrineError] | tuple[()],
    max_pixels: int,
) -> Block:
    decoded: list[Picture] = []
    errors: dict[int, str] = {}
    for index, picture in enumerate(pictures):
        try:
            decoded.append(_decode(picture, max_pixels))
        except caught as error:
            errors[index] = error.detail
    faults = [
        Fault(detail=detail, pointer=f"#/instances/{first + index}")
        for index, detail in errors.items()
    ]
    return Block(
        instances={name: _column(decoded)},
        steps=[picture.steps for picture in decoded],
        rows=len(pictures),
        faults=tuple(faults[:MAX_FAULTS]),
        fault_count=len(faults),
        errors=errors,
    )


def _column(pictures: Sequence[Picture]) -> NDArray[np.object_]:
    column = np.empty(len(pictures), dtype=object)
    for index, picture in enumerate(pictures):
        column[index] = picture.pixels
    return column


def _decode(picture: object, max_pixels: int) -> Picture:
    if not isinstance(picture, bytes):
        return from_levels(picture, max_pixels=max_pixels)
    with needs("pictures"):
        from vitrine import images  # noqa: PLC0415 - levels need no library of pictures
    return images.decode(picture, max_pixels=max_pixels)
