"""Encoded pictures, or their levels -> blocks of instances."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import inf, prod
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from vitrine.data_uris import decode_head, decode_text, is_data_uri
from vitrine.errors import (
    MAX_FAULTS,
    Fault,
    InvalidInstances,
    UnsupportedPicture,
    VitrineError,
    shown,
)
from vitrine.extras import needs
from vitrine.levels import Picture, from_levels
from vitrine.tables.blocks import Block

# A block of small pictures shares what a call of the network costs. Decoded pictures are large, and
# the arrays between a network's layers are larger: a block ends with the picture that makes it hold
# so many pixels.
_BLOCK_PICTURES = 64
_BLOCK_PIXELS = 2**20
# As much of a file as tells its format.
HEAD_BYTES = 512


@cache
def _images() -> ModuleType:
    """Return the module that decodes files: levels need no library of pictures."""
    with needs("pictures"):
        from vitrine import images  # noqa: PLC0415
    return images


def picture_blocks(
    pictures: Sequence[object], name: str, *, max_pixels: int, keep_faults: bool
) -> Iterator[Block]:
    """Decode pictures, one block at a time.

    Args:
        pictures: Each the bytes of a file; these as a data URI, as base64 or as an object
            `{"b64": base64}`; or its levels, as an array or as nested lists.
        name: Name of the model's input.
        max_pixels: Number of pixels that one picture may have.
        keep_faults: Whether a picture that cannot be decoded becomes a fault of its block.

    Raises:
        VitrineError: A picture cannot be decoded, and its fault is not kept.
    """
    caught = VitrineError if keep_faults else ()
    first = 0
    while first < len(pictures):
        some = pictures[first : first + _BLOCK_PICTURES]
        block = _block(some, first, name, caught=caught, max_pixels=max_pixels)
        first += block.rows
        yield block


def declared_pixels(picture: object) -> float:
    """Return how many pixels a picture declares, before it is decoded; infinity where it does not.

    Args:
        picture: As `picture_blocks` takes it.
    """
    if isinstance(picture, np.ndarray):
        height_and_width: tuple[int, ...] = picture.shape[:2]
        return prod(height_and_width)
    if isinstance(picture, list):
        first = picture[0] if picture else None
        return len(picture) * (len(first) if isinstance(first, list) else 1)
    if isinstance(picture, dict):
        picture = picture.get("b64")
    if isinstance(picture, str):
        picture = picture[:HEAD_BYTES].encode(errors="replace")
    if not isinstance(picture, bytes):
        return inf
    declared_size = _images().declared_size
    size = declared_size(picture) or declared_size(decode_head(picture[:HEAD_BYTES]))
    return inf if size is None else size[0] * size[1]


def begins_like_picture(head: bytes) -> bool:
    """Tell whether the first bytes are those of a picture, as a file or as text.

    They may also be those of another file that `vitrine.unread_formats` can name.
    """
    return bool(_images().begins_like_picture(head)) or _is_text(head)


def _is_text(head: bytes) -> bool:
    """Tell whether the first bytes are those of a data URI, or of the base64 of a picture."""
    return is_data_uri(head) or bool(_images().begins_like_picture(decode_head(head)))


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
    rows = pixels = 0
    for index, picture in enumerate(pictures):
        rows += 1
        try:
            decoded.append(_decode(_unwrapped(picture, name), max_pixels))
        except caught as error:
            errors[index] = error.detail
            continue
        pixels += decoded[-1].pixels.size
        if pixels >= _BLOCK_PIXELS:
            break
    faults = [
        Fault(detail=detail, pointer=f"#/instances/{first + index}")
        for index, detail in errors.items()
    ]
    return Block(
        instances={name: _column(decoded)},
        steps=[picture.steps for picture in decoded],
        count_frames=[picture.count_frames for picture in decoded],
        rows=rows,
        faults=tuple(faults[:MAX_FAULTS]),
        fault_count=len(faults),
        errors=errors,
    )


def _unwrapped(picture: object, name: str) -> object:
    """Take a picture out of an object that names the model's input, as other servers have it."""
    if isinstance(picture, dict) and picture.keys() == {name}:
        return picture[name]
    return picture


def _column(pictures: Sequence[Picture]) -> NDArray[np.object_]:
    column = np.empty(len(pictures), dtype=object)
    for index, picture in enumerate(pictures):
        column[index] = picture.pixels
    return column


def _decode(picture: object, max_pixels: int) -> Picture:
    match picture:
        case bytes():
            return _decode_file(picture, max_pixels)
        case str():
            return _decode_text(picture, max_pixels)
        case {"b64": str(text), **others} if not others:
            return _decode_text(text, max_pixels)
        case dict():
            names = ", ".join(map(shown, list(picture)[:3])) or "no member"
            rule = 'A picture as an object must be {"b64": "..."}, the base64 of its file.'
            raise _invalid(f"{rule} Received: {names}.")
    return from_levels(picture, max_pixels=max_pixels)


def _decode_file(file: bytes, max_pixels: int) -> Picture:
    decode: Callable[..., Picture] = _images().decode
    try:
        return decode(file, max_pixels=max_pixels)
    except UnsupportedPicture:
        if not _is_text(file[:HEAD_BYTES]):
            raise
    return decode(decode_text(file), max_pixels=max_pixels)


def _decode_text(text: str, max_pixels: int) -> Picture:
    file = decode_text(text.encode(errors="replace"))
    if not begins_like_picture(file[:HEAD_BYTES]):
        raise _invalid(
            "A picture as text must be the base64 of its file, or a data URI. "
            f"Received: {shown(text)}, which stands for no picture."
        )
    return _decode_file(file, max_pixels)


def _invalid(detail: str) -> InvalidInstances:
    return InvalidInstances([Fault(detail=detail, pointer="#/instances/0")])
