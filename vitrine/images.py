"""Bytes of a picture -> pixels: formats, limits, orientation, transparency, colour.

No other module of the library knows Pillow, and this one does not know what the pixels are for.

The header of a file is checked before Pillow reads the file. It declares how many pixels there are,
which are limited, and how many parts: Pillow's parsers are written in Python and spend time on each
part.
"""

import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from math import isqrt

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    _imaging,
)

from vitrine.errors import EmptyBody, MalformedPicture, PictureTooLarge, UnsupportedPicture
from vitrine.frame_counts import count_frames, gif_palette_bytes
from vitrine.levels import Picture
from vitrine.opencv import cv2
from vitrine.unread_formats import RAW, is_raw, unread_format

# Pillow's own limit is one for the whole process, and only warns. Ours is exact, and a setting.
Image.MAX_IMAGE_PIXELS = None
# Pillow warns of unusual files, which would let a client write into the log.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Real files have at most some hundred chunks, segments or extensions; a TIFF has a strip for every
# few rows.
_MAX_PARTS = 10_000
_MAX_STRIPS = 100_000
# Every scan of a progressive JPEG costs a pass over all pixels, however few bytes the scan has.
_MAX_SCANS = 64
# Pillow decodes a run-length encoded BMP in Python, pixel by pixel.
_MAX_RUN_LENGTH_PIXELS = 2**20
_BMP_HEADER_SIZES = frozenset((12, 16, 40, 52, 56, 64, 108, 124))
# A picture with four times as many pixels is averaged down by a whole factor: no network sees more.
_ENOUGH_PIXELS = 2**20
_MOST_WHOLE_PIXELS = 4 * _ENOUGH_PIXELS - 1
# A JPEG is reduced while it is decoded. Everything else is decoded whole, and a few bytes of some
# formats stand for as many pixels as these formats allow.
MAX_WHOLE_PIXELS = 25_000_000
_REDUCED_PIXEL_BYTES = 2
_WHOLE_PIXEL_BYTES = 6
# All threads of a process decode large pictures in so much memory: one of any size, several small.
_DECODING_BYTES = _WHOLE_PIXEL_BYTES * MAX_WHOLE_PIXELS

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_BEGINNING = _PNG_SIGNATURE + b"\0\0\0\x0dIHDR"
# Depth, colour type, compression, filters and interlacing of a plain PNG file -> what Pillow calls
# such pixels, and how many channels they have.
_PLAIN_MODES = {
    b"\x08\0\0\0\0": ("L", 1),
    b"\x08\2\0\0\0": ("RGB", 3),
    b"\x08\6\0\0\0": ("RGBA", 4),
}
# The chunks that change no pixel and may come before the pixels, with the length that each has.
_IDLE_CHUNKS = {b"sRGB": 1, b"gAMA": 4, b"pHYs": 9, b"cHRM": 32}
_MOST_PLAIN_CHUNKS = 1000
_read_size = struct.Struct(">II").unpack_from
_read_chunk = struct.Struct(">I4s").unpack_from
_read_checksum = struct.Struct(">I").unpack_from

# A flag of an extended WebP file: it holds an animation.
_WEBP_MOVES = 2
# What Pillow says where a decoder finds no memory.
_NO_MEMORY = "out of memory"

# The exceptions that Pillow's parsers raise on broken files.
_PARSER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)

# EXIF orientation -> the operation that turns the picture upright.
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(body: bytes, *, max_pixels: int) -> Picture:
    """Decode a PNG, JPEG, WebP, GIF, BMP or TIFF file, which its first bytes tell from others.

    Of an animation the first frame is decoded, of a TIFF file the first page. A picture of more
    than about four million pixels is averaged down by a whole factor. Threads that decode large
    pictures wait for each other where they would need too much memory together.

    Args:
        body: Bytes of the file.
        max_pixels: Most pixels that the file may declare; checked before any is decoded. Only a
            JPEG that is not progressive may have more than `MAX_WHOLE_PIXELS`.

    Raises:
        EmptyBody: There are no bytes.
        UnsupportedPicture: The first bytes belong to no format that is supported.
        PictureTooLarge: The file declares too many pixels.
        MalformedPicture: The file is truncated or corrupt.
        MemoryError: There is not enough memory, which is not the file's fault.
    """
    # Most files are plain PNG files. Pillow's parser says what is wrong with all others.
    samples = _decode_plain_png(body, min(max_pixels, _MOST_WHOLE_PIXELS))
    if samples is not None:
        return _opaque_picture(samples, ())
    file_format = _recognise(body)
    try:
        # 1. Check the size that the header declares, and the size that Pillow read there.
        width, height = file_format.declared_size(body)
        _check_size(width, height, max_pixels)
        image = file_format.plugin(BytesIO(body))
        _check_size(*image.size, max_pixels)
        is_whole = _is_decoded_whole(image)
        if is_whole:
            _check_size(*image.size, MAX_WHOLE_PIXELS, kind=_kind(image))
        # 2. Decode the pixels.
        with _memory_for(image, is_whole=is_whole):
            picture = _picture(image, _decode_still_webp(body))
        return replace(picture, count_frames=partial(count_frames, body))
    except _PARSER_ERRORS as error:
        if _lacked_memory(error, file_format):
            raise MemoryError from error
        raise _broken(file_format, body) from error


def declared_size(body: bytes) -> tuple[int, int] | None:
    """Return the width and the height that a file declares; None where it declares none.

    Nothing is decoded, and nothing but these two numbers is checked.
    """
    known = _known_format(body)
    if known is None:
        return None
    try:
        # Of a PNG file even the chunks are not counted here, of which there may be many.
        return _png_header_size(body) if known.name == "PNG" else known.declared_size(body)
    except (PictureTooLarge, *_PARSER_ERRORS):
        return None


def begins_like_picture(head: bytes) -> bool:
    """Tell whether a file of these first bytes is a picture, or another file that can be named."""
    if head.startswith(b"BM"):  # so does many a text; the size of the second header tells
        return int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    return _known_format(head) is not None or unread_format(head) is not None


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode a picture as PNG.

    Shapes:
        pixels: (height, width, channels), channels 1 or 3.
    """
    body = BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(body, "PNG")
    return body.getvalue()


def _decode_plain_png(body: bytes, max_pixels: int) -> NDArray[np.uint8] | None:
    """Decode a plain PNG file; None where it is another file, broken, or has too many pixels.

    A plain one has 8 bits a sample, no palette, no interlacing, and no chunk that may change a
    pixel. Its samples are inflated by the decoder in C that Pillow's parser calls, without what
    the parser does in Python: what both read, they read alike.

    Shapes:
        returns: (height, width, channels), channels 1 (grey), 3 (colour) or 4 (with alpha).
    """
    mode = _PLAIN_MODES.get(body[24:29])
    if mode is None or not body.startswith(_PNG_BEGINNING) or not _is_intact(body, 8, 13):
        return None
    width, height = _read_size(body, 16)
    if not 0 < width * height <= max_pixels:
        return None
    data = _compressed_data(body)
    return None if data is None else _inflate(data, width, height, *mode)


def _is_intact(body: bytes, at: int, length: int) -> bool:
    """Tell whether a chunk has the checksum that stands behind it."""
    end = at + 8 + length
    return end + 4 <= len(body) and _read_checksum(body, end)[0] == zlib.crc32(body[at + 4 : end])


def _compressed_data(body: bytes) -> bytes | None:
    """Join the chunks of compressed pixels; None where there are chunks that may mean something."""
    parts: list[bytes] = []
    at = 33
    for _ in range(_MOST_PLAIN_CHUNKS):
        if at + 8 > len(body):
            return None
        length, kind = _read_chunk(body, at)
        if kind == b"IDAT":
            parts.append(body[at + 8 : at + 8 + length])
        elif kind == b"IEND":
            return parts[0] if len(parts) == 1 else b"".join(parts)
        elif parts or _IDLE_CHUNKS.get(kind) != length or not _is_intact(body, at, length):
            return None
        at += 12 + length
    return None


def _inflate(
    data: bytes, width: int, height: int, mode: str, channels: int
) -> NDArray[np.uint8] | None:
    # `Image.frombytes` and `tobytes`, which are public, call the same and take three times as long
    # for a small picture. `pyproject.toml` holds Pillow to the versions that this was tested with.
    image, box = _imaging.new(mode, (width, height)), (0, 0, width, height)
    decoder = _imaging.zip_decoder(mode, mode)
    decoder.setimage(image, box)
    bytes_read, error = decoder.decode(data)
    if bytes_read >= 0 or error:  # it waits for more data, or met a fault
        return None
    encoder = _imaging.raw_encoder(mode, mode)
    encoder.setimage(image, box)
    samples = encoder.encode(width * height * channels)[2]
    return np.frombuffer(samples, np.uint8).reshape(height, width, channels)


def _decode_still_webp(body: bytes) -> NDArray[np.uint8] | None:
    """Decode a WebP file that does not move; None where it is another file, or broken.

    Pillow decodes each as an animation, which takes nearly three times as much memory. Both call
    the same library, and return the same pixels.

    Shapes:
        returns: (height, width, channels), channels 3 (blue, green, red) or 4 (with alpha).
    """
    if body[8:12] != b"WEBP" or (body[12:16] == b"VP8X" and body[20] & _WEBP_MOVES):
        return None
    try:
        pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _check_size(width: int, height: int, max_pixels: int, *, kind: str = "") -> None:
    if width * height > max_pixels:
        raise PictureTooLarge(width, height, max_pixels, kind=kind)
    if width < 1 or height < 1:
        raise ValueError(width, height)


def _is_decoded_whole(image: ImageFile.ImageFile) -> bool:
    """Tell whether all pixels of a file are in memory at once while it is decoded."""
    return image.format != "JPEG" or "progressive" in image.info


def _kind(image: ImageFile.ImageFile) -> str:
    return "progressive JPEG" if image.format == "JPEG" else str(image.format)


def _memory_for(image: ImageFile.ImageFile, *, is_whole: bool) -> AbstractContextManager[None]:
    """Return what waits until a picture can be decoded beside those that other threads decode."""
    pixels = image.width * image.height
    if pixels <= _MOST_WHOLE_PIXELS:
        return nullcontext()
    return _decoding.taken(pixels * (_WHOLE_PIXEL_BYTES if is_whole else _REDUCED_PIXEL_BYTES))


class _Memory:
    """Memory that threads share.

    Args:
        size: Number of bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._change = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Take some of it for this `with`, at most all; wait where others have it."""
        size = min(size, self._size)
        with self._change:
            self._change.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._change:
                self._free += size
                self._change.notify_all()


_decoding = _Memory(_DECODING_BYTES)


def _lacked_memory(error: Exception, file_format: "_Format") -> bool:
    """Tell whether a decoder in C found no memory, which Pillow says with a common error."""
    says_so = isinstance(error, OSError) and str(error).startswith(_NO_MEMORY)
    return says_so and file_format.name != "TIFF"  # its decoder says so of broken files, too


def _picture(image: ImageFile.ImageFile, decoded: NDArray[np.uint8] | None) -> Picture:
    steps = []
    # 1. Decode the pixels. Decoding a JPEG at a half, a quarter or an eighth of its size is free.
    is_turned = _orientation(image) in _TO_UPRIGHT
    if _reduction_factor(image.size) > 1:
        side = isqrt(_ENOUGH_PIXELS)
        image.draft(None, (min(side, image.width), min(side, image.height)))
    if decoded is None:
        image.load()
        pixels = _pixels(image)
    else:
        pixels = _reduced(decoded)
    # 2. Turn them upright. Pillow turns a TIFF by itself, and then no longer has its orientation.
    if is_turned:
        steps.append("turned upright")
    orientation = _orientation(image)
    if orientation in _TO_UPRIGHT:
        pixels = np.asarray(Image.fromarray(pixels).transpose(_TO_UPRIGHT[orientation]))
    # 3. Put a background behind what is transparent.
    return _opaque_picture(pixels.reshape(*pixels.shape[:2], -1), tuple(steps))


def _opaque_picture(pixels: NDArray[np.uint8], steps: tuple[str, ...]) -> Picture:
    if pixels.shape[2] != 4:
        return Picture(pixels, steps)
    pixels, was_transparent = _opaque(pixels)
    return Picture(pixels, (*steps, "made opaque") if was_transparent else steps)


def _orientation(image: ImageFile.ImageFile) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _PARSER_ERRORS:  # a picture with broken metadata is still a picture
        return 1


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Convert and reduce a picture, band by band, so that a large one is not copied whole."""
    factor = _reduction_factor(image.size)
    if image.mode in {"I", "F"}:
        return _scaled(np.asarray(image.reduce(factor)))
    rows = factor * max(1, 2**20 // (factor * image.width)) if factor > 1 else image.height
    bands = (
        image.crop((0, top, image.width, min(top + rows, image.height)))
        for top in range(0, image.height, rows)
    )
    return np.concatenate([np.asarray(_eight_bits(band).reduce(factor)) for band in bands])


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce a picture that OpenCV has decoded, band by band, as `_pixels` does."""
    height, width, channels = pixels.shape
    factor = _reduction_factor((width, height))
    order = cv2.COLOR_BGR2RGB if channels == 3 else cv2.COLOR_BGRA2RGBA
    if factor == 1:
        return np.asarray(cv2.cvtColor(pixels, order), np.uint8)
    rows = factor * max(1, 2**20 // (factor * width))
    bands = (cv2.cvtColor(pixels[top : top + rows], order) for top in range(0, height, rows))
    return np.concatenate([np.asarray(Image.fromarray(band).reduce(factor)) for band in bands])


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in {"1", "L"}:
        return image.convert("L")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        if converted is None:
            raise ValueError(image.mode)
        return converted
    return image.convert("RGB")


def _scaled(levels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale levels of unknown depth to [0, 255].

    White is the least of 1, 255 and 65535 that no level exceeds. Where there is none, or levels are
    below zero, the range that they use is scaled.
    """
    values = np.nan_to_num(levels.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    white = next((white for white in (1.0, 255.0, 65535.0) if high <= white), high)
    low, white = (0.0, white) if low >= 0 else (low, high)
    return np.rint((values - low) * (255.0 / max(white - low, 1e-300))).astype(np.uint8)


def _reduction_factor(size: tuple[int, int]) -> int:
    return max(1, isqrt(size[0] * size[1] // _ENOUGH_PIXELS))


def _opaque(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """Put a background behind transparent pixels on which the drawing can be seen.

    Shapes:
        (height, width, 4) to (height, width, 3).
    """
    alpha = cv2.extractChannel(pixels, 3)
    least, most, *_ = cv2.minMaxLoc(alpha)
    if least == 255 or most == 0:  # some programs write a meaningless alpha channel
        return cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), False
    # What is wholly transparent around the drawing becomes the background without arithmetic.
    left, top, width, height = cv2.boundingRect(alpha)
    bottom, right = top + height, left + width
    colour = cv2.cvtColor(pixels[top:bottom, left:right], cv2.COLOR_RGBA2RGB)
    share = alpha[top:bottom, left:right]
    background = _background(colour, (share > most // 2).view(np.uint8))
    margins = top, len(alpha) - bottom, left, alpha.shape[1] - right
    colours = tuple(background.tolist())
    drawing = _blended(colour, share, background)
    return cv2.copyMakeBorder(drawing, *margins, cv2.BORDER_CONSTANT, value=colours), True


def _blended(
    colour: NDArray[np.uint8], alpha: NDArray[np.uint8], background: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Mix a colour with what is behind it; 16 bits hold every sum."""
    share = cv2.merge((alpha, alpha, alpha))
    behind = np.arange(255, -1, -1, dtype=np.uint16)[:, np.newaxis] * background + np.uint16(127)
    mixed = cv2.multiply(colour, share, dtype=cv2.CV_16U)
    mixed += cv2.LUT(share, behind[np.newaxis])
    return np.asarray(mixed // np.uint16(255), np.uint8)


def _background(colour: NDArray[np.uint8], visible: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Choose the colour of the paper if there is paper, else black or white, far from the ink.

    Args:
        colour: The picture.
        visible: Not 0 where the picture can be seen.
    """
    red, green, blue = cv2.split(colour)
    sums = cv2.add(cv2.add(red, green, dtype=cv2.CV_16U), blue, dtype=cv2.CV_16U)
    counts = cv2.calcHist([sums], [0], visible, [766], [0, 766]).ravel().astype(np.intp)
    levels = np.repeat(np.arange(766) / 3, counts)
    *_, width, height = cv2.boundingRect(visible)
    # What fills its box with dark and light pixels is paper, cut out with the drawing on it.
    if len(levels) > 0.6 * width * height:
        dark, light = np.percentile(levels, [3, 97])
        if light - dark > 48:
            return np.asarray(np.median(colour[visible > 0], axis=0), np.uint8)
    median = (levels[(len(levels) - 1) // 2] + levels[len(levels) // 2]) / 2
    return np.full(3, 0 if median > 127 else 255, np.uint8)


def _png_size(body: bytes) -> tuple[int, int]:
    """Count the chunks, and read the size from the first one."""
    at = 8
    for _ in range(_MAX_PARTS):
        if at + 12 > len(body) or body[at + 4 : at + 8] == b"IEND":
            return _png_header_size(body)
        at += 12 + int.from_bytes(body[at : at + 4], "big")
    raise ValueError(_MAX_PARTS)


def _png_header_size(body: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", body, 16)
    return width, height


def _jpeg_size(body: bytes) -> tuple[int, int]:
    """Count the scans, and read the size from the frame header behind the other segments."""
    if body.count(b"\xff\xda") > _MAX_SCANS:
        raise ValueError(_MAX_SCANS)
    at = 2
    for _ in range(_MAX_PARTS):
        at = body.index(b"\xff", at, at + _MAX_PARTS)
        marker = body[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack_from(">HH", body, at + 5)
            return width, height
        padding = marker in {0x00, 0xFF} or 0xD0 <= marker <= 0xD8
        at += 1 if padding else 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    raise ValueError(_MAX_PARTS)


def _gif_size(body: bytes) -> tuple[int, int]:
    """Count the extensions' parts, and read the size of the screen and of the first frame."""
    width, height, flags = struct.unpack_from("<HHB", body, 6)
    at = 13 + gif_palette_bytes(flags)
    parts = 0
    while body[at] == ord("!"):
        at += 2
        while body[at]:
            at += 1 + body[at]
            parts += 1
        at, parts = at + 1, parts + 1
        if parts > _MAX_PARTS:
            raise ValueError(parts)
    if body[at] != ord(","):
        raise ValueError(body[at])
    left, top, inner_width, inner_height = struct.unpack_from("<HHHH", body, at + 1)
    return max(width, left + inner_width), max(height, top + inner_height)


def _bmp_size(body: bytes) -> tuple[int, int]:
    """Read the size from one of two headers, and limit what is run-length encoded."""
    if struct.unpack_from("<I", body, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", body, 18)
        return width, height
    width, height, _, _, compression = struct.unpack_from("<iiHHI", body, 18)
    if compression in {1, 2}:
        _check_size(abs(width), abs(height), _MAX_RUN_LENGTH_PIXELS)
        # A run takes at most two bytes for each pixel; more bytes only keep the parser busy.
        if len(body) > 4 * abs(width * height) + 2**16:
            raise ValueError(len(body))
    return abs(width), abs(height)


def _webp_size(body: bytes) -> tuple[int, int]:
    """Read the size from the header of a lossy, a lossless or an extended file."""
    kind = body[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(body[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[24:27], "little") + 1, int.from_bytes(body[27:30], "little") + 1


def _tiff_size(body: bytes) -> tuple[int, int]:
    """Read the size from the first directory; limit the strips, the scans and the tiles' size."""
    order = "<" if body[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(order + "I", body, 4)
    (entries,) = struct.unpack_from(order + "H", body, directory)
    first: dict[int, int] = {}
    strips = 0
    for at in range(directory + 2, directory + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from(order + "HHI", body, at)
        if tag in {273, 279, 324, 325}:
            strips = max(strips, count)
        size = "H" if kind == 3 else "I"
        first.setdefault(tag, struct.unpack_from(order + size, body, at + 8)[0])
    tile_width, tile_height = first.get(322, 1), first.get(323, 1)
    if tile_width * tile_height > 4 * first[256] * first[257] + 2**20:
        raise ValueError(tile_width, tile_height)
    if strips > _MAX_STRIPS or body.count(b"\xff\xda") > strips + _MAX_SCANS:
        raise ValueError(strips)
    return first[256], first[257]


@dataclass(frozen=True, slots=True)
class _Format:
    """A format of picture files.

    Attributes:
        name: Name of the format.
        signatures: First bytes of a file, one of which it has.
        plugin: Pillow's parser.
        declared_size: Function from a file to its width and height, as its header has them. It
            raises one of `_PARSER_ERRORS` for a file that is broken or made to keep a parser busy.
    """

    name: str
    signatures: tuple[bytes, ...]
    plugin: Callable[[BytesIO], ImageFile.ImageFile]
    declared_size: Callable[[bytes], tuple[int, int]]


# The plug-ins are called by name, not through Image.open, so that no other parser can be reached,
# not even one that a format hands its files on to.
_FORMATS = (
    _Format("PNG", (_PNG_SIGNATURE,), PngImagePlugin.PngImageFile, _png_size),
    _Format("JPEG", (b"\xff\xd8\xff",), JpegImagePlugin.JpegImageFile, _jpeg_size),
    _Format("WebP", (b"RIFF",), WebPImagePlugin.WebPImageFile, _webp_size),
    _Format("GIF", (b"GIF87a", b"GIF89a"), GifImagePlugin.GifImageFile, _gif_size),
    _Format("BMP", (b"BM",), BmpImagePlugin.BmpImageFile, _bmp_size),
    _Format("TIFF", (b"II*\0", b"MM\0*"), TiffImagePlugin.TiffImageFile, _tiff_size),
)


def _recognise(body: bytes) -> _Format:
    names = [known.name for known in _FORMATS]
    if not body:
        raise EmptyBody(f"a picture: {', '.join(names)}")
    known = _known_format(body)
    if known is not None:
        return known
    unread = unread_format(body)
    if unread is None:
        raise UnsupportedPicture(names)
    raise UnsupportedPicture(names, unread.name, unread.cure)


def _known_format(body: bytes) -> _Format | None:
    for known in _FORMATS:
        # Other files, such as WAV, are RIFF files, too.
        if body.startswith(known.signatures) and (known.name != "WebP" or body[8:12] == b"WEBP"):
            return known
    return None


def _broken(file_format: _Format, body: bytes) -> MalformedPicture | UnsupportedPicture:
    if file_format.name == "TIFF" and is_raw(body):
        return UnsupportedPicture([known.name for known in _FORMATS], RAW.name, RAW.cure)
    lacks_bytes = not any(byte in body for byte in (b"\0", b"\n", b"\r"))
    return MalformedPicture(file_format.name, lacks_bytes=lacks_bytes)
