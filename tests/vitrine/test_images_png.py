"""Plain PNG files are read as Pillow's own parser reads them, and all others are left to it."""

import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrine.errors import VitrineError
from vitrine.images import decode

ANY_SIZE = 10_000
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY = np.arange(0, 240, 2).astype(np.uint8).reshape(10, 12)
# Colour type -> the number of samples that a pixel has, and the depths of a sample.
COLOUR_TYPES = {0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 4: (2, (8, 16)), 6: (4, (8, 16))}


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    header: tuple[int, ...],
    rows: bytes,
    *,
    before: bytes = b"",
    between: bytes = b"",
    cuts: Sequence[int] = (),
    level: int = 6,
) -> bytes:
    """Write a PNG file of filtered rows, its compressed pixels cut into several chunks."""
    data = zlib.compress(rows, level)
    ends = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    parts = [chunk(b"IDAT", data[a:b]) for a, b in pairwise(ends)]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *header))
    return SIGNATURE + head + before + between.join([*parts, b""]) + chunk(b"IEND")


@st.composite
def pngs(draw: st.DrawFn) -> bytes:
    """Make PNG files of every colour type but the palette's, with any filter in each row."""
    colour = draw(st.sampled_from(sorted(COLOUR_TYPES)))
    channels, depths = COLOUR_TYPES[colour]
    depth = draw(st.sampled_from((8, 8, *depths)))
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    row = (width * channels * depth + 7) // 8
    rows = b"".join(
        bytes([draw(st.integers(0, 4))]) + draw(st.binary(min_size=row, max_size=row))
        for _ in range(height)
    )
    idle = draw(st.lists(st.sampled_from([chunk(b"sRGB", b"\0"), chunk(b"gAMA", b"\0\0\xb1\x8f")])))
    return png(
        (width, height, depth, colour, 0, 0, 0),
        rows,
        before=b"".join(idle),
        cuts=draw(st.lists(st.integers(0, 999), max_size=3)),
        level=draw(st.integers(0, 9)),
    )


def read_by_parser(body: bytes) -> Any:
    """Decode a file with a comment in it, which makes it no plain one."""
    return outcome(body[:33] + chunk(b"tEXt", b"Comment\0none") + body[33:])


def outcome(body: bytes) -> Any:
    try:
        picture = decode(body, max_pixels=ANY_SIZE)
    except VitrineError as error:
        return type(error), error.detail
    return picture.pixels.shape, picture.pixels.tobytes(), picture.steps, picture.count_frames()


@settings(max_examples=200, deadline=None)
@given(pngs())
def test_file_is_read_as_the_parser_reads_it(body: bytes) -> None:
    assert outcome(body) == read_by_parser(body)


@settings(max_examples=300, deadline=None)
@given(pngs(), st.data())
def test_damaged_file_is_read_or_refused_as_by_the_parser(body: bytes, data: st.DataObject) -> None:
    damaged = bytearray(body[: data.draw(st.integers(40, len(body)), "length")])
    for _ in range(data.draw(st.integers(0, 2), "changes")):
        damaged[data.draw(st.integers(33, len(damaged) - 1), "at")] = data.draw(st.integers(0, 255))

    assert outcome(bytes(damaged)) == read_by_parser(bytes(damaged))


ROWS = b"\0\7\0\7"
PLAIN = (1, 2, 8, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        png((1, 2, 16, 0, 0, 0, 0), b"\0\7\0\0\7\0"),
        png((1, 2, 8, 0, 0, 0, 1), ROWS),
        png((1, 2, 8, 0, 0, 1, 0), ROWS),
        png((0, 2, 8, 0, 0, 0, 0), ROWS),
        png(PLAIN, ROWS, before=chunk(b"tRNS", b"\0\7")),
        png(PLAIN, ROWS, before=chunk(b"eXIf", b"II*\0")),
        png(PLAIN, ROWS, before=chunk(b"gAMA", b"\0")),
        png(PLAIN, ROWS, before=chunk(b"sRGB", b"\0")[:-1] + b"?"),
        png(PLAIN, ROWS[:-1]),
        png(PLAIN, b"\0\7\5\7"),
        png(PLAIN, ROWS)[:-12],
        png(PLAIN, ROWS)[:-24],
        png(PLAIN, ROWS).replace(b"IDAT", b"tEXt"),
        png(PLAIN, ROWS).replace(b"\0\0\0\1\0\0\0\2\x08", b"\0\0\0\2\0\0\0\1\x08"),
        png(PLAIN, ROWS, cuts=[5], between=chunk(b"sRGB", b"\0")),
    ],
    ids=[
        "16-bits",
        "interlaced",
        "filters",
        "no-width",
        "transparent-level",
        "exif",
        "short-gamma",
        "checksum",
        "too-few-rows",
        "unknown-filter",
        "no-end",
        "truncated",
        "no-pixels",
        "checksum-of-header",
        "chunk-between-pixels",
    ],
)
def test_file_that_is_not_plain_is_left_to_the_parser(body: bytes) -> None:
    assert outcome(body) == read_by_parser(body)


def test_wrong_checksum_of_pixels_is_forgiven_as_by_the_parser() -> None:
    body = png(PLAIN, ROWS)
    damaged = body[:-16] + b"????" + body[-12:]

    assert decode(damaged, max_pixels=ANY_SIZE).pixels.tolist() == [[[7]], [[7]]]


@pytest.mark.parametrize("changed_to", [0, 255, None], ids=["zero", "ones", "flipped"])
def test_each_changed_byte_is_read_or_refused_as_by_the_parser(changed_to: int | None) -> None:
    body = png(PLAIN, ROWS, cuts=[5], before=chunk(b"sRGB", b"\0"))
    for at in range(33, len(body)):
        damaged = bytearray(body)
        damaged[at] = body[at] ^ 1 if changed_to is None else changed_to

        assert outcome(bytes(damaged)) == read_by_parser(bytes(damaged))
