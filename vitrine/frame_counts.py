"""The number of frames of an animation, or of pages of a TIFF file.

Only the first one is decoded. The others are counted, so that an answer can say that there are
some. The files are read without Pillow, which would decode frames to count them.
"""

import struct

# A file with more parts than this is made to keep a parser busy: the others are not counted.
_MAX_PARTS = 100_000


def count_frames(file: bytes) -> int:
    """Count the frames or pages of a GIF, PNG, WebP or TIFF file; any other file has one.

    What is truncated or corrupt ends the count.
    """
    try:
        if file.startswith(b"GIF8"):
            return max(1, _count_in_gif(file))
        if file.startswith(b"\x89PNG"):
            return _count_in_png(file)
        if file.startswith(b"RIFF"):
            return max(1, _count_in_webp(file))
        if file.startswith((b"II*\0", b"MM\0*")):
            return max(1, _count_in_tiff(file))
    except (IndexError, struct.error):
        pass
    return 1


def _count_in_gif(file: bytes) -> int:
    """Count the image descriptors among the blocks, whose data come in parts of up to 255 bytes."""
    at, frames, parts = 13 + gif_palette_bytes(file[10]), 0, 0
    while at < len(file) and parts < _MAX_PARTS:
        if file[at] == ord(","):
            frames += 1
            at += 11 + gif_palette_bytes(file[at + 9])
        elif file[at] == ord("!"):
            at += 2
        else:
            break
        while at < len(file) and file[at] and parts < _MAX_PARTS:
            at, parts = at + 1 + file[at], parts + 1
        at, parts = at + 1, parts + 1
    return frames


def gif_palette_bytes(flags: int) -> int:
    """Return the size of the palette that follows such flags in a GIF file."""
    return (3 << ((flags & 7) + 1)) if flags & 0x80 else 0


def _count_in_png(file: bytes) -> int:
    """Read the number of frames in the animation's chunk, which comes before any pixels."""
    at = 8
    for _ in range(_MAX_PARTS):
        kind = file[at + 4 : at + 8]
        if kind == b"acTL":
            return max(1, int(struct.unpack_from(">I", file, at + 8)[0]))
        if kind in {b"IDAT", b"IEND", b""}:
            break
        at += 12 + int(struct.unpack_from(">I", file, at)[0])
    return 1


def _count_in_webp(file: bytes) -> int:
    """Count the chunks of frames."""
    at, frames = 12, 0
    for _ in range(_MAX_PARTS):
        if at + 8 > len(file):
            break
        frames += file[at : at + 4] == b"ANMF"
        size = int(struct.unpack_from("<I", file, at + 4)[0])
        at += 8 + size + size % 2
    return frames


def _count_in_tiff(file: bytes) -> int:
    """Count the directories, each of which ends with the position of the next one."""
    order = "<" if file.startswith(b"II") else ">"
    (at,) = struct.unpack_from(order + "I", file, 4)
    seen: set[int] = set()
    while at and at not in seen and at + 2 <= len(file) and len(seen) < _MAX_PARTS:
        seen.add(at)
        (entries,) = struct.unpack_from(order + "H", file, at)
        if at + 6 + 12 * entries > len(file):
            break
        (at,) = struct.unpack_from(order + "I", file, at + 2 + 12 * entries)
    return len(seen)
